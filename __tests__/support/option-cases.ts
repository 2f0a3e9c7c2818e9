import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import {
  clientSecretBasic,
  noClientAuth,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { parseOptions } from '../../lib/options/parse.js';
import type { Settings } from '../../lib/options/settings.js';

export type Options = Record<string, unknown>;

/** A text that no message may show, because options hold secrets. */
export const HUSH = 'hush-hush';

export const REQUIRED = {
  endpoint: 'https://as.example.com/introspect',
  clientAuth: noClientAuth(),
  audience: 'https://api.example.com',
};

/** Options that signed responses require. */
export const SIGNED = {
  authorizationServer: 'https://as.example.com',
  clientAuth: clientSecretBasic('api', 'secret'),
  audience: 'https://api.example.com',
};

export function settingsOf(options: Options = {}): Settings {
  return parseOptions({ ...REQUIRED, ...options } as unknown as TokenIntrospectionOptions);
}

/** Message of the TypeError for the options. */
export function errorOf(options: unknown, create: (options: never) => unknown = tokenIntrospection): string {
  try {
    create(options as never);
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  throw new Error('The options were accepted');
}

export const REMEDIES: Record<string, string> = {
  endpoint: 'write the URL of the introspection endpoint, or "authorizationServer" instead',
  authorizationServer:
    'write the issuer identifier exactly as the metadata of the authorization server spell it: a URL without query or fragment',
  clientAuth: 'write clientSecretBasic(…), privateKeyJwt(…) or another client authentication',
  audience:
    'write the "aud" that tokens must contain, a list of accepted values, or false if this server never sends "aud"',
  issuer: 'write the expected "iss"',
  scopes: "write a list of scopes such as ['reports:read'], one scope per item",
  satisfiesScope: 'write a function',
  roles:
    "write a function from the claims to the roles, such as (claims) => claims.groups; require roles with requireRole('admin')",
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
  precheck: 'write a function',
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

export const POLICY_OPTIONS = [
  'audience',
  'issuer',
  'scopes',
  'satisfiesScope',
  'roles',
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

export const normalize = (): unknown => ({ active: false });

/** Invalid values per option, besides the values that are invalid for every option. */
export const INVALID: Record<string, unknown[]> = {
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
  roles: [HUSH, {}, true, [], ['admin']],
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
  precheck: [HUSH, {}, true, []],
  dispatcher: [HUSH, {}, () => {}, true],
  clock: [HUSH, {}, { now: Date.now }, { now: 1, monotonic: 2 }, true],
};

export const SECRET = 's'.repeat(32);

export const INVALID_CACHE: Record<string, unknown[]> = {
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

export const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });

export const PUBLIC_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;

export const INVALID_JWT_RESPONSE: Record<string, unknown[]> = {
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

export const INVALID_DPOP: Record<string, unknown[]> = {
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

export const NEVER_VALID: unknown[] = [null, Symbol(HUSH), 1n];

/** A value on one line, for a title. */
export function shown(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 1 });
}

/** Whether the message names the option and its remedy. An invalid secret in a list is named by its position. */
export function isDescribed(message: string, name: string, place = name): boolean {
  if (new RegExp(`^${place.replaceAll('.', '\\.')}\\[\\d\\] is .+; `).test(message)) return true;
  return message.startsWith(`Option "${name}" is `) && message.endsWith(`; ${REMEDIES[name]}`);
}

export const INVALID_CASES = Object.entries(INVALID).flatMap(([name, values]) =>
  [...values, ...NEVER_VALID].map((value) => [name, shown(value), value] as const),
);
