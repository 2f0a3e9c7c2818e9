import { z } from 'zod';
import { isBaseUrl } from '../core/endpoint-url.js';
import { HEADER_NAME, HEADER_VALUE, QUOTABLE, SCOPE_TOKEN } from '../core/syntax.js';
import { isPlainObject, type Rule, type Rules } from './read-options.js';
import { isSecret, MIN_SECRET_BYTES } from './secrets.js';

const MAX_TOLERANCE_SECONDS = 300;
const MAX_TTL_SECONDS = 86_400;
const MAX_INACTIVE_TTL_SECONDS = 3600;
const MAX_ENTRIES = 16_000_000;
const MIN_CACHE_BYTES = 65_536;
const MAX_CACHE_BYTES = 1_000_000_000_000;
const MAX_TIMEOUT_MS = 60_000;

const flag: Rule = [() => z.boolean(), 'write true or false'];
const func = () => z.custom((value) => typeof value === 'function');
const callable: Rule = [func, 'write a function'];
const text = () => z.string().min(1);
const range = (max: number): Rule => [() => z.number().min(0).max(max), `write a number of seconds from 0 to ${max}`];
const withMethods =
  (...names: string[]) =>
  () =>
    z.custom((value) => names.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === 'function'));

/**
 * Returns a function that creates a schema for an object whose members are strings. Zod's own schemas for objects are not used: they copy
 * the object, and fail for names that a frozen `Object.prototype` has.
 */
const strings = (namePattern: RegExp, pattern: RegExp) => () =>
  z.custom(
    (value) =>
      isPlainObject(value) &&
      Object.entries(value).every(
        ([name, member]) => namePattern.test(name) && typeof member === 'string' && pattern.test(member),
      ),
  );

const secret = () => z.custom(isSecret);

/** Names of signature algorithms that use a private and a public key. */
const ASYMMETRIC = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519)$/;

/** Rules for the options of a policy. `tokenIntrospection()` and `authenticate.with()` take these options. */
export const POLICY_RULES: Rules = {
  audience: [
    () => z.union([text(), z.array(text()).min(1), z.literal(false)]),
    'write the "aud" that tokens must contain, a list of accepted values, or false if this server never sends "aud"',
  ],
  issuer: [text, 'write the expected "iss"'],
  scopes: [
    () => z.array(z.string().regex(SCOPE_TOKEN)),
    "write a list of scopes such as ['reports:read'], one scope per item",
  ],
  satisfiesScope: callable,
  roles: [
    func,
    "write a function from the claims to the roles, such as (claims) => claims.groups; require roles with requireRole('admin')",
  ],
  claims: [
    () =>
      z.custom(
        (value) =>
          typeof (value as Partial<Record<string, { validate?: unknown }>> | null)?.['~standard']?.validate ===
          'function',
      ),
    'write a Standard Schema, for example z.object({ … }) of zod 4',
  ],
  allowRefreshTokens: flag,
  clockToleranceSeconds: range(MAX_TOLERANCE_SECONDS),
  optional: flag,
  tokenFromBody: flag,
  getToken: callable,
  dpop: [() => z.union([z.boolean(), z.custom(isPlainObject)]), 'write true or { origin, … }'],
  mtls: [
    () => z.union([z.boolean(), z.strictObject({ certificate: func() })]),
    'write true or { certificate(req) { … } }',
  ],
  realm: [() => z.string().regex(QUOTABLE), 'write printable ASCII'],
  resourceMetadata: [
    () =>
      z.union([
        z.literal(true),
        z
          .string()
          .regex(QUOTABLE)
          .regex(/^\S+$/)
          .refine((value) => /^https?:$/.test(URL.canParse(value) ? new URL(value).protocol : '')),
      ]),
    'write true, or the URL of the protected resource metadata',
  ],
  onReject: callable,
};

