import { createHash } from 'node:crypto';
import { createKeyer, type KeyedSettings } from '../../lib/cache/key.js';

const SETTINGS: KeyedSettings = {
  endpoint: new URL('https://as.example.com/introspect'),
  clientAuth: { identity: 'client:api' },
  requestFormat: 'form',
  tokenParameter: 'token',
  parameters: { a: '1', b: '2' },
  headers: { 'x-a': '1', 'x-b': '2' },
};

const keyOf = createKeyer(SETTINGS);

describe('the key of a token', () => {
  it('is 256 bits of base64url in which the token cannot be found', () => {
    expect(keyOf('secret-token')).toMatch(/^[\w-]{43}$/);
    expect(keyOf('secret-token')).not.toContain('secret-token');
    expect(keyOf('secret-token')).not.toBe(createHash('sha256').update('secret-token').digest('base64url'));
  });

  it('is the same for the same token and settings, in whatever order these are written', () => {
    const reordered = { ...SETTINGS, parameters: { b: '2', a: '1' }, headers: { 'x-b': '2', 'x-a': '1' } };
    expect(createKeyer(reordered)('abc')).toBe(keyOf('abc'));
    expect(createKeyer({ ...SETTINGS, endpoint: new URL(SETTINGS.endpoint) })('abc')).toBe(keyOf('abc'));
  });

  it.each([['ABC'], ['abc='], ['ab'], ['abcd'], ['']])('is another for %p than for abc', (token) => {
    expect(keyOf(token)).not.toBe(keyOf('abc'));
  });

  const DIFFERENT: [string, Partial<KeyedSettings>][] = [
    ['host', { endpoint: new URL('https://other.example.com/introspect') }],
    ['path', { endpoint: new URL('https://as.example.com/other') }],
    ['query', { endpoint: new URL('https://as.example.com/introspect?tenant=b') }],
    ['client', { clientAuth: { identity: 'client:other' } }],
    ['request format', { requestFormat: 'json' }],
    ['token parameter', { tokenParameter: 'access_token' }],
    ['parameter', { parameters: { a: '1', b: '3' } }],
    ['parameter name', { parameters: { a: '1', c: '2' } }],
    ['number of parameters', { parameters: { a: '1' } }],
    ['split between name and value', { parameters: { a: '1', 'b","2': '' } }],
    ['place of a value', { parameters: {}, headers: { a: '1', b: '2', 'x-a': '1', 'x-b': '2' } }],
    ['header', { headers: { 'x-a': '1', 'x-b': '3' } }],
  ];

  it.each(DIFFERENT)('is another at another %s', (_, other) => {
    expect(createKeyer({ ...SETTINGS, ...other })('abc')).not.toBe(keyOf('abc'));
  });
});
