import { createSecretKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { inspect } from 'node:util';
import request from 'supertest';
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
  type PolicyOptions,
  privateKeyJwt,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { parseOptions } from '../../lib/options/parse.js';
import type { Settings } from '../../lib/options/settings.js';
import { createApp, createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { createSharedMemory } from '../support/shared-memory.js';

type Options = Record<string, unknown>;

/** A text that no message may show, because options hold secrets. */
const HUSH = 'hush-hush';

const REQUIRED = {
  endpoint: 'https://as.example.com/introspect',
  clientAuth: noClientAuth(),
  audience: 'https://api.example.com',
};

/** Options that signed responses require. */
const SIGNED = {
  authorizationServer: 'https://as.example.com',
  clientAuth: clientSecretBasic('api', 'secret'),
  audience: 'https://api.example.com',
};

function settingsOf(options: Options = {}): Settings {
  return parseOptions({ ...REQUIRED, ...options } as unknown as TokenIntrospectionOptions);
}

/** Message of the TypeError for the options. */
function refusalOf(options: unknown, create: (options: never) => unknown = tokenIntrospection): string {
  try {
    create(options as never);
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  throw new Error('The options were accepted');
}

const REMEDIES: Record<string, string> = {
  endpoint: 'write the URL of the introspection endpoint, or "authorizationServer" instead',
  authorizationServer:
    'write the issuer identifier exactly as the metadata of the authorization server spell it: a URL without query or fragment',
  clientAuth: 'write clientSecretBasic(…), privateKeyJwt(…) or another client authentication',
  audience:
    'write the "aud" that tokens must contain, a list of accepted values, or false if this server never sends "aud"',
  issuer: 'write the expected "iss"',
  scopes: "write a list of scopes such as ['reports:read'], one scope per item",
  satisfiesScope: 'write a function',
  claims: 'write a Standard Schema, for example z.object({ … }) of zod 4',
  allowRefreshTokens: 'write true or false',
  clockToleranceSeconds: 'write a number of seconds from 0 to 300',
  optional: 'write true or false',
  tokenFromBody: 'write true or false',
  getToken: 'write a function',
  dpop: 'write true or { origin, … }',
  mtls: 'write true or { certificate(req) { … } }',
  realm: 'write printable ASCII',
  resourceMetadata: 'write true, or the URL of the protected resource metadata',
  onReject: 'write a function',
  requestFormat: "write 'form' or 'json'",
  tokenParameter: "write the name of the token's parameter",
  parameters: 'write an object of strings',
  headers: 'write an object of header names and single-line values',
  normalizeResponse: 'write a function, or { statuses: [404], normalize(reply) { … } }',
  jwtResponse: 'write true or { keys, … }',
  dangerouslyAllowHttp: 'write true or false',
  cache: 'write false or { ttlSeconds, … }',
  timeoutMs: 'write whole milliseconds from 1 to 60000',
  dispatcher: 'write an undici Dispatcher',
  clock: 'write { now, monotonic }, both returning milliseconds',
  'cache.ttlSeconds': 'write a number of seconds from 0 to 86400',
  'cache.inactiveTtlSeconds': 'write a number of seconds from 0 to 3600',
  'cache.staleIfErrorSeconds': 'write a number of seconds from 0 to 86400',
  'cache.refreshAhead': 'write true or false',
  'cache.store': 'write a store such as redisStore({ client })',
  'cache.secrets': 'write a list of secrets of at least 32 bytes each; is the environment variable set?',
  'cache.namespace': 'write a name',
  'cache.maxEntries': 'write a whole number from 1 to 16000000',
  'jwtResponse.issuer': 'write the "iss" of signed responses',
  'jwtResponse.audience': 'write the "aud" of signed responses, or a list of them',
  'jwtResponse.algorithms': "write a list of algorithms that sign with a private key, such as ['ES256']",
  'jwtResponse.keys':
    'write the public key of the authorization server (PEM, JWK, KeyObject or CryptoKey), a JWK Set, or the URL of one',
  'jwtResponse.decryptionKey': 'write a private key: PEM, JWK, KeyObject or CryptoKey',
  'dpop.algorithms': "write a list of algorithms that sign with a private key, such as ['ES256']",
  'dpop.origin': "write the origin that clients call, such as 'https://api.example.com', or a function that returns it",
  'dpop.required': 'write true or false',
  'dpop.nonce': 'write true, or { secrets } with secrets of at least 32 bytes each',
  'dpop.maxAgeSeconds': 'write a number of seconds from 1 to 600',
  'dpop.replayStore': 'write a store such as redisStore({ client })',
};

const DEMANDS = [
  'audience',
  'issuer',
  'scopes',
  'satisfiesScope',
  'claims',
  'allowRefreshTokens',
  'clockToleranceSeconds',
  'optional',
  'tokenFromBody',
  'getToken',
  'dpop',
  'mtls',
  'realm',
  'resourceMetadata',
  'onReject',
];

const normalize = (): unknown => ({ active: false });

/** Invalid values per option, besides the values that are invalid for every option. */
const WRONG: Record<string, unknown[]> = {
  endpoint: [HUSH, '', '/introspect', 'as.example.com', false, {}, []],
  authorizationServer: [
    HUSH,
    '',
    'as.example.com',
    'https://as.example.com/?tenant=a',
    'https://as.example.com?',
    'https://as.example.com/#a',
    new URL('https://as.example.com'),
    true,
    [],
  ],
  clientAuth: [HUSH, '', () => {}, {}, [], { identity: 'x' }, { identity: '', sign() {} }, { identity: 7, sign() {} }],
  audience: [true, '', [], [''], ['a', 7], [['a']], {}, /a/],
  issuer: ['', true, [HUSH], new URL('https://as.example.com')],
  scopes: [HUSH, '', [''], ['read write'], ['a"b'], ['a\\b'], ['ü'], ['a\n'], [7], {}, new Set(['read'])],
  satisfiesScope: [HUSH, {}, true, []],
  claims: [HUSH, {}, () => true, { parse() {} }, { '~standard': {} }],
  allowRefreshTokens: ['true', HUSH, [], {}],
  clockToleranceSeconds: [-1, 300.001, Number.NaN, Number.POSITIVE_INFINITY, '5', HUSH, [], true],
  optional: ['true', HUSH, [], {}],
  tokenFromBody: ['true', HUSH, [], {}],
  getToken: [HUSH, {}, true, []],
  dpop: [HUSH, 7, '', [], () => {}],
  mtls: [HUSH, 7, '', [], {}, () => {}, { certificate: HUSH }, { certificate: normalize, other: HUSH }],
  realm: ['a\nb', 'ü', 'a\u0000', [HUSH], true],
  resourceMetadata: [
    HUSH,
    '',
    '/path',
    'ftp://a.example.com',
    'https://a.example.com/a b',
    'https://ü.example.com',
    [],
    false,
  ],
  onReject: [HUSH, {}, true, []],
  requestFormat: [HUSH, '', 'FORM', 'xml', [], true],
  tokenParameter: ['', [HUSH], true],
  parameters: [HUSH, [], { a: 7 }, { a: undefined }, { a: null }, { a: [HUSH] }, new Map(), new URLSearchParams()],
  headers: [
    HUSH,
    [],
    { 'x-a': 7 },
    { 'x a': '1' },
    { '': '1' },
    { 'x:a': '1' },
    { 'x-a': `a\r\n${HUSH}` },
    { 'x-a': 'ü' },
  ],
  normalizeResponse: [
    HUSH,
    {},
    [],
    true,
    { statuses: [404] },
    { normalize, identity: '' },
    { statuses: 404, normalize },
    { statuses: [199], normalize },
    { statuses: [600], normalize },
    { statuses: ['404'], normalize },
    { statuses: [404], normalize, other: HUSH },
  ],
  jwtResponse: [HUSH, 7, [], '', () => {}],
  dangerouslyAllowHttp: ['true', HUSH, [], {}],
  cache: [HUSH, true, [], '', () => {}],
  timeoutMs: [0, -1, 1.5, 60_001, Number.NaN, Number.POSITIVE_INFINITY, '3000', HUSH, true],
  dispatcher: [HUSH, {}, () => {}, true],
  clock: [HUSH, {}, { now: Date.now }, { now: 1, monotonic: 2 }, true],
};

const SECRET = 's'.repeat(32);

const WRONG_CACHE: Record<string, unknown[]> = {
  ttlSeconds: [-1, 86_400.001, Number.NaN, Number.POSITIVE_INFINITY, '60', null, true, HUSH],
  inactiveTtlSeconds: [-1, 3600.001, Number.NaN, Number.POSITIVE_INFINITY, '5', null, false, HUSH],
  staleIfErrorSeconds: [-1, 86_400.001, Number.NaN, Number.POSITIVE_INFINITY, '60', null, true, HUSH],
  refreshAhead: ['true', 0, 1, null, HUSH, {}],
  store: [
    HUSH,
    '',
    null,
    true,
    [],
    {},
    () => {},
    { get() {}, set() {}, append() {} },
    { get() {}, set() {}, tail() {} },
  ],
  secrets: [
    HUSH.repeat(4),
    '',
    null,
    7,
    [],
    [''],
    [HUSH],
    ['x'.repeat(31)],
    [undefined],
    [SECRET, 'x'],
    [SECRET, 7],
    {},
  ],
  namespace: ['', null, 7, true, [HUSH], {}],
  maxEntries: [0, -1, 1.5, 16_000_001, Number.NaN, Number.POSITIVE_INFINITY, '10', null, true, HUSH],
};

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });

const PUBLIC_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;

const WRONG_JWT_RESPONSE: Record<string, unknown[]> = {
  issuer: ['', null, 7, [HUSH]],
  audience: ['', null, true, [], [''], [7]],
  algorithms: [HUSH, 'ES256', [], ['none'], ['HS256'], ['RS256', 'dir'], [7], null],
  keys: [
    HUSH,
    '',
    null,
    7,
    true,
    [],
    {},
    { keys: [] },
    { keys: [{ kty: 'oct', k: HUSH }] },
    createSecretKey(HUSH, 'utf8'),
  ],
  decryptionKey: [HUSH, '', null, 7, true, [], {}, PUBLIC_KEY, createSecretKey(HUSH, 'utf8')],
};

const WRONG_DPOP: Record<string, unknown[]> = {
  algorithms: [HUSH, 'ES256', [], ['none'], ['HS256'], ['ES256', 'HS512'], ['es256'], [7], null],
  required: ['true', 1, null, {}],
  origin: [
    HUSH,
    '',
    '/',
    'api.example.com',
    'https://api.example.com/v1/../v2',
    'https://api.example.com/v1?a',
    'https://api.example.com/v1#a',
    'https://API.example.com/v1',
    'ftp://api.example.com',
    'https://api.example.com?a',
    `https://api:${HUSH}@api.example.com`,
    'null',
    new URL('https://api.example.com'),
    true,
    null,
    [],
  ],
  nonce: [
    HUSH,
    7,
    null,
    [],
    {},
    { secrets: [] },
    { secrets: [HUSH] },
    { secrets: ['s'.repeat(31)] },
    { secrets: ['s'.repeat(32), undefined] },
    { secrets: 's'.repeat(32) },
    { secrets: ['s'.repeat(32)], other: HUSH },
  ],
  maxAgeSeconds: [0, 0.999, 600.001, -1, Number.NaN, Number.POSITIVE_INFINITY, '60', null, true, HUSH],
  replayStore: [HUSH, {}, true, () => {}, { get() {} }, { set: HUSH }, null],
};

const NEVER: unknown[] = [null, Symbol(HUSH), 1n];

/** A value on one line, for a title. */
function shown(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 1 });
}

