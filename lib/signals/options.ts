import type { Invalidation } from '../cache/invalidation.js';
import { type Clock, SYSTEM_CLOCK } from '../core/clock.js';
import { rejectMountedFactory } from '../core/option-error.js';
import type { SignalEvent } from '../diagnostics/channels.js';
import type { Dispatcher } from '../introspection/http.js';
import { createIssuerKeys } from '../introspection/issuer-keys.js';
import type { KeySet } from '../introspection/key-set.js';
import { createTransport } from '../introspection/transport.js';
import { parseUrl } from '../options/parse-url.js';
import { type PublicKeys, parseKeySource } from '../options/public-keys.js';
import { type Rules, readOptions, rejectOption } from '../options/read-options.js';
import { type InvalidatedMiddleware, parseMiddlewares } from './invalidate-everywhere.js';

/** Options of every handler that verifies signed tokens of an issuer. */
export interface SignalOptions {
  /**
   * The middleware whose cached responses are invalidated, or a list of such middlewares. All of them must accept tokens of the same users.
   */
  readonly authenticate: InvalidatedMiddleware | readonly InvalidatedMiddleware[];
  /** Expected `iss` of the signed tokens, and of the subjects that have an `iss`. It is compared exactly. */
  readonly issuer: string;
  /** Expected `aud` of the signed tokens, or a list of accepted values. The `aud` of a token must contain one of them. */
  readonly audience: string | readonly string[];
  /**
   * Public keys of the issuer: one key, a JWK Set, or the URL of a JWK Set. Default: the keys at the `jwks_uri` in the metadata of the
   * issuer. The metadata may be those of RFC 8414, of OpenID Connect Discovery, or the configuration of a transmitter. Keys at a URL are
   * fetched again for an unknown `kid`, at most once in 10 seconds.
   */
  readonly keys?: PublicKeys | undefined;
  /**
   * Accepted signature algorithms. Only algorithms with a public key are allowed. Default: `RS`, `PS` and `ES`, each with 256, 384 and 512,
   * and `EdDSA` and `Ed25519`.
   */
  readonly algorithms?: readonly string[] | undefined;
  /**
   * Maximum age of a logout token, of a security event token, or of the JWT of a revocation request: 1 to 86400 seconds since its `iat`.
   * Default: `300`, but `86400` for `pollSecurityEvents()`.
   */
  readonly maxAgeSeconds?: number | undefined;
  /** Allowed difference between the clock of the issuer and yours, in seconds, 0 to 300. Default: `5`. */
  readonly clockToleranceSeconds?: number | undefined;
  /** Also allows `http:` URLs of hosts that are not loopback. Default: `false`. */
  readonly dangerouslyAllowHttp?: boolean | undefined;
  /** An undici dispatcher for requests to the issuer, such as a `ProxyAgent`. It must not follow redirects. Default: direct connections. */
  readonly dispatcher?: Dispatcher | undefined;
  /** The clocks, for tests. Default: the system clocks. */
  readonly clock?: Clock | undefined;
}

/** Option about the type (`typ`) of the signed tokens. */
export interface TokenTypeOptions {
  /** Also accepts tokens with `typ: JWT` and tokens without `typ`, for servers that send only such tokens. Default: `false`. */
  readonly allowJwtType?: boolean | undefined;
}

/** Option that says what is invalidated when a signed token names a session and its user. */
export interface ScopeOptions {
  /**
   * - `'subject'`: all tokens of the session and all tokens of the user.
   * - `'session'`: only the tokens of the session. Choose it only if your introspection responses have a `sid`.
   *
   * If a signed token names only a session or only a user, the tokens of that session or user are invalidated. Default: `'subject'`.
   */
  readonly scope?: 'session' | 'subject' | undefined;
}

/** A subject identifier ([RFC 9493](https://www.rfc-editor.org/rfc/rfc9493)), as the sender wrote it. */
export interface SubjectIdentifier {
  /** Name of the format, such as `iss_sub`. */
  readonly format?: unknown;
  readonly [member: string]: unknown;
}

