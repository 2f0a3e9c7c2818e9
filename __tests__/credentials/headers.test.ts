import { isRepeated, ownHeader, parseAuthorizationHeader } from '../../lib/credentials/headers.js';

const readBearer = (value: string | undefined) =>
  value === undefined ? undefined : parseAuthorizationHeader(value, false)?.token;

import { requireB64Token } from '../../lib/credentials/token.js';

const MALFORMED = expect.objectContaining({
  name: 'AuthError',
  status: 400,
  code: 'invalid_request',
  reason: 'malformed_credentials',
});

describe('the Authorization header', () => {
  it.each([
    ['the usual spelling', 'Bearer mF_9.B5f-4.1JqM', 'mF_9.B5f-4.1JqM'],
    ['lower case', 'bearer abc', 'abc'],
    ['upper case', 'BEARER abc', 'abc'],
    ['mixed case', 'bEaReR abc', 'abc'],
    ['several spaces', 'Bearer    abc', 'abc'],
    ['every kind of character a token may have', 'Bearer aZ09-._~+/==', 'aZ09-._~+/=='],
    ['a token that looks like the scheme', 'Bearer bearer', 'bearer'],
    ['a single character', 'Bearer a', 'a'],
  ])('yields the token from %s', (_, header, token) => {
    expect(parseAuthorizationHeader(header, false)).toEqual({ scheme: 'Bearer', token });
  });

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['Basic', 'Basic dXNlcjpwYXNz'],
    ['DPoP', 'DPoP abc'],
    ['a scheme that starts like Bearer', 'BearerToken abc'],
    ['a scheme that ends like Bearer', 'XBearer abc'],
    ['a scheme cut short', 'Beare'],
    ['a scheme joined to the token by a sign schemes may hold', 'Bearer+abc'],
    ['a token joined to the scheme', 'Bearerabc'],
    ['letters that only look alike', 'Вearer abc'],
    ['a letter one bit off', '"earer abc'],
    ['a scheme behind a space', ' Bearer abc'],
    ['a token alone', 'abc'],
  ])('has no credentials for us when it is %s', (_, header) => {
    expect(readBearer(header)).toBeUndefined();
  });

  it.each([
    ['only the scheme', 'Bearer'],
    ['the scheme and a space', 'Bearer '],
    ['the scheme and spaces', 'bearer      '],
    ['a tab behind the scheme', 'Bearer\tabc'],
    ['a comma behind the scheme', 'Bearer,abc'],
    ['a colon behind the scheme', 'bearer: abc'],
    ['an equals sign behind the scheme', 'Bearer=abc'],
  ])('is rejected as malformed when it holds %s', (_, header) => {
    expect(() => readBearer(header)).toThrow(MALFORMED);
  });

  it.each([
    ['two tokens', 'Bearer abc def', 'abc def'],
    ['a second credential', 'Bearer abc, Bearer def', 'abc, Bearer def'],
    ['a trailing space', 'Bearer abc ', 'abc '],
    ['a tab before the token', 'Bearer \tabc', '\tabc'],
    ['only padding', 'Bearer ==', '=='],
    ['a letter outside ASCII', 'Bearer tökén', 'tökén'],
  ])('passes on %s whole, so that the checked token is the one that was sent', (_, header, rest) => {
    expect(readBearer(header)).toBe(rest);
    expect(() => requireB64Token(rest)).toThrow(MALFORMED);
  });

  it.each([
    ['DPoP abc', 'abc'],
    ['dpop   a-b', 'a-b'],
    ['DPOP abc==', 'abc=='],
    ['DPoPs abc', undefined],
    ['DPo abc', undefined],
    [undefined, undefined],
  ])('yields the token of another scheme when that is enabled: %j', (header, token) => {
    expect(header && parseAuthorizationHeader(header, true)).toEqual(token && { scheme: 'DPoP', token });
  });

  it.each(['DPoP', 'DPoP ', 'dpop\tabc', 'DPoP,abc'])('is malformed under that scheme, too: %j', (header) => {
    expect(() => parseAuthorizationHeader(header, true)).toThrow(MALFORMED);
  });
});

describe('a header of a request', () => {
  it('is absent if it is a list, as some test tools write it', () => {
    expect(ownHeader({ headers: { authorization: ['Bearer abc'] as never } }, 'authorization')).toBeUndefined();
    expect(ownHeader({ headers: { authorization: 'Bearer abc' } }, 'authorization')).toBe('Bearer abc');
  });

  it.each([
    [['Authorization', 'a', 'AUTHORIZATION', 'b'], true],
    [['Authorization', 'a', 'Host', 'x', 'authorization', 'a'], true],
    [['Authorization', 'a'], false],
    [['Authorization', 'authorization'], false],
    [['Authorization', 'a', 'Content-Types', 'b'], false],
    [['Content-Types', 'a', 'Content-Types', 'b'], false],
    [['Authorization', 'a', 'Authorizations', 'b'], false],
    [[], false],
    [undefined, false],
  ])('is repeated in %j: %s', (rawHeaders, expected) => {
    expect(isRepeated({ ...(rawHeaders && { rawHeaders }) }, 'authorization')).toBe(expected);
  });
});
