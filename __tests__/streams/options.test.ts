import { AuthError, IntrospectionError } from '../../lib/core/errors.js';
import { parseStreamOptions, reasonOf, type StreamOptions } from '../../lib/streams/options.js';

describe('the options of a stream', () => {
  it('are copied', () => {
    const options = { lastEvent: 'data: bye\n\n', onEnd() {} };
    const parsed = parseStreamOptions(options);
    expect(parsed).toEqual(options);
    expect(parsed).not.toBe(options);
    expect(parseStreamOptions({})).toEqual({ lastEvent: undefined, onEnd: undefined });
  });

  it.each(['\n\n', '\r\r', '\r\n\r\n', '\n\r\n', '\r\n\n', '\r\n\r', '\n\r'])(
    'allow a last event that ends with %j, which is an empty line',
    (end) => {
      expect(parseStreamOptions({ lastEvent: `data: bye${end}` }).lastEvent).toBe(`data: bye${end}`);
    },
  );

  const event = "write an event with an empty line at its end, such as 'data: bye\\n\\n'";

  it.each<[unknown, string]>([
    [{ lastEvent: '' }, `Option "lastEvent" is an empty string; ${event}`],
    [{ lastEvent: 'data: bye' }, `Option "lastEvent" is a string that cannot be used; ${event}`],
    [{ lastEvent: 'data: bye\n' }, `Option "lastEvent" is a string that cannot be used; ${event}`],
    [{ lastEvent: 'data: bye\r\n' }, `Option "lastEvent" is a string that cannot be used; ${event}`],
    [{ lastEvent: 'data: bye\n\ndata' }, `Option "lastEvent" is a string that cannot be used; ${event}`],
    [{ lastEvent: ['data: bye\n\n'] }, `Option "lastEvent" is a list; ${event}`],
    [{ lastEvent: null }, `Option "lastEvent" is null; ${event}`],
    [{ onEnd: null }, 'Option "onEnd" is null; write a function'],
    [{ onEnd: 'x' }, 'Option "onEnd" is a string that cannot be used; write a function'],
    [{ onend: 'x' }, 'Option "onend" is not known here; did you mean "onEnd"?'],
    [{ timeout: 1 }, 'Option "timeout" is not known here; write one of lastEvent, onEnd'],
  ])('%j throw an error that says what to write', (options, message) => {
    expect(() => parseStreamOptions(options as StreamOptions)).toThrow(new TypeError(message));
  });
});

it.each<[string, unknown]>([
  ['expired', new AuthError('expired')],
  ['timeout', new IntrospectionError('timeout')],
  ['internal_error', new Error('of the app')],
  ['internal_error', undefined],
])('the reason of the end is %s for %p', (reason, error) => {
  expect(reasonOf(error)).toBe(reason);
});