/** Option about subjects whose identifiers have another format than `iss` and `sub`. */
export interface SubjectOptions {
  /**
   * A function that finds the tokens of a subject whose identifier no token contains, such as an `email` or a `phone_number`. It returns
   * what to invalidate, or `undefined` for an unknown subject. The identifier really comes from the issuer, but it may name anybody. The
   * function is not called for the formats `iss_sub`, `opaque` and `jwt_id`. If it takes longer than 10 seconds, the sender should send the
   * signal again. Default: all such subjects are unknown.
   */
  readonly subject?:
    | ((identifier: SubjectIdentifier) => Invalidation | undefined | Promise<Invalidation | undefined>)
    | undefined;
}

export interface SignalSettings {
  readonly invalidate: ReturnType<typeof parseMiddlewares>;
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly keys: KeySet;
  readonly algorithms: readonly string[];
  readonly maxAgeMs: number;
  readonly toleranceMs: number;
  /**
   * How long a received signal is remembered, in milliseconds, so that it has no second effect when it is sent again. After this time, the
   * signal is too old to be accepted.
   */
  readonly keepMs: number;
  readonly allowHttp: boolean;
  readonly clock: Clock;
}

const ASYMMETRIC = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/**
 * After the keys were fetched, a token that is signed with an unknown key causes no new fetch for this many milliseconds. The reason:
 * anybody can send such a token.
 */
const KEYS_COOLDOWN_MS = 10_000;
const KEYS_TIMEOUT_MS = 5000;

const DEFAULT_MAX_AGE_SECONDS = 300;
const DEFAULT_TOLERANCE_SECONDS = 5;

/**
 * Validates the options of a handler.
 *
 * @returns a copy of the options, and the settings that all kinds of handlers need
 * @throws TypeError for a missing, unknown or invalid option
 */
export function parseSignalOptions<Options extends SignalOptions>(
  by: SignalEvent['by'],
  input: Options,
  rules: Rules,
  defaultMaxAgeSeconds = DEFAULT_MAX_AGE_SECONDS,
): { readonly options: Options; readonly settings: SignalSettings } {
  rejectMountedFactory(by, input, `app.post('/path', ${by}({ … }))`);
  const options = readOptions(input, rules);
  const { issuer, audience, clock = SYSTEM_CLOCK, dispatcher } = options;
  for (const name of ['issuer', 'audience'] as const) {
    if (options[name] === undefined) rejectOption(name, undefined, rules);
  }
  const allowHttp = options.dangerouslyAllowHttp === true;
  const keys = parseKeySource('keys', options.keys, allowHttp, rules);
  if (keys === undefined) {
    if (!URL.canParse(issuer)) rejectOption('issuer', issuer, rules);
    parseUrl('issuer', issuer, allowHttp);
  }
  const { get } = createTransport({
    timeoutMs: KEYS_TIMEOUT_MS,
    dispatcher,
    connect: undefined,
    readsBody: () => true,
  });
  const maxAgeMs = (options.maxAgeSeconds ?? defaultMaxAgeSeconds) * 1000;
  const toleranceMs = (options.clockToleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS) * 1000;
  const cooldown = { cooldownMs: KEYS_COOLDOWN_MS, failurePauseMs: KEYS_COOLDOWN_MS };
  const settings = {
    invalidate: parseMiddlewares(options.authenticate),
    issuer,
    audience: Object.freeze([audience].flat()),
    keys: createIssuerKeys({ issuer, keys, allowHttp, get, clock, ...cooldown }),
    algorithms: Object.freeze([...(options.algorithms ?? ASYMMETRIC)]),
    maxAgeMs,
    toleranceMs,
    keepMs: maxAgeMs + 2 * toleranceMs,
    allowHttp,
    clock,
  };
  return { options, settings: Object.freeze(settings) };
}
