import { type Lifetimes, lifetimeOf } from '../cache/lifetimes.js';
import type { Claims } from '../core/claims.js';
import { readClock } from '../core/clock.js';
import { AuthError, type AuthErrorReason, IntrospectionError, type IntrospectionErrorCode } from '../core/errors.js';
import { type ActiveRecord, ANY_AGE, type TokenRecord } from '../core/lookup.js';
import { tokenDigest } from '../core/token-digest.js';
import { readToken, requireB64Token } from '../credentials/token.js';
import { explain, keepEvidence } from '../diagnostics/explain.js';
import { remedyFor } from '../diagnostics/remedies.js';
import type { Introspector } from '../introspector.js';
import type { Settings } from '../options/settings.js';
import { requireActive, verify } from '../verification/verify.js';

/** How a request with this token would be judged, and why. */
export interface TokenReport {
  readonly accepted: boolean;
  /** What a client would see. */
  readonly status: number;
  readonly reason: AuthErrorReason | IntrospectionErrorCode | undefined;
  /** What was expected of the token, and what it is instead, where a comparison failed. */
  readonly expected: string | undefined;
  readonly received: string | undefined;
  /** What to do about it. */
  readonly remedy: string | undefined;
  /** Demands that the command was not given, so that an app that has them may still reject the token. */
  readonly notChecked: readonly string[];
  /** The reply as handlers see it, after normalisation; `undefined` for a token that is not active. */
  readonly auth: Claims | undefined;
  readonly cachedForSeconds: number;
  /** What bounds it. */
  readonly cachedBecause: string;
  readonly warnings: readonly string[];
}

/** No time in seconds comes near it before the year 5000. */
const MILLISECONDS_FROM = 100_000_000_000;

const UNCACHED: Lifetimes = { ttlMs: 0, inactiveTtlMs: 0 };

const PREFIX = /^(?:authorization:\s*)?bearer\s+/i;

/** What was probably copied along with a token is left out. */
export function withoutScheme(given: string): string {
  return given.replace(PREFIX, '');
}

/** Asks about a token, and judges it. A failure of the endpoint is a part of the report. */
export async function reportOn(
  given: string,
  shared: Introspector,
  settings: Settings,
  notChecked: readonly string[],
): Promise<TokenReport> {
  const { policy: demands, clock } = settings;
  const lifetimes = settings.cache || UNCACHED;
  const notes = PREFIX.test(given) ? [COPIED_SCHEME] : [];
  const token = withoutScheme(given);
  let record: TokenRecord | undefined;
  const common = () => ({
    notChecked,
    auth: record?.active ? record.claims : undefined,
    ...(record === undefined
      ? { cachedForSeconds: 0, cachedBecause: 'there is no response', warnings: notes }
      : {
          cachedForSeconds: Math.round(Math.max(0, lifetimeOf(record, lifetimes))) / 1000,
          cachedBecause: boundOf(record, lifetimes),
          warnings: [...notes, ...warningsOf(record, demands.audience === false)],
        }),
  });
  try {
    readToken(token);
    requireB64Token(token);
    const question = { token, digest: tokenDigest(token) };
    const options = { notBefore: ANY_AGE, now: readClock(clock), background: false, isKnown: false };
    record = await shared.lookup(question, options);
    requireActive(record);
    verify(record, demands, clock.now(), undefined);
    const nothing = { reason: undefined, expected: undefined, received: undefined, remedy: undefined };
    return { accepted: true, status: 200, ...nothing, ...common() };
  } catch (error) {
    if (error instanceof AuthError) keepEvidence(error, { token, record, expected: demands, now: clock.now() });
    return { accepted: false, ...whyNot(error, record), ...common() };
  }
}

type WhyNot = Pick<TokenReport, 'status' | 'reason' | 'expected' | 'received' | 'remedy'>;

function whyNot(error: unknown, record: TokenRecord | undefined): WhyNot {
  if (error instanceof IntrospectionError) {
    const { status, code, detail } = error;
    return { status, reason: code, expected: undefined, received: detail, remedy: remedyFor(code, detail) };
  }
  if (!(error instanceof AuthError)) throw error;
  const { status, reason } = error;
  const { detail, expected, received } = explain(error);
  // The reply is shown anyway, so its scopes may be.
  const granted = reason === 'insufficient_scope' && record?.active ? `scope "${record.scopes.join(' ')}"` : received;
  return { status, reason, expected, received: granted, remedy: remedyFor(reason, detail) };
}

function boundOf(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes): string {
  if (!record.active) return `cache.inactiveTtlSeconds is ${inactiveTtlMs / 1000}`;
  const cap = `cache.ttlSeconds is ${ttlMs / 1000}`;
  const { exp } = record.claims;
  if (exp === undefined) return `${cap}, and the reply has no exp`;
  const left = Math.round(exp - record.askedAt / 1000);
  return left * 1000 < ttlMs ? `exp is ${left} seconds away` : `${cap}, and exp is ${left} seconds away`;
}

function warningsOf(record: TokenRecord, isForAnyone: boolean): string[] {
  if (!record.active) return [];
  const warnings = RULES.filter(([applies]) => applies(record)).map(([, warning]) => warning);
  return isForAnyone && record.claims.aud !== undefined ? [...warnings, UNUSED_AUDIENCE] : warnings;
}

const COPIED_SCHEME = 'The word Bearer was left out: it is the scheme, and no part of the token.';
const UNUSED_AUDIENCE = 'The reply names an audience: demand it, so that tokens meant for others are refused.';

const RULES: readonly (readonly [applies: (record: ActiveRecord) => boolean, warning: string])[] = [
  [({ claims }) => claims.exp === undefined, 'No exp: only cache.ttlSeconds bounds how long the response is used.'],
  [
    ({ claims }) => claims.aud === undefined,
    'No aud: nothing says that the token is for this API. Have the server put its audience into access tokens.',
  ],
  [
    ({ claims }) => /refresh/i.test(`${claims.token_type} ${claims.token_use}`),
    'A refresh token: send the access token instead.',
  ],
  [
    ({ claims }) => claims.token_type === undefined,
    'No token_type: refresh tokens cannot be told apart, except by their aud.',
  ],
  [({ claims }) => (claims.iat ?? 0) >= MILLISECONDS_FROM, 'iat is in milliseconds: it takes a normalizeResponse.'],
  [
    ({ claims }) => (claims.exp ?? 0) >= MILLISECONDS_FROM,
    'exp is in milliseconds, and so thousands of years away: it takes a normalizeResponse.',
  ],
  [
    ({ claims }) => claims.cnf !== undefined,
    'cnf: the token is bound to its sender, and refused as a plain bearer token.',
  ],
  [({ scopes }) => scopes.length === 0, 'No scope: requireScope lets nobody through.'],
];