/** Rules for all options of `tokenIntrospection()`. */
export const OPTION_RULES: Rules = {
  ...POLICY_RULES,
  endpoint: [
    () => z.union([text(), z.instanceof(URL)]).refine((value) => URL.canParse(String(value))),
    'write the URL of the introspection endpoint, or "authorizationServer" instead',
  ],
  authorizationServer: [
    () =>
      z
        .string()
        .refine((value) => URL.canParse(value))
        .refine((value) => !/[?#]/.test(value)),
    'write the issuer identifier exactly as the metadata of the authorization server spell it: a URL without query or fragment',
  ],
  clientAuth: [
    () =>
      withMethods('sign')().refine(
        (value) =>
          text()
            .optional()
            .safeParse((value as Record<string, unknown>).identity).success,
      ),
    'write clientSecretBasic(…), privateKeyJwt(…) or another client authentication',
  ],
  requestFormat: [() => z.enum(['form', 'json']), "write 'form' or 'json'"],
  tokenParameter: [text, "write the name of the token's parameter"],
  parameters: [strings(/^/, /^/), 'write an object of strings'],
  headers: [strings(HEADER_NAME, HEADER_VALUE), 'write an object of header names and single-line values'],
  normalizeResponse: [
    () =>
      z.union([
        func(),
        z.strictObject({
          statuses: z.array(z.int().min(200).max(599)).optional(),
          normalize: func(),
          identity: text().optional(),
        }),
      ]),
    'write a function, or { statuses: [404], normalize(reply) { … } }',
  ],
  jwtResponse: [() => z.union([z.boolean(), z.custom(isPlainObject)]), 'write true or { keys, … }'],
  dangerouslyAllowHttp: flag,
  cache: [() => z.union([z.literal(false), z.custom(isPlainObject)]), 'write false or { ttlSeconds, … }'],
  timeoutMs: [() => z.int().min(1).max(MAX_TIMEOUT_MS), `write whole milliseconds from 1 to ${MAX_TIMEOUT_MS}`],
  precheck: callable,
  dispatcher: [withMethods('request'), 'write an undici Dispatcher'],
  clock: [withMethods('now', 'monotonic'), 'write { now, monotonic }, both returning milliseconds'],
};

export const CACHE_RULES: Rules = {
  'cache.ttlSeconds': range(MAX_TTL_SECONDS),
  'cache.inactiveTtlSeconds': range(MAX_INACTIVE_TTL_SECONDS),
  'cache.staleIfErrorSeconds': range(MAX_TTL_SECONDS),
  'cache.refreshAhead': flag,
  'cache.store': [
    withMethods('getOrLease', 'keepAndRelease', 'setIfAbsent', 'append', 'follow'),
    'write a store such as redisStore({ client })',
  ],
  'cache.secrets': [
    () => z.array(secret()).min(1),
    `write a list of secrets of at least ${MIN_SECRET_BYTES} bytes each; is the environment variable set?`,
  ],
  'cache.namespace': [text, 'write a name'],
  'cache.maxEntries': [() => z.int().min(1).max(MAX_ENTRIES), `write a whole number from 1 to ${MAX_ENTRIES}`],
  'cache.maxBytes': [
    () => z.int().min(MIN_CACHE_BYTES).max(MAX_CACHE_BYTES),
    `write a whole number of bytes from ${MIN_CACHE_BYTES} to ${MAX_CACHE_BYTES}`,
  ],
};

export const DPOP_RULES: Rules = {
  'dpop.algorithms': [
    () => z.array(z.string().regex(ASYMMETRIC)).min(1),
    "write a list of algorithms that sign with a private key, such as ['ES256']",
  ],
  'dpop.origin': [
    () => z.union([func(), z.string().refine(isBaseUrl)]),
    "write the origin that clients call, such as 'https://api.example.com', or a function that returns it",
  ],
  'dpop.required': flag,
  'dpop.nonce': [
    () => z.union([z.boolean(), z.strictObject({ secrets: z.array(secret()).min(1) })]),
    `write true, or { secrets } with secrets of at least ${MIN_SECRET_BYTES} bytes each`,
  ],
  'dpop.maxAgeSeconds': [() => z.number().min(1).max(600), 'write a number of seconds from 1 to 600'],
  'dpop.replayStore': [withMethods('setIfAbsent'), 'write a store such as redisStore({ client })'],
};

export const JWT_RESPONSE_RULES: Rules = {
  'jwtResponse.issuer': [text, 'write the "iss" of signed responses'],
  'jwtResponse.audience': [
    () => z.union([text(), z.array(text()).min(1)]),
    'write the "aud" of signed responses, or a list of them',
  ],
  'jwtResponse.algorithms': [
    () => z.array(z.string().regex(ASYMMETRIC)).min(1),
    "write a list of algorithms that sign with a private key, such as ['ES256']",
  ],
  'jwtResponse.keys': [
    () => z.unknown(),
    'write the public key of the authorization server (PEM, JWK, KeyObject or CryptoKey), a JWK Set, or the URL of one',
  ],
  'jwtResponse.decryptionKey': [() => z.unknown(), 'write a private key: PEM, JWK, KeyObject or CryptoKey'],
};
