import { bearerToken } from '../../lib/index.js';
import { signed } from '../support/signed.js';

const REMEDY = 'write a bearer token (RFC 6750 section 2.1), without spaces or line ends';

describe('bearerToken', () => {
  it('sends the token in the Authorization header', async () => {
    expect(await signed(bearerToken('23410913-abewfq.123483'))).toEqual({
      headers: { authorization: 'Bearer 23410913-abewfq.123483' },
      parameters: {},
    });
  });

  it.each([
    ['a value', () => 'fresh'],
    ['a promise', async () => 'fresh'],
  ])('calls a function that returns %s for every request', async (_, source) => {
    const token = jest.fn<string | Promise<string>, []>(source);
    const clientAuth = bearerToken(token);
    expect(token).not.toHaveBeenCalled();
    expect((await signed(clientAuth)).headers).toEqual({ authorization: 'Bearer fresh' });
    await signed(clientAuth);
    expect(token).toHaveBeenCalledTimes(2);
  });

  it('passes only refused to a function', async () => {
    const token = jest.fn<string, [unknown]>(() => 'fresh');
    const clientAuth = bearerToken(token);
    await signed(clientAuth);
    await signed(clientAuth, { refused: true });
    expect(token.mock.calls).toEqual([[{ refused: false }], [{ refused: true }]]);
  });

  it('has one identity for each token, which does not contain the token', () => {
    const { identity } = bearerToken('hush');
    expect(identity).toMatch(/^bearer:[\w-]{43}$/);
    expect(bearerToken('hush').identity).toBe(identity);
    expect(bearerToken('other').identity).not.toBe(identity);
    expect(bearerToken(() => 'hush').identity).toBeUndefined();
  });

  it.each([
    ['with a line feed at the end', 'abc\n'],
    ['with a space', 'a b'],
    ['with a header of its own', 'abc\r\nX-Evil: 1'],
    ['with the scheme before it', 'Bearer abc'],
    ['outside ASCII', 'ü'],
  ])('rejects a token %s without showing it', async (_, token) => {
    const refusal = new TypeError(`Option "token" is a string that cannot be used; ${REMEDY}`);
    expect(() => bearerToken(token)).toThrow(refusal);
    await expect(signed(bearerToken(() => token))).rejects.toThrow(refusal);
  });

  it.each([
    ['undefined', undefined, 'undefined'],
    ['an empty string', '', 'an empty string'],
    ['null', null, 'null'],
    ['an object', {}, 'an object that cannot be used'],
  ])('fails when a function returns %s', async (_, token, told) => {
    await expect(signed(bearerToken(() => token as string))).rejects.toThrow(
      `bearerToken(token): the token is ${told}. `,
    );
  });
});
