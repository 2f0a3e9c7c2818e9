import { createHash } from 'node:crypto';
import { tokenDigest } from '../../lib/core/token-digest.js';

describe('tokenDigest', () => {
  it('returns 256 bits in base64url that do not contain the token', () => {
    expect(tokenDigest('secret-token')).toMatch(/^[\w-]{43}$/);
    expect(tokenDigest('secret-token')).not.toContain('secret-token');
  });

  it('returns the SHA-256 of the token', () => {
    expect(tokenDigest('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
    for (const token of ['a', 'secret-token', 'mF_9.B5f-4.1JqM+/==', 'a'.repeat(8192)]) {
      expect(tokenDigest(token)).toBe(createHash('sha256').update(token).digest('base64url'));
    }
  });

  it.each([['ABC'], ['Abc'], ['abc='], ['abc=='], ['ab'], ['abcd'], ['abc '], [' abc'], ['abc\u0000'], ['']])(
    'returns another digest for %j than for abc',
    (token) => {
      expect(tokenDigest(token)).not.toBe(tokenDigest('abc'));
    },
  );

  it('returns the same digest for the same token, and different digests for 10,000 tokens', () => {
    const tokens = Array.from({ length: 10_000 }, (_, index) => `token-${index}`);
    const keys = tokens.map(tokenDigest);
    expect(new Set(keys).size).toBe(tokens.length);
    expect(tokens.map(tokenDigest)).toEqual(keys);
  });

  it.each([['t\ud800'], ['t\udfff'], ['t\ufffd'], ['t\u00f6']])(
    'never returns the digest of a valid token for %j, which no token can be',
    (text) => {
      const tokens = ['t', 't?', 't=', 't\u00ef\u00bf\u00bd', 'to'];
      expect(tokens.map(tokenDigest)).not.toContain(tokenDigest(text));
    },
  );
});
