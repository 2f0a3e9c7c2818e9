import { createHash } from 'node:crypto';
import { type AuthoritySettings, authorityOf, keyOf } from '../../lib/cache/key.js';

describe('the key of a token', () => {
  it('is 256 bits of base64url in which the token cannot be found', () => {
    expect(keyOf('secret-token')).toMatch(/^[\w-]{43}$/);
    expect(keyOf('secret-token')).not.toContain('secret-token');
  });

  it('is its SHA-256', () => {
    expect(keyOf('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
    for (const token of ['a', 'secret-token', 'mF_9.B5f-4.1JqM+/==', 'a'.repeat(8192)]) {
      expect(keyOf(token)).toBe(createHash('sha256').update(token).digest('base64url'));
    }
  });

  it.each([['ABC'], ['Abc'], ['abc='], ['abc=='], ['ab'], ['abcd'], ['abc '], [' abc'], ['abc\u0000'], ['']])(
    'is another for %j than for abc',
    (token) => {
      expect(keyOf(token)).not.toBe(keyOf('abc'));
    },
  );

  it('is the same whenever it is asked for, and different for every one of many tokens', () => {
    const tokens = Array.from({ length: 10_000 }, (_, index) => `token-${index}`);
    const keys = tokens.map(keyOf);
    expect(new Set(keys).size).toBe(tokens.length);
    expect(tokens.map(keyOf)).toEqual(keys);
  });

  it.each([['t\ud800'], ['t\udfff'], ['t\ufffd'], ['t\u00f6']])(
    'is for what no token can be, as %j, never that of a token',
    (text) => {
      const tokens = ['t', 't?', 't=', 't\u00ef\u00bf\u00bd', 'to'];
      expect(tokens.map(keyOf)).not.toContain(keyOf(text));
    },
  );
});

describe('the digest of an authority', () => {
  const at = (endpoint: string) => ({ endpoint: new URL(endpoint), issuer: undefined });
  const SETTINGS: AuthoritySettings = {
    whom: at('https://as.example.com/introspect'),
    clientAuth: { identity: 'client:api' },
    requestFormat: 'form',
    tokenParameter: 'token',
    parameters: { a: '1', b: '2' },
    headers: { 'x-a': '1', 'x-b': '2' },
    signedReply: undefined,
  };
  const DIFFERENT: [string, Partial<AuthoritySettings>][] = [
    ['host', { whom: at('https://other.example.com/introspect') }],
    ['path', { whom: at('https://as.example.com/other') }],
    ['query', { whom: at('https://as.example.com/introspect?tenant=b') }],
    ['client', { clientAuth: { identity: 'client:other' } }],
    ['request format', { requestFormat: 'json' }],
    ['token parameter', { tokenParameter: 'access_token' }],
    ['parameter', { parameters: { a: '1', b: '3' } }],
    ['parameter name', { parameters: { a: '1', c: '2' } }],
    ['number of parameters', { parameters: { a: '1' } }],
    ['split between name and value', { parameters: { a: '1', 'b","2': '' } }],
    ['place of a value', { parameters: {}, headers: { a: '1', b: '2', 'x-a': '1', 'x-b': '2' } }],
    ['header', { headers: { 'x-a': '1', 'x-b': '3' } }],
    ['authorization server', { whom: { endpoint: undefined, issuer: 'https://as.example.com/introspect' } }],
    ['demand for signed replies', { signedReply: { issuer: 'https://as.example.com', audience: ['api'] } }],
  ];

  it('is the same for the same settings, in whatever order they are written', () => {
    const reordered = { ...SETTINGS, parameters: { b: '2', a: '1' }, headers: { 'x-b': '2', 'x-a': '1' } };
    expect(authorityOf(reordered)).toBe(authorityOf(SETTINGS));
    expect(authorityOf({ ...SETTINGS, whom: at('https://as.example.com/introspect') })).toBe(authorityOf(SETTINGS));
  });

  it.each(DIFFERENT)('is another at another %s', (_, other) => {
    expect(authorityOf({ ...SETTINGS, ...other })).not.toBe(authorityOf(SETTINGS));
  });
});
