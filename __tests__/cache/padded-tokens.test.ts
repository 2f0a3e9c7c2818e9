import { createPaddedTokens } from '../../lib/cache/padded-tokens.js';

describe('padded tokens', () => {
  it('are found by the digest of the token without its padding', () => {
    const tokens = createPaddedTokens();
    tokens.add('abc=', 'abc');
    expect([tokens.cachedDigestOf('abc'), tokens.cachedDigestOf('abc=')]).toEqual(['abc=', undefined]);
  });

  it('are forgotten when they are removed', () => {
    const tokens = createPaddedTokens();
    tokens.add('abc=', 'abc');
    tokens.remove('abc');
    expect(tokens.cachedDigestOf('abc')).toBe('abc=');
    tokens.remove('abc=');
    tokens.remove('abc=');
    expect(tokens.cachedDigestOf('abc')).toBeUndefined();
  });

  it('replace each other, and only the latest one counts', () => {
    const tokens = createPaddedTokens();
    tokens.add('abc=', 'abc');
    tokens.add('abc==', 'abc');
    tokens.remove('abc=');
    expect(tokens.cachedDigestOf('abc')).toBe('abc==');
    tokens.remove('abc==');
    expect(tokens.cachedDigestOf('abc')).toBeUndefined();
  });
});
