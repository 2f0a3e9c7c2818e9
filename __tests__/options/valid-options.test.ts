import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { MockAgent } from 'undici';
import { z } from 'zod';
import {
  bearerToken,
  type ClientAuth,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  type JwtResponseOptions,
  noClientAuth,
  privateKeyJwt,
} from '../../lib/index.js';
import { parseOptions } from '../../lib/options/parse.js';
import type { Settings } from '../../lib/options/settings.js';
import { createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint } from '../support/endpoint.js';
import {
  errorOf,
  HUSH,
  INVALID,
  normalize,
  type Options,
  PUBLIC_KEY,
  REMEDIES,
  REQUIRED,
  RSA,
  SECRET,
  SIGNED,
  settingsOf,
} from '../support/option-cases.js';
import { createSharedMemory } from '../support/shared-memory.js';

describe('a valid option', () => {
  const locationOf = (endpoint: URL) => ({ endpoint, issuer: undefined, allowHttp: false });
  const clientAuth = clientSecretBasic('api', 'secret');
  const claims = z.object({ tenant: z.string() });
  const dispatcher = new MockAgent();
  const clock = createClock();
  const call = (): undefined => undefined;
  const covers = () => true;
  const readRoles = () => ['admin'];

  it.each<[string, unknown, Partial<Record<keyof Settings, unknown>>]>([
    [
      'endpoint',
      'https://as.example.com:8443/a?b=c',
      { location: locationOf(new URL('https://as.example.com:8443/a?b=c')) },
    ],
    ['endpoint', new URL('https://as.example.com/a'), { location: locationOf(new URL('https://as.example.com/a')) }],
    ['endpoint', 'http://localhost:3000/a', { location: locationOf(new URL('http://localhost:3000/a')) }],
    ['endpoint', 'http://127.0.0.1/a', { location: locationOf(new URL('http://127.0.0.1/a')) }],
    ['endpoint', 'http://127.8.9.10/a', { location: locationOf(new URL('http://127.8.9.10/a')) }],
    ['endpoint', 'http://[::1]:80/a', { location: locationOf(new URL('http://[::1]:80/a')) }],
    ['clientAuth', clientAuth, { clientAuth }],
    ['jwtResponse', false, { signedResponse: undefined }],
    ['requestFormat', 'json', { requestFormat: 'json' }],
    ['tokenParameter', 'access_token', { tokenParameter: 'access_token' }],
    ['parameters', { a: '1', b: '' }, { parameters: { a: '1', b: '' } }],
    ['headers', { 'X-Tenant': 'a b', accept: '*/*' }, { headers: { 'x-tenant': 'a b', accept: '*/*' } }],
    ['normalizeResponse', normalize, { normalizer: { statuses: new Set([200]), normalize } }],
    [
      'normalizeResponse',
      { statuses: [404, 410], normalize },
      { normalizer: { statuses: new Set([200, 404, 410]), normalize } },
    ],
    ['cache', false, { cache: false }],
    ['cache', { staleIfErrorSeconds: 0 }, { cache: { staleIfErrorMs: 0 } }],
    [
      'cache',
      { staleIfErrorSeconds: 86_400, refreshAhead: false },
      { cache: { staleIfErrorMs: 86_400_000, refreshAhead: false } },
    ],
    ['cache', {}, { cache: { ttlMs: 60_000, inactiveTtlMs: 5000, maxEntries: 10_000 } }],
    [
      'cache',
      { ttlSeconds: 0, inactiveTtlSeconds: 0, maxEntries: 1 },
      { cache: { ttlMs: 0, inactiveTtlMs: 0, maxEntries: 1 } },
    ],
    [
      'cache',
      { ttlSeconds: 86_400, inactiveTtlSeconds: 3600, maxEntries: undefined },
      { cache: { ttlMs: 86_400_000, inactiveTtlMs: 3_600_000, maxEntries: 10_000 } },
    ],
    ['timeoutMs', 1, { timeoutMs: 1 }],
    ['timeoutMs', 60_000, { timeoutMs: 60_000 }],
    ['precheck', call, { precheck: call }],
    ['dispatcher', dispatcher, { dispatcher }],
    ['clock', clock, { clock }],
  ])('%s is accepted: %j', (name, value, expected) => {
    expect(settingsOf({ [name]: value })).toMatchObject(expected);
  });

  it.each<[string, unknown, Partial<Settings['policy']>]>([
    ['audience', 'a', { audience: ['a'] }],
    ['audience', ['a', 'b'], { audience: ['a', 'b'] }],
    ['audience', false, { audience: false }],
    ['issuer', 'https://as.example.com', { issuer: 'https://as.example.com' }],
    ['scopes', [], { scopes: [] }],
    ['scopes', ['read', 'write', 'read'], { scopes: ['read', 'write'] }],
    ['claims', claims, { claims }],
    ['allowRefreshTokens', true, { allowRefreshTokens: true }],
    ['clockToleranceSeconds', 0, { clockToleranceMs: 0 }],
    ['clockToleranceSeconds', 300, { clockToleranceMs: 300_000 }],
    ['optional', true, { optional: true }],
    ['tokenFromBody', true, { tokenFromBody: true }],
    ['satisfiesScope', covers, { satisfiesScope: covers }],
    ['roles', readRoles, { readRoles }],
    ['getToken', call, { getToken: call }],
    ['dpop', false, { dpop: undefined, dpopOrigin: undefined }],
    ['dpop', true, { dpopOrigin: 'https://api.example.com' }],
    ['dpop', { origin: 'https://api.example.com/' }, { dpopOrigin: 'https://api.example.com/' }],
    ['dpop', { origin: 'http://localhost:3000' }, { dpopOrigin: 'http://localhost:3000' }],
    ['dpop', { origin: 'https://api.example.com/v1' }, { dpopOrigin: 'https://api.example.com/v1' }],
    ['dpop', { origin: call }, { dpopOrigin: call }],
    ['mtls', false, { certificateThumbprint: undefined }],
    ['mtls', { certificate: call }, { certificateThumbprint: expect.any(Function) }],
    ['realm', 'my "api"', { realm: 'my "api"' }],
    ['realm', '', { realm: '' }],
    ['resourceMetadata', 'https://a.example.com/b?c', { resourceMetadata: 'https://a.example.com/b?c' }],
    ['resourceMetadata', 'http://localhost:3000/b', { resourceMetadata: 'http://localhost:3000/b' }],
    ['onReject', call, { onReject: call }],
  ])('%s is accepted by with(): %j', (name, value, expected) => {
    expect(settingsOf({ [name]: value }).policy).toMatchObject(expected);
  });

  it('has its default when it is left out or undefined', () => {
    const expected = {
      requestFormat: 'form',
      tokenParameter: 'token',
      parameters: {},
      headers: {},
      normalizer: undefined,
      cache: { ttlMs: 60_000, inactiveTtlMs: 5000, maxEntries: 10_000, staleIfErrorMs: 0, refreshAhead: true },
      timeoutMs: 3000,
      precheck: undefined,
      dispatcher: undefined,
      policy: {
        audience: ['https://api.example.com'],
        issuer: undefined,
        scopes: [],
        satisfiesScope: undefined,
        readRoles: undefined,
        claims: undefined,
        allowRefreshTokens: false,
        clockToleranceMs: 5000,
        optional: false,
        tokenFromBody: false,
        getToken: undefined,
        dpop: undefined,
        dpopOrigin: undefined,
        certificateThumbprint: undefined,
        realm: 'api',
        resourceMetadata: undefined,
        onReject: undefined,
      },
    };
    const names = Object.keys(INVALID).filter((name) => !(name in REQUIRED));
    expect(settingsOf()).toMatchObject(expected);
    expect(settingsOf(Object.fromEntries(names.map((name) => [name, undefined])))).toMatchObject(expected);
  });

  it('clock defaults to the system clock: the time of day, and a monotonic one', () => {
    const { clock } = settingsOf();
    const before = Date.now();
    const now = clock.now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
    const started = performance.now();
    expect(clock.monotonic()).toBeGreaterThanOrEqual(started);
  });

  it('may be an instance of a class, and its methods are called on it', async () => {
    class Vault implements ClientAuth {
      readonly #secret = 'from-the-vault';
      readonly identity = 'vault';

      sign({ headers }: { headers: Record<string, string> }): void {
        headers.authorization = `Bearer ${this.#secret}`;
      }
    }
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint, { clientAuth: new Vault() });
    await authenticate.introspect('abc');
    expect(endpoint.asked[0]?.headers.authorization).toBe('Bearer from-the-vault');
  });

  it('may be an http: endpoint on another host with dangerouslyAllowHttp', () => {
    const options = { endpoint: 'http://as.internal/introspect', dangerouslyAllowHttp: true };
    expect(settingsOf(options).location.endpoint?.href).toBe('http://as.internal/introspect');
  });
});