/** Whether the rest of the message is right. A wrong secret in a list is named by its position. */
function isTold(message: string, name: string, place = name): boolean {
  if (new RegExp(`^${place.replaceAll('.', '\\.')}\\[\\d\\] is .+; `).test(message)) return true;
  return message.startsWith(`Option "${name}" is `) && message.endsWith(`; ${REMEDIES[name]}`);
}

const wrongCases = Object.entries(WRONG).flatMap(([name, values]) =>
  [...values, ...NEVER].map((value) => [name, shown(value), value] as const),
);

describe('a valid option', () => {
  const at = (endpoint: URL) => ({ endpoint, issuer: undefined, allowHttp: false });
  const clientAuth = clientSecretBasic('api', 'secret');
  const claims = z.object({ tenant: z.string() });
  const dispatcher = new MockAgent();
  const clock = createClock();
  const call = (): undefined => undefined;
  const covers = () => true;

  it.each<[string, unknown, Partial<Record<keyof Settings, unknown>>]>([
    ['endpoint', 'https://as.example.com:8443/a?b=c', { location: at(new URL('https://as.example.com:8443/a?b=c')) }],
    ['endpoint', new URL('https://as.example.com/a'), { location: at(new URL('https://as.example.com/a')) }],
    ['endpoint', 'http://localhost:3000/a', { location: at(new URL('http://localhost:3000/a')) }],
    ['endpoint', 'http://127.0.0.1/a', { location: at(new URL('http://127.0.0.1/a')) }],
    ['endpoint', 'http://127.8.9.10/a', { location: at(new URL('http://127.8.9.10/a')) }],
    ['endpoint', 'http://[::1]:80/a', { location: at(new URL('http://[::1]:80/a')) }],
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

  it('gets its default when it is left out or undefined', () => {
    const expected = {
      requestFormat: 'form',
      tokenParameter: 'token',
      parameters: {},
      headers: {},
      normalizer: undefined,
      cache: { ttlMs: 60_000, inactiveTtlMs: 5000, maxEntries: 10_000, staleIfErrorMs: 0, refreshAhead: true },
      timeoutMs: 3000,
      dispatcher: undefined,
      policy: {
        audience: ['https://api.example.com'],
        issuer: undefined,
        scopes: [],
        satisfiesScope: undefined,
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
    const names = Object.keys(WRONG).filter((name) => !(name in REQUIRED));
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

  it('that is an http endpoint on another host is accepted only with dangerouslyAllowHttp', () => {
    const options = { endpoint: 'http://as.internal/introspect', dangerouslyAllowHttp: true };
    expect(settingsOf(options).location.endpoint?.href).toBe('http://as.internal/introspect');
  });
});

describe('authorizationServer and issuer', () => {
  it.each(['https://as.example.com', 'https://as.example.com/', 'https://as.example.com/t1', 'http://localhost:4000'])(
    'may be any authorization server, with its exact text: %s',
    (authorizationServer) => {
      const { location } = settingsOf({ endpoint: undefined, authorizationServer });
      expect(location).toEqual({ endpoint: undefined, issuer: authorizationServer, allowHttp: false });
    },
  );

  it('comes from "issuer" when "endpoint" is given', () => {
    expect(settingsOf({ issuer: 'https://as.example.com' }).location.issuer).toBe('https://as.example.com');
  });

  it.each([
    ['http://as.example.com', 'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp'],
    [`https://api:${HUSH}@as.example.com`, 'leave the credentials out of the URL and give them to "clientAuth"'],
  ])('is rejected when it is %s', (authorizationServer, remedy) => {
    const message = refusalOf({ ...REQUIRED, endpoint: undefined, authorizationServer });
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

  it('needs no namespace if the client authentication and the normalizer have an identity', () => {
    const named = { clientAuth: { identity: 'own', sign() {} }, normalizeResponse: { normalize, identity: 'v1' } };
    expect(settingsOf({ ...named, cache: { store, secrets } }).cache).toMatchObject({ shared: { namespace: '' } });
  });

  it('is none without a store', () => {
    expect(settingsOf({ cache: {} }).cache).toMatchObject({ shared: undefined });
  });

  it.each<[string, Options, string]>([
    ['secrets', { cache: { secrets } }, 'Option "cache.secrets" is a list; leave it out: it has no effect without "cache.store"'],
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
    expect(refusalOf({ ...REQUIRED, ...options })).toBe(message);
  });

  it.each<[string, Options]>([
    ['normalizeResponse', { normalizeResponse: normalize }],
    ['a client authentication of one’s own', { clientAuth: { sign() {} } }],
    ['a token that a function brings', { clientAuth: bearerToken(() => 'token') }],
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

  it('uses the published keys of the authorization server, for this client, with RS256, by default', () => {
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
    ['the address of one', 'https://as.example.com/jwks', new URL('https://as.example.com/jwks')],
    ['the address of one as a URL', new URL('http://localhost/jwks'), new URL('http://localhost/jwks')],
  ])('may use %s, and needs no metadata then', (_, keys, expected) => {
    const { issuer, audience } = { issuer: 'https://as.example.com', audience: ['a', 'b'] };
    const options = { ...SIGNED, authorizationServer: undefined, endpoint: 'https://as.example.com/introspect' };
    const jwtResponse = { issuer, audience, algorithms: ['ES256'], keys, decryptionKey: rsa.privateKey };
    const { signedResponse } = parseOptions({ ...options, jwtResponse });
    expect(signedResponse).toMatchObject({ issuer, audience, algorithms: ['ES256'] });
    expect(signedResponse?.decryptionKey?.equals(rsa.privateKey)).toBe(true);
    if (expected === PUBLIC_KEY) expect(PUBLIC_KEY.equals(signedResponse?.keys as KeyObject)).toBe(true);
    else expect(signedResponse?.keys).toEqual(expected);
  });

  it('may use a CryptoKey', async () => {
    const jwk = rsa.publicKey.export({ format: 'jwk' });
    const keys = await webcrypto.subtle.importKey('jwk', jwk, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true, [
      'verify',
    ]);
    const { signedResponse } = parseOptions({ ...SIGNED, jwtResponse: { keys } });
    expect(rsa.publicKey.equals(signedResponse?.keys as KeyObject)).toBe(true);
  });

  it('uses the public half of a key pair', () => {
    const { signedResponse } = parseOptions({ ...SIGNED, jwtResponse: { keys: rsa.privateKey } });
    expect(rsa.publicKey.equals(signedResponse?.keys as KeyObject)).toBe(true);
  });
});

describe('an invalid option', () => {
  it.each(wrongCases)('%s throws for %s, with its name and the remedy, and without its value', (name, _, value) => {
    const message = refusalOf({ ...REQUIRED, [name]: value });
    expect(message).toMatch(new RegExp(`^Option "${name}" is .+; `));
    expect(message.endsWith(`; ${REMEDIES[name]}`)).toBe(true);
    expect(message).not.toContain(HUSH);
  });

  it.each(
    Object.entries(WRONG_CACHE).flatMap(([name, values]) =>
      values.map((value) => [name, shown(value), value] as const),
    ),
  )('cache.%s throws for %s, by its full name', (name, _, value) => {
    const message = refusalOf({ ...REQUIRED, cache: { [name]: value } });
    expect(isTold(message, `cache.${name}`)).toBe(true);
    expect(message).not.toContain(HUSH);
  });

  it.each(
    Object.entries(WRONG_JWT_RESPONSE).flatMap(([name, values]) =>
      values.map((value) => [name, shown(value), value] as const),
    ),
  )('jwtResponse.%s throws for %s, by its full name', (name, _, value) => {
    const message = refusalOf({ ...SIGNED, jwtResponse: { [name]: value } });
    expect(message).toMatch(new RegExp(`^Option "jwtResponse\\.${name}" is .+; `));
    expect(message.endsWith(`; ${REMEDIES[`jwtResponse.${name}`]}`)).toBe(true);
    expect(message).not.toContain(HUSH);
  });

  it.each(
    Object.entries(WRONG_DPOP).flatMap(([name, values]) => values.map((value) => [name, shown(value), value] as const)),
  )('dpop.%s throws for %s, by its full name', (name, _, value) => {
    const message = refusalOf({ ...REQUIRED, dpop: { [name]: value } });
    expect(isTold(message, `dpop.${name}`, 'dpop.nonce.secrets')).toBe(true);
    expect(message).not.toContain(HUSH);
  });

  it.each([
    ['undefined is missing', undefined],
    ['null is null', null],
    ['an empty string', ''],
    ['a string that cannot be used', HUSH],
    ['7', 7],
    ['true', true],
    ['a list', [HUSH]],
    ['an empty list', []],
    ['an object that cannot be used', { HUSH }],
    ['a function that cannot be used', () => HUSH],
    ['a bigint that cannot be used', 7n],
    ['a symbol that cannot be used', Symbol(HUSH)],
  ])('is described by its type: %s', (told, value) => {
    const kind = told.replace(/^.* is /, '');
    expect(refusalOf({ ...REQUIRED, clientAuth: value })).toBe(
      `Option "clientAuth" is ${kind}; ${REMEDIES.clientAuth}`,
    );
  });

  it.each(['endpoint', 'clientAuth', 'audience'])('%s is described when it is missing', (name) => {
    expect(refusalOf({ ...REQUIRED, [name]: undefined })).toBe(`Option "${name}" is missing; ${REMEDIES[name]}`);
  });

  it.each([
    ['http://as.example.com/a', 'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp'],
    [
      'http://localhost.example.com/a',
      'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp',
    ],
    [
      'http://127.0.0.1.example.com/a',
      'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp',
    ],
    ['http://10.0.0.1/a', 'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp'],
    ['http://[::2]/a', 'write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp'],
    ['ftp://as.example.com/a', 'write an https: URL'],
    ['ws://localhost/a', 'write an https: URL'],
    ['data:text/plain,hush-hush', 'write an https: URL'],
    [`https://api:${HUSH}@as.example.com/a`, 'leave the credentials out of the URL and give them to "clientAuth"'],
    [`https://${HUSH}@as.example.com/a`, 'leave the credentials out of the URL and give them to "clientAuth"'],
    ['https://as.example.com/a#b', 'leave the fragment out (RFC 7662 section 2)'],
  ])('endpoint is rejected when it is %s', (endpoint, remedy) => {
    expect(refusalOf({ ...REQUIRED, endpoint })).toBe(`Option "endpoint" is a string that cannot be used; ${remedy}`);
    expect(refusalOf({ ...REQUIRED, endpoint: new URL(endpoint) })).toBe(
      `Option "endpoint" is an object that cannot be used; ${remedy}`,
    );
  });

  it.each([
    ['ftp://as.example.com/a', 'write an https: URL'],
    ['data:text/plain,a', 'write an https: URL'],
  ])('endpoint is rejected with dangerouslyAllowHttp too when it is %s', (endpoint, remedy) => {
    expect(refusalOf({ ...REQUIRED, endpoint, dangerouslyAllowHttp: true })).toContain(remedy);
  });
});

describe('an unknown option', () => {
  const known = Object.keys(REMEDIES).filter((name) => !name.includes('.'));

  it.each([
    ['scope', 'scopes'],
    ['Audience', 'audience'],
    ['cach', 'cache'],
    ['cacheTtl', 'cache'],
    ['endpont', 'endpoint'],
    ['timeout', 'timeoutMs'],
    ['client_auth', 'clientAuth'],
  ])('is rejected with the name that was meant: %s', (name, meant) => {
    const message = refusalOf({ ...REQUIRED, [name]: HUSH });
    expect(message).toBe(`Option "${name}" is not known here; did you mean "${meant}"?`);
  });

  it.each(['toString', 'hasOwnProperty', '__defineGetter__', `cache${'e'.repeat(1000)}`])(
    'is rejected with all known names when none is similar: %s',
    (name) => {
      const message = refusalOf({ ...REQUIRED, [name]: HUSH });
      expect(message.startsWith(`Option "${name}" is not known here; write one of `)).toBe(true);
      expect(
        message
          .slice(message.indexOf('one of ') + 7)
          .split(', ')
          .sort(),
      ).toEqual([...known].sort());
      expect(message).not.toContain(HUSH);
    },
  );

  it('is rejected within cache, by its full name', () => {
    expect(refusalOf({ ...REQUIRED, cache: { ttl: 60 } })).toBe(
      'Option "cache.ttl" is not known here; did you mean "cache.ttlSeconds"?',
    );
  });

  it('is rejected within dpop, by its full name', () => {
    expect(refusalOf({ ...REQUIRED, dpop: { maxAge: 60 } })).toBe(
      'Option "dpop.maxAge" is not known here; did you mean "dpop.maxAgeSeconds"?',
    );
  });

  it('does no harm when it is undefined', () => {
    expect(settingsOf({ later: undefined, cache: { later: undefined } }).timeoutMs).toBe(3000);
  });
});

describe('a wrong secret in a list', () => {
  const secrets = (...given: unknown[]) => refusalOf({ ...REQUIRED, cache: { secrets: given } });

  it.each([
    [[undefined], 'cache.secrets[0] is undefined; is CACHE_SECRET set?'],
    [[SECRET, ''], 'cache.secrets[1] is an empty string; is CACHE_SECRET set?'],
    [[SECRET, HUSH], 'cache.secrets[1] is too short; write a secret of at least 32 bytes, as a string'],
    [[7], 'cache.secrets[0] is not a string; write a secret of at least 32 bytes, as a string'],
  ])('is named by its position: %j', (given, message) => {
    expect(secrets(...given)).toBe(message);
  });

  it('is named for nonces too', () => {
    expect(refusalOf({ ...REQUIRED, dpop: { nonce: { secrets: [undefined] } } })).toBe(
      'dpop.nonce.secrets[0] is undefined; is NONCE_SECRET set?',
    );
  });
});

describe('contradicting options', () => {
  const call = (): undefined => undefined;

  it.each<[string, Options, string]>([
    [
      'two ways to the endpoint',
      { authorizationServer: 'https://as.example.com' },
      'Option "endpoint" is a string that cannot be used; leave it out: the metadata of "authorizationServer" name it',
    ],
    ...[false, 'reports', 'urn:example:api', ['https://a.example.com', 'https://b.example.com']].map(
      (audience): [string, Options, string] => [
        `proofs made for the audience ${audience}`,
        { audience, dpop: true },
        'Option "dpop.origin" is missing; write the origin that clients call, such as \'https://api.example.com\'',
      ],
    ),
    [
      'signed responses without an issuer',
      { ...SIGNED, authorizationServer: undefined, jwtResponse: { keys: PUBLIC_KEY } },
      'Option "jwtResponse.issuer" is missing; write the "iss" of signed responses',
    ],
    [
      'signed responses without a client',
      { ...SIGNED, endpoint: undefined, clientAuth: bearerToken('abc'), jwtResponse: true },
      'Option "jwtResponse.audience" is missing; write the "aud" of signed responses, or a list of them',
    ],
    [
      'signed replies without keys',
      { ...SIGNED, authorizationServer: undefined, issuer: 'https://as.example.com', jwtResponse: true },
      `Option "jwtResponse.keys" is missing; ${REMEDIES['jwtResponse.keys']}`,
    ],
    [
      'signed replies for a client that does not prove itself',
      { jwtResponse: { issuer: 'a', audience: 'b', keys: PUBLIC_KEY } },
      'Option "clientAuth" is an object that cannot be used; write a method with credentials: "jwtResponse" requires an authenticated client (RFC 9701 section 4)',
    ],
    [
      'signed replies that are something else',
      { ...SIGNED, endpoint: undefined, jwtResponse: true, normalizeResponse: normalize },
      'Option "normalizeResponse" is a function that cannot be used; leave it out: RFC 9701 defines the format of signed responses',
    ],
    [
      'signed replies and another kind',
      { ...SIGNED, endpoint: undefined, jwtResponse: true, headers: { Accept: HUSH } },
      'Option "headers.accept" is a string that cannot be used; leave it out: "jwtResponse" provides it',
    ],
    [
      'keys at an http: URL',
      { ...SIGNED, endpoint: undefined, jwtResponse: { keys: 'http://as.example.com/jwks' } },
      'Option "jwtResponse.keys" is a string that cannot be used; write an https: URL; http: is for loopback hosts, or with dangerouslyAllowHttp',
    ],
    [
      'two places for the token',
      { getToken: call, tokenFromBody: true },
      'Option "tokenFromBody" is true; leave it out: "getToken" reads the token',
    ],
    [
      'the scheme DPoP and a token in the body',
      { dpop: { required: true }, tokenFromBody: true },
      'Option "tokenFromBody" is true; leave it out: "dpop.required" needs the Authorization header',
    ],
    [
      'the scheme DPoP and a token from elsewhere',
      { dpop: { required: true }, getToken: call },
      'Option "getToken" is a function that cannot be used; leave it out: "dpop.required" needs the Authorization header',
    ],
    [
      'two connections',
      { dispatcher: new MockAgent(), clientAuth: { ...noClientAuth(), connect: { cert: HUSH } } },
      'Option "dispatcher" is an object that cannot be used; leave it out: "clientAuth" opens connections of its own, with its TLS material',
    ],
    [
      'a parameter that is the token',
      { parameters: { token: HUSH } },
      'Option "parameters.token" is a string that cannot be used; leave it out: the token and "clientAuth" provide it',
    ],
    [
      'a parameter that is the token under its own name',
      { tokenParameter: 'access_token', parameters: { access_token: HUSH } },
      'Option "parameters.access_token" is a string that cannot be used; leave it out: the token and "clientAuth" provide it',
    ],
    ...['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'].flatMap(
      (name): [string, Options, string][] => [
        [
          `a parameter ${name}`,
          { parameters: { [name]: HUSH } },
          `Option "parameters.${name}" is a string that cannot be used; leave it out: the token and "clientAuth" provide it`,
        ],
        [
          `a token called ${name}`,
          { tokenParameter: name },
          'Option "tokenParameter" is a string that cannot be used; write another name: "clientAuth" uses this one',
        ],
      ],
    ),
    ...[
      'Authorization',
      'content-type',
      'Content-Length',
      'HOST',
      'accept-encoding',
      'Connection',
      'transfer-encoding',
    ].map((name): [string, Options, string] => [
      `a header ${name}`,
      { headers: { [name]: HUSH } },
      `Option "headers.${name.toLowerCase()}" is a string that cannot be used; leave it out: "clientAuth" and "requestFormat" provide it`,
    ]),
  ])('are rejected: %s', (_, options, message) => {
    expect(refusalOf({ ...REQUIRED, ...options })).toBe(message);
  });

  it('are rejected by with() too: getToken for a middleware with tokenFromBody', () => {
    const authenticate = tokenIntrospection({ ...REQUIRED, tokenFromBody: true });
    const message = 'Option "tokenFromBody" is true; leave it out: "getToken" reads the token';
    expect(refusalOf({ getToken: call }, authenticate.with)).toBe(message);
    expect(() => authenticate.with({ getToken: call, tokenFromBody: false })).not.toThrow();
  });
});

describe('the options object', () => {
  it.each([
    ['missing', undefined],
    ['null', null],
    ['a string that cannot be used', HUSH],
    ['7', 7],
    ['a function that cannot be used', () => {}],
    ['a list', [REQUIRED]],
    ['an object that cannot be used', new Map(Object.entries(REQUIRED))],
  ])('is rejected when it is %s', (told, options) => {
    expect(refusalOf(options)).toBe(`Option "options" is ${told}; write a plain object`);
  });

  it('may have no prototype', () => {
    const options = Object.assign(Object.create(null), REQUIRED);
    expect(parseOptions(options).timeoutMs).toBe(3000);
  });

  it('is not changed, and later changes to it have no effect', () => {
    const options = {
      ...REQUIRED,
      endpoint: new URL('https://as.example.com/introspect'),
      audience: ['a'],
      scopes: ['read'],
      parameters: { a: '1' },
      headers: { 'X-A': '1' },
      cache: { ttlSeconds: 10 },
      normalizeResponse: { statuses: [404], normalize },
    };
    const before = inspect(options, { depth: 5 });
    const settings = parseOptions(options);
    expect(inspect(options, { depth: 5 })).toBe(before);
    for (const part of [
      options,
      options.audience,
      options.scopes,
      options.parameters,
      options.headers,
      options.cache,
    ]) {
      expect(Object.isFrozen(part)).toBe(false);
    }
    options.endpoint.hostname = 'evil.example.com';
    options.audience.push('b');
    options.scopes.pop();
    options.parameters.a = '2';
    options.headers['X-A'] = '2';
    options.cache.ttlSeconds = 20;
    options.normalizeResponse.statuses.push(500);
    expect(settings).toMatchObject({
      location: { endpoint: new URL('https://as.example.com/introspect') },
      parameters: { a: '1' },
      headers: { 'x-a': '1' },
      cache: { ttlMs: 10_000 },
      normalizer: { statuses: new Set([200, 404]) },
      policy: { audience: ['a'], scopes: ['read'] },
    });
  });

  it('may be frozen', () => {
    expect(parseOptions(Object.freeze({ ...REQUIRED, scopes: Object.freeze(['read']) })).policy.scopes).toEqual([
      'read',
    ]);
  });

  it('is read once: the checked values are the values in use', () => {
    let reads = 0;
    const options = Object.defineProperty({ ...REQUIRED }, 'realm', {
      enumerable: true,
      get: () => (reads++ === 0 ? 'api' : 'evil"\r\nX-Evil: 1'),
    });
    expect(parseOptions(options).policy.realm).toBe('api');
    expect(reads).toBe(1);
  });

  it('becomes settings that cannot be changed', () => {
    const settings = settingsOf({ scopes: ['read'], audience: ['a'], parameters: { a: '1' }, headers: { a: '1' } });
    const { policy: demands, parameters, headers, cache } = settings;
    for (const part of [settings, demands, demands.scopes, demands.audience, parameters, headers, cache]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });
});

describe('app.use(tokenIntrospection), without calling it', () => {
  it('answers 500 to each request with a message that says what to write', async () => {
    const app = createApp(tokenIntrospection as never);
    await request(app.app).get('/').expect(500);
    expect(app.errors).toEqual([
      new TypeError('tokenIntrospection was mounted without being called; write app.use(tokenIntrospection({ … }))'),
    ]);
    expect(app.reached()).toBe(0);
  });
});

describe('with()', () => {
  const authenticate = tokenIntrospection(REQUIRED);
  const derive = (demands: PolicyOptions): unknown => authenticate.with(demands);

  it.each(DEMANDS)('accepts %s, and rejects a wrong value like the middleware itself', (name) => {
    expect(() => authenticate.with({ [name]: undefined })).not.toThrow();
    for (const value of [...(WRONG[name] ?? []), ...NEVER]) {
      const message = refusalOf({ [name]: value }, derive);
      expect(message.startsWith(`Option "${name}" is `)).toBe(true);
      expect(message.endsWith(`; ${REMEDIES[name]}`)).toBe(true);
    }
  });

  it.each(Object.keys(WRONG).filter((name) => !DEMANDS.includes(name)))(
    'rejects %s, which all middlewares of one introspector share',
    (name) => {
      expect(refusalOf({ [name]: HUSH }, derive)).toBe(
        `Option "${name}" is not known here; write one of ${DEMANDS.join(', ')}`,
      );
    },
  );

  it.each([
    ['missing', undefined],
    ['null', null],
    ['a list', ['read']],
    ['a string that cannot be used', HUSH],
  ])('rejects options that are %s', (told, demands) => {
    expect(refusalOf(demands, derive)).toBe(`Option "options" is ${told}; write a plain object`);
  });
});

describe('a secret', () => {
  it('is not shown by an error of a factory or of the middleware', () => {
    expect(refusalOf('id', () => bearerToken(`${HUSH} x`))).not.toContain(HUSH);
    expect(refusalOf('id', () => clientSecretBasic('a:b', HUSH, { encode: false }))).not.toContain(HUSH);
    expect(refusalOf({ ...REQUIRED, headers: { authorization: `Bearer ${HUSH}` } })).not.toContain(HUSH);
    expect(refusalOf({ ...REQUIRED, clientAuth: clientSecretBasic('api', HUSH).identity })).not.toContain(HUSH);
  });
});
