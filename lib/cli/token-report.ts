import { type Lifetimes, lifetimeOf } from '../cache/record-lifetimes.js';
import type { Claims } from '../core/claims.js';
import { readClock } from '../core/clock.js';
import { AuthError, type AuthErrorReason, IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';
import { type ActiveRecord, ANY_AGE, type TokenRecord } from '../core/lookup.js';
import { tokenDigest } from '../core/token-digest.js';
import { readToken } from '../credentials/read-credentials.js';
import { requireB64Token } from '../credentials/token.js';
import { explain, keepEvidence } from '../diagnostics/explain.js';
import { remedyFor } from '../diagnostics/remedies.js';
import type { Introspector } from '../introspector.js';
import type { Settings } from '../options/settings.js';
import { requireActive, verify } from '../verification/verify.js';

/** Result of `check --token`: whether a request with the token would be accepted, and why. */
export interface TokenReport {
  readonly accepted: boolean;
  /** HTTP status that a client would get for a request with the token; 200 if the token would be accepted. */
  readonly status: number;
  readonly reason: AuthErrorReason | IntrospectionErrorCode | undefined;
  /** The value that a check expected, if the token failed a check that compares values. */
  readonly expected: string | undefined;
  /** The value that a check received, if the token failed a check that compares values. After an outage, the detail of the error. */
  readonly received: string | undefined;
  /** Advice on what to do if the token would not be accepted. */
  readonly remedy: string | undefined;
  /** Names of checks that neither a flag nor a variable sets. An app with these checks may still reject the token. */
  readonly notChecked: readonly string[];
  /**
   * The claims of the introspection response, after `normalizeResponse`; `undefined` if the token is not active or there is no response.
   */
  readonly auth: Claims | undefined;
  readonly cachedForSeconds: number;
  /** The limit that determines `cachedForSeconds`, in words. */
  readonly cachedBecause: string;
  readonly warnings: readonly string[];
}

/** An `iat` or `exp` of this value or more is in milliseconds. In seconds, such a time would be after the year 5000. */
const MILLISECONDS_FROM = 100_000_000_000;

const UNCACHED: Lifetimes = { ttlMs: 0, inactiveTtlMs: 0 };

const PREFIX = /^(?:authorization:\s*)?bearer\s+/i;

/** Removes `Bearer` or `Authorization: Bearer` from the beginning of a text. This prefix is often copied together with a token. */
export function withoutScheme(text: string): string {
  return text.replace(PREFIX, '');
}

/** Introspects and verifies a token. A rejection or an outage becomes part of the report, and is not thrown. */
export async function reportOn(
  text: string,
  introspector: Introspector,
  settings: Settings,
  notChecked: readonly string[],
): Promise<TokenReport> {
  const { policy, clock } = settings;
  const lifetimes = settings.cache || UNCACHED;
  const notes = PREFIX.test(text) ? [COPIED_SCHEME] : [];
  const token = withoutScheme(text);
  let record: TokenRecord | undefined;
  const common = () => ({
    notChecked,
    auth: record?.active ? record.claims : undefined,
    ...(record === undefined
      ? { cachedForSeconds: 0, cachedBecause: 'there is no response', warnings: notes }
      : {
          cachedForSeconds: Math.round(Math.max(0, lifetimeOf(record, lifetimes))) / 1000,
          cachedBecause: limitOf(record, lifetimes),
          warnings: [...notes, ...warningsOf(record, policy.audience === false)],
        }),
  });
  try {
    readToken(token);
    requireB64Token(token);
    const tokenKey = { token, digest: tokenDigest(token) };
    const options = { notBefore: ANY_AGE, now: readClock(clock), background: false, isKnown: false };
    record = await introspector.lookup(tokenKey, options);
    requireActive(record);
    verify(record, policy, clock.now(), undefined);
    const nothing = { reason: undefined, expected: undefined, received: undefined, remedy: undefined };
    return { accepted: true, status: 200, ...nothing, ...common() };
  } catch (error) {
    if (error instanceof AuthError) keepEvidence(error, { token, record, expected: policy, now: clock.now() });
    return { accepted: false, ...failureOf(error, record), ...common() };
  }
}

type Failure = Pick<TokenReport, 'status' | 'reason' | 'expected' | 'received' | 'remedy'>;

function failureOf(error: unknown, record: TokenRecord | undefined): Failure {
  if (error instanceof IntrospectionError) {
    const { status, code, detail } = error;
    return { status, reason: code, expected: undefined, received: detail, remedy: remedyFor(code, detail) };
  }
  if (!(error instanceof AuthError)) throw error;
  const { status, reason } = error;
  const { detail, expected, received } = explain(error);
  // The granted scopes may be shown here, because the report shows the whole response too.
  const granted = reason === 'insufficient_scope' && record?.active ? `scope "${record.scopes.join(' ')}"` : received;
  return { status, reason, expected, received: granted, remedy: remedyFor(reason, detail) };
}

function limitOf(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes): string {
  if (!record.active) return `cache.inactiveTtlSeconds is ${inactiveTtlMs / 1000}`;
  const cap = `cache.ttlSeconds is ${ttlMs / 1000}`;
  const { exp } = record.claims;
  if (exp === undefined) return `${cap}, and the response has no exp`;
  const left = Math.round(exp - record.askedAt / 1000);
  return left * 1000 < ttlMs ? `exp is ${left} seconds away` : `${cap}, and exp is ${left} seconds away`;
}

function warningsOf(record: TokenRecord, isForAnyone: boolean): string[] {
  if (!record.active) return [];
  const warnings = RULES.filter(([applies]) => applies(record)).map(([, warning]) => warning);
  return isForAnyone && record.claims.aud !== undefined ? [...warnings, UNUSED_AUDIENCE] : warnings;
}

const COPIED_SCHEME = 'The word Bearer was removed. It is the scheme, not part of the token.';
const UNUSED_AUDIENCE = 'The response names an audience. Set "audience", so that tokens for other APIs are rejected.';

const RULES: readonly (readonly [applies: (record: ActiveRecord) => boolean, warning: string])[] = [
  [({ claims }) => claims.exp === undefined, 'No exp: only cache.ttlSeconds limits how long the response is used.'],
  [
    ({ claims }) => claims.aud === undefined,
    'No aud: the token may be for another API. Configure the server to put the audience of this API into access tokens.',
  ],
  [
    ({ claims }) => /refresh/i.test(`${claims.token_type} ${claims.token_use}`),
    'A refresh token: send the access token instead.',
  ],
  [
    ({ claims }) => claims.token_type === undefined,
    'No token_type: refresh tokens cannot be recognized, except by their aud.',
  ],
  [
    ({ claims }) => (claims.iat ?? 0) >= MILLISECONDS_FROM,
    'iat is in milliseconds. Convert it to seconds with "normalizeResponse".',
  ],
  [
    ({ claims }) => (claims.exp ?? 0) >= MILLISECONDS_FROM,
    'exp is in milliseconds, so the token seems to expire in thousands of years. Convert it to seconds with "normalizeResponse".',
  ],
  [
    ({ claims }) => claims.cnf !== undefined,
    'cnf: the token is bound to its sender, so it is rejected as a plain bearer token.',
  ],
  [({ scopes }) => scopes.length === 0, 'No scope: requireScope rejects every request.'],
];