describe('authorizationServer and issuer', () => {
  it.each(['https://as.example.com', 'https://as.example.com/', 'https://as.example.com/t1', 'http://localhost:4000'])(
    'keeps the exact text of the issuer identifier %s',
    (authorizationServer) => {
      const { location } = settingsOf({ endpoint: undefined, authorizationServer });
      expect(location).toEqual({ endpoint: undefined, issuer: authorizationServer, allowHttp: false });
    },
  );

  it('takes the issuer of an endpoint from "issuer"', () => {
    expect(settingsOf({ issuer: 'https://as.example.com' }).location.issuer).toBe('https://as.example.com');
  });

  it.each([
    ['http://as.example.com', 'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp'],
    [`https://api:${HUSH}@as.example.com`, 'leave the credentials out of the URL and give them to "clientAuth"'],
  ])('rejects the authorization server %s', (authorizationServer, remedy) => {
    const message = errorOf({ ...REQUIRED, endpoint: undefined, authorizationServer });
    expect(message).toBe(`Option "authorizationServer" is a string that cannot be used; ${remedy}`);
  });
});

describe('cache.store', () => {
  const store = createSharedMemory().connect();
  const secrets = [SECRET, 'ü'.repeat(16)];

  it.each<[string, Options, object]>([
    ['with secrets', { store, secrets }, { store, secrets, namespace: '' }],
    ['with a namespace', { store, secrets, namespace: 'one' }, { namespace: 'one' }],
  ])('is accepted %s, and cannot be changed later', (_, cache, shared) => {
    const settings = settingsOf({ cache }).cache;
    expect(settings).toMatchObject({ shared });
    expect(settings && Object.isFrozen(settings.shared)).toBe(true);
  });

  it('requires no namespace if the client authentication and the normalizer have an identity', () => {
    const named = { clientAuth: { identity: 'own', sign() {} }, normalizeResponse: { normalize, identity: 'v1' } };
    expect(settingsOf({ ...named, cache: { store, secrets } }).cache).toMatchObject({ shared: { namespace: '' } });
  });

  it('causes no shared cache when it is left out', () => {
    expect(settingsOf({ cache: {} }).cache).toMatchObject({ shared: undefined });
  });

  it.each<[string, Options, string]>([
    [
      'secrets',
      { cache: { secrets } },
      'Option "cache.secrets" is a list; leave it out: it has no effect without "cache.store"',
    ],
    [
      'a store without secrets',
      { cache: { store } },
      `Option "cache.secrets" is missing; ${REMEDIES['cache.secrets']}`,
    ],
    ...(
      [
        ['a normalizer', 'normalizeResponse', { normalizeResponse: normalize }],
        ['an object with a normalizer', 'normalizeResponse', { normalizeResponse: { normalize } }],
        ['a client authentication', 'clientAuth', { clientAuth: { sign() {} } }],
        ['a bearer token that a function returns', 'clientAuth', { clientAuth: bearerToken(() => 'token') }],
      ] as const
    ).map(([name, owner, options]): [string, Options, string] => [
      `no namespace for ${name} without an identity`,
      { ...options, cache: { store, secrets } },
      `Option "cache.namespace" is missing; write a name, or give "${owner}" an "identity"; change it when "${owner}" changes the meaning of responses`,
    ]),
  ])('rejects %s', (_, options, message) => {
    expect(errorOf({ ...REQUIRED, ...options })).toBe(message);
  });

  it.each<[string, Options]>([
    ['normalizeResponse', { normalizeResponse: normalize }],
    ['a client authentication of the app', { clientAuth: { sign() {} } }],
    ['a token that a function returns', { clientAuth: bearerToken(() => 'token') }],
  ])('accepts %s with a namespace', (_, options) => {
    expect(settingsOf({ ...options, cache: { store, secrets, namespace: 'one' } }).cache).toMatchObject({
      shared: { namespace: 'one' },
    });
  });

  it.each([
    ['noClientAuth', noClientAuth()],
    ['clientSecretBasic', clientSecretBasic('api', 'secret')],
    ['clientSecretPost', clientSecretPost('api', 'secret')],
    ['clientSecretJwt', clientSecretJwt({ clientId: 'api', clientSecret: SECRET, audience: 'https://as.example.com' })],
    ['privateKeyJwt', privateKeyJwt({ clientId: 'api', key: RSA.privateKey, audience: 'https://as.example.com' })],
    ['bearerToken', bearerToken('token')],
  ])('accepts %s without a namespace', (_, clientAuth) => {
    expect(() => settingsOf({ clientAuth, cache: { store, secrets } })).not.toThrow();
  });
});

