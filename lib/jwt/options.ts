import { type Clock, SYSTEM_CLOCK } from '../core/clock.js';
import { rejectMountedFactory } from '../core/option-error.js';
import type { Dispatcher } from '../introspection/http.js';
import { createIssuerKeys } from '../introspection/issuer-keys.js';
import type { KeySet } from '../introspection/key-set.js';
import { createTransport } from '../introspection/transport.js';
import { parseUrl } from '../options/parse-url.js';
import { type PublicKeys, parseKeySource } from '../options/public-keys.js';
import { type Rules, readOptions, rejectOption } from '../options/read-options.js';
import { JWT_RESPONSE_RULES, OPTION_RULES, POLICY_RULES } from '../options/rules.js';

/** Options of `verifyJwtFirst()`. */
export interface VerifyJwtOptions {
  /** The `iss` of the JWTs, compared exactly. Without `keys`, it is also the URL whose metadata name the keys. Required. */
  readonly issuer: string;
  /**
   * Algorithms that JWTs may be signed with. Only algorithms with a private and a public key are allowed. Default: `RS`, `PS` and `ES` with
   * 256, 384 and 512, `EdDSA` and `Ed25519`.
   */
  readonly algorithms?: readonly string[] | undefined;
  /**
   * The `typ` that JWTs must have, such as `'at+jwt'` ([RFC 9068 section 2.1](https://www.rfc-editor.org/rfc/rfc9068#section-2.1)). The
   * comparison ignores case and the prefix `application/`. Default: `typ` is not checked, because many servers send another one.
   */
  readonly typ?: string | undefined;
  /**
   * Public keys of the issuer: one key, a JWK Set, or the URL of a JWK Set. Default: the `jwks_uri` of the metadata of `issuer`. Keys at a
   * URL are fetched again for a signature that none of them verifies, at most once in 5 seconds.
   */
  readonly keys?: PublicKeys | undefined;
  /** Tolerated clock difference for `exp` and `nbf`, in seconds, 0 to 300. Default: `5`. */
  readonly clockToleranceSeconds?: number | undefined;
  /** Allows an `http:` issuer, and `http:` keys, on any host. Default: `false`: `http:` is allowed only on loopback hosts. */
  readonly dangerouslyAllowHttp?: boolean | undefined;
  /** An undici dispatcher that fetches metadata and keys. It must not follow redirects. Default: direct connections. */
  readonly dispatcher?: Dispatcher | undefined;
  /** Wall clock and monotonic clock, in milliseconds. Replace them only in tests. Default: the clocks of the system. */
  readonly clock?: Clock | undefined;
}

export interface JwtSettings {
  readonly issuer: string;
  readonly algorithms: readonly string[];
  readonly typ: string | undefined;
  readonly toleranceMs: number;
  readonly keys: KeySet;
  readonly clock: Clock;
}

const RULES: Rules = {
  issuer: [
    (POLICY_RULES.issuer as Rules[string])[0],
    'write the "iss" of the tokens, exactly as the metadata of the server spell it',
  ],
  algorithms: JWT_RESPONSE_RULES['jwtResponse.algorithms'] as Rules[string],
  typ: [(POLICY_RULES.issuer as Rules[string])[0], 'write the "typ" of the tokens, such as \'at+jwt\''],
  keys: JWT_RESPONSE_RULES['jwtResponse.keys'] as Rules[string],
  clockToleranceSeconds: POLICY_RULES.clockToleranceSeconds as Rules[string],
  dangerouslyAllowHttp: OPTION_RULES.dangerouslyAllowHttp as Rules[string],
  dispatcher: OPTION_RULES.dispatcher as Rules[string],
  clock: OPTION_RULES.clock as Rules[string],
};

const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

const DEFAULT_TOLERANCE_SECONDS = 5;

/** After a fetch of the keys, a signature that none of them verifies causes no new fetch for this many milliseconds. */
const KEYS_COOLDOWN_MS = 5000;

/** After a failed fetch of the keys, they are not fetched again for this many milliseconds. Meanwhile the endpoint decides. */
const FAILURE_PAUSE_MS = 5000;

/** Time limit for a fetch of metadata or keys, in milliseconds. */
const FETCH_TIMEOUT_MS = 3000;

/** @throws TypeError for an unknown, missing or invalid option; the message names it */
export function parseJwtOptions(input: VerifyJwtOptions): JwtSettings {
  rejectMountedFactory('verifyJwtFirst', input, "precheck: verifyJwtFirst({ issuer: 'https://as.example.com' })");
  const options = readOptions(input, RULES);
  const { issuer, dispatcher, clock = SYSTEM_CLOCK } = options;
  const { clockToleranceSeconds = DEFAULT_TOLERANCE_SECONDS } = options;
  const allowHttp = options.dangerouslyAllowHttp === true;
  if (issuer === undefined) rejectOption('issuer', issuer, RULES);
  const source = parseKeySource('keys', options.keys, allowHttp, RULES);
  if (source === undefined) {
    if (!URL.canParse(issuer)) rejectOption('issuer', issuer, RULES);
    parseUrl('issuer', issuer, allowHttp);
  }
  const { get } = createTransport({
    ...{ timeoutMs: FETCH_TIMEOUT_MS, dispatcher, connect: undefined },
    readsBody: () => false,
  });
  return Object.freeze({
    issuer,
    algorithms: Object.freeze([...(options.algorithms ?? ALGORITHMS)]),
    typ: options.typ === undefined ? undefined : nameOfType(options.typ),
    toleranceMs: clockToleranceSeconds * 1000,
    clock,
    keys: createIssuerKeys({
      ...{ issuer, keys: source, allowHttp, get, clock },
      ...{
        cooldownMs: KEYS_COOLDOWN_MS,
        failurePauseMs: FAILURE_PAUSE_MS,
        refetchesForBadSignatures: true,
        requiresKeys: true,
      },
    }),
  });
}

/** A `typ` in lower case, without the prefix that may be left out (RFC 7515 section 4.1.9). */
export function nameOfType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '');
}
