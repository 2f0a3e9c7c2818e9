import { parseInvalidation } from '../../lib/cache/invalidation.js';

describe('the target of an invalidation', () => {
  it.each(['token', 'sub', 'sid', 'client_id', 'jti'])('may be a %s', (name) => {
    expect(parseInvalidation({ [name]: 'x' })).toEqual({ name, value: 'x' });
    expect(parseInvalidation({ other: undefined, [name]: 'x' } as object)).toEqual({ name, value: 'x' });
  });

  it('may be an empty token', () => {
    expect(parseInvalidation({ token: '' })).toEqual({ name: 'token', value: '' });
  });

  it.each<[string, unknown, string]>([
    ['missing', undefined, 'Option "token" is missing'],
    ['null', null, 'Option "token" is missing'],
    ['an empty object', {}, 'Option "token" is missing'],
    ['a token that is undefined', { token: undefined }, 'Option "token" is missing'],
    ['an empty sub', { sub: '' }, 'Option "sub" is an empty string'],
    ['a number', { jti: 7 }, 'Option "jti" is an object that cannot be used'],
    ['a list', { token: ['x'] }, 'Option "token" is a list'],
    ['an unknown name', { scope: 'x' }, 'Option "scope" is a string that cannot be used'],
    ['two members', { sub: 'x', sid: 'x' }, 'Option "sub" is a string that cannot be used'],
    ['an unknown second member', { sub: 'x', scope: 'x' }, 'Option "sub" is a string that cannot be used'],
  ])('must not be %s', (_name, target, message) => {
    expect(() => parseInvalidation(target as object)).toThrow(
      new TypeError(`${message}; write invalidate({ token }), or one of { sub }, { sid }, { client_id } and { jti }`),
    );
  });
});