describe('jwtResponse', () => {
  const P256 = PUBLIC_KEY.export({ format: 'jwk' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

  it('uses the keys of the metadata, the client identifier and RS256 by default', () => {
    expect(parseOptions({ ...SIGNED, jwtResponse: true }).signedResponse).toEqual({
      issuer: 'https://as.example.com',
      audience: ['api'],
      algorithms: ['RS256'],
      keys: undefined,
      decryptionKey: undefined,
    });
  });

  it.each<[string, JwtResponseOptions['keys'], object]>([
    ['a KeyObject', PUBLIC_KEY, PUBLIC_KEY],
    ['PEM', PUBLIC_KEY.export({ format: 'pem', type: 'spki' }) as string, PUBLIC_KEY],
    ['a JWK', P256, PUBLIC_KEY],
    [
      'a JWK Set',
      { keys: [{ ...P256, kid: 'k', alg: 'ES256', use: 'sig' }, { kty: 'unheard-of' }] },
      { keys: [{ ...P256, kid: 'k', alg: 'ES256' }] },
    ],
    ['the URL of a JWK Set, as text', 'https://as.example.com/jwks', new URL('https://as.example.com/jwks')],
    ['the URL of a JWK Set', new URL('http://localhost/jwks'), new URL('http://localhost/jwks')],
  ])('accepts %s as keys, and needs no metadata then', (_, keys, expected) => {
    const { issuer, audience } = { issuer: 'https://as.example.com', audience: ['a', 'b'] };
    const options = { ...SIGNED, authorizationServer: undefined, endpoint: 'https://as.example.com/introspect' };
    const jwtResponse = { issuer, audience, algorithms: ['ES256'], keys, decryptionKey: rsa.privateKey };
    const { signedResponse } = parseOptions({ ...options, jwtResponse });
    expect(signedResponse).toMatchObject({ issuer, audience, algorithms: ['ES256'] });
    expect(signedResponse?.decryptionKey?.equals(rsa.privateKey)).toBe(true);
    if (expected === PUBLIC_KEY) expect(PUBLIC_KEY.equals(signedResponse?.keys as KeyObject)).toBe(true);
    else expect(signedResponse?.keys).toEqual(expected);
  });

  it('accepts a CryptoKey as keys', async () => {
    const jwk = rsa.publicKey.export({ format: 'jwk' });
    const keys = await webcrypto.subtle.importKey('jwk', jwk, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true, [
      'verify',
    ]);
    const { signedResponse } = parseOptions({ ...SIGNED, jwtResponse: { keys } });
    expect(rsa.publicKey.equals(signedResponse?.keys as KeyObject)).toBe(true);
  });

  it('uses the public key of a private key', () => {
    const { signedResponse } = parseOptions({ ...SIGNED, jwtResponse: { keys: rsa.privateKey } });
    expect(rsa.publicKey.equals(signedResponse?.keys as KeyObject)).toBe(true);
  });
});
