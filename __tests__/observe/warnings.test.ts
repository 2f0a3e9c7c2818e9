import { createWarning } from '../../lib/observe/warnings.js';

describe('a warning', () => {
  it('is given once, however often there is reason for it', () => {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const [warn, other] = [createWarning('CODE', 'Something is wrong.'), createWarning('OTHER', 'And that.')];
    expect(emitWarning).not.toHaveBeenCalled();
    for (let i = 0; i < 3; i++) warn();
    other();
    expect(emitWarning.mock.calls).toEqual([
      ['Something is wrong.', { type: 'TokenIntrospectionWarning', code: 'CODE' }],
      ['And that.', { type: 'TokenIntrospectionWarning', code: 'OTHER' }],
    ]);
    emitWarning.mockRestore();
  });
});
