import { createHash } from 'node:crypto';
import { tokenDigest } from '../../lib/core/token-digest.js';

describe('the digest of a token', () => {
  it('is 256 bits of base64url in which the token cannot be found', () => {
    expect(tokenDigest('secret-token')).toMatch(/^[\w-]{43}$/);
    expect(tokenDigest('secret-token')).not.toContain('secret-token');
  });

  it('is its SHA-256', () => {
    expect(tokenDigest('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
    for (const token of ['a', 'secret-token', 'mF_9.B5f-4.1JqM+/==', 'a'.repeat(8192)]) {
      expect(tokenDigest(token)).toBe(createHash('sha256').update(token).digest('base64url'));
    }
  });

  it.each([['ABC'], ['Abc'], ['abc='], ['abc=='], ['ab'], ['abcd'], ['abc '], [' abc'], ['abc\u0000'], ['']])(
    'is another for %j than for abc',
    (token) => {
      expect(tokenDigest(token)).not.toBe(tokenDigest('abc'));
    },
  );

  it('is the same whenever it is asked for, and different for every one of many tokens', () => {
    const tokens = Array.from({ length: 10_000 }, (_, index) => `token-${index}`);
    const keys = tokens.map(tokenDigest);
    expect(new Set(keys).size).toBe(tokens.length);
    expect(tokens.map(tokenDigest)).toEqual(keys);
  });

  it.each([['t\ud800'], ['t\udfff'], ['t\ufffd'], ['t\u00f6']])(
    'is for what no token can be, as %j, never that of a token',
    (text) => {
      const tokens = ['t', 't?', 't=', 't\u00ef\u00bf\u00bd', 'to'];
      expect(tokens.map(tokenDigest)).not.toContain(tokenDigest(text));
    },
  );
});
