import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { type IntrospectorIdSettings, introspectorId } from '../../lib/cache/introspector-id.js';

const SIGNED = { issuer: 'https://as.example.com', audience: ['api'], algorithms: ['RS256'], keys: undefined };
const KEY = createPublicKey({
  key: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
  format: 'jwk',
});

describe('introspectorId', () => {
  const at = (endpoint: string) => ({ endpoint: new URL(endpoint), issuer: undefined });
  const SETTINGS: IntrospectorIdSettings = {
    location: at('https://as.example.com/introspect'),
    clientAuth: { identity: 'client:api' },
    requestFormat: 'form',
    tokenParameter: 'token',
    parameters: { a: '1', b: '2' },
    headers: { 'x-a': '1', 'x-b': '2' },
    normalizer: undefined,
    signedResponse: undefined,
  };
  const DIFFERENT: [string, Partial<IntrospectorIdSettings>][] = [
    ['host', { location: at('https://other.example.com/introspect') }],
    ['path', { location: at('https://as.example.com/other') }],
    ['query', { location: at('https://as.example.com/introspect?tenant=b') }],
    ['client', { clientAuth: { identity: 'client:other' } }],
    ['request format', { requestFormat: 'json' }],
    ['token parameter', { tokenParameter: 'access_token' }],
    ['parameter', { parameters: { a: '1', b: '3' } }],
    ['parameter name', { parameters: { a: '1', c: '2' } }],
    ['number of parameters', { parameters: { a: '1' } }],
    ['split between name and value', { parameters: { a: '1', 'b","2': '' } }],
    ['place of a value', { parameters: {}, headers: { a: '1', b: '2', 'x-a': '1', 'x-b': '2' } }],
    ['header', { headers: { 'x-a': '1', 'x-b': '3' } }],
    ['normalizer', { normalizer: { identity: 'realm_access' } }],
    ['authorization server', { location: { endpoint: undefined, issuer: 'https://as.example.com/introspect' } }],
    ['requirement of signed responses', { signedResponse: SIGNED }],
  ];

  it('differs by the keys and algorithms that verify signed responses', () => {
    const [one, other] = [1, 2].map(() => generateKeyPairSync('ed25519').publicKey);
    const variants = [
      SIGNED,
      { ...SIGNED, algorithms: ['ES256'] },
      { ...SIGNED, keys: one },
      { ...SIGNED, keys: other },
      { ...SIGNED, keys: { keys: [{ kty: 'OKP', kid: 'a' }] } },
      { ...SIGNED, keys: new URL('https://as.example.com/keys') },
    ];
    const ids = variants.map((signedResponse) => introspectorId({ ...SETTINGS, signedResponse }));
    expect(new Set(ids).size).toBe(variants.length);
  });

  it('is the same for the same settings in any order', () => {
    const reordered = { ...SETTINGS, parameters: { b: '2', a: '1' }, headers: { 'x-b': '2', 'x-a': '1' } };
    expect(introspectorId(reordered)).toBe(introspectorId(SETTINGS));
    expect(introspectorId({ ...SETTINGS, location: at('https://as.example.com/introspect') })).toBe(
      introspectorId(SETTINGS),
    );
  });

  // Processes with different versions of the library share a cache, so an id must not change unnoticed.
  it.each<[string, Partial<IntrospectorIdSettings>, string]>([
    ['an endpoint', {}, 'd7MhoPiPWl_wC4ziRXNOq_DCBz_QWBBftSEC9a-rBbs'],
    [
      'a discovered endpoint',
      { location: { endpoint: undefined, issuer: 'https://as.example.com' } },
      'QiMCOQLF4ZZs0DVde6cH5S2SJJ2qiU-sQgrRxRM4aa0',
    ],
    ['signed responses', { signedResponse: SIGNED }, 'JdZlwI0kZGmQTDiN2EO5VDysHtF9HU_-a5eZvQjXy2U'],
    [
      'keys of signed responses',
      { signedResponse: { ...SIGNED, keys: KEY } },
      'YkB3ezhLES9Sbub4t8PqAH_bFRTf9VbAHtLKxu5MAqs',
    ],
  ])('is always the same for %s', (_name, other, id) => {
    expect(introspectorId({ ...SETTINGS, ...other })).toBe(id);
  });

  it.each(DIFFERENT)('changes with the %s', (_, other) => {
    expect(introspectorId({ ...SETTINGS, ...other })).not.toBe(introspectorId(SETTINGS));
  });
});
