import { type Lifetimes, lifetimeOf } from '../cache/policy.js';
import { readToken, requireB64Token } from '../credentials/token.js';
import { AuthError, type AuthErrorReason } from '../errors.js';
import type { SharedLookup } from '../lookup.js';
import type { Settings } from '../settings.js';
import { tokenDigest } from '../token-digest.js';
import { type ActiveRecord, ANY_AGE, type Claims, readClock, type TokenRecord } from '../types.js';
import { requireActive, verify } from '../verification/verify.js';

/** How a request with this token would be judged, and why. */
export interface TokenReport {
  readonly accepted: boolean;
  /** What a client would see. */
  readonly status: number;
  readonly reason: AuthErrorReason | undefined;
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

/** @throws IntrospectionError when the endpoint gives no answer */
export async function reportOn(given: string, shared: SharedLookup, settings: Settings): Promise<TokenReport> {
  const { demands, clock } = settings;
  const lifetimes = settings.cache || UNCACHED;
  const attempt = { auth: undefined, cachedForSeconds: 0, cachedBecause: 'it is never asked about', warnings: [] };
  try {
    const token = readToken(given);
    requireB64Token(token);
    const record = await shared.lookup(
      { token, key: tokenDigest(token), dpop: undefined, proven: undefined, hasUnusedProof: false },
      { askedSince: ANY_AGE, now: readClock(clock), background: false, isKnown: false },
    );
    const seconds = Math.max(0, lifetimeOf(record, lifetimes)) / 1000;
    Object.assign(attempt, {
      auth: record.active ? record.claims : undefined,
      cachedForSeconds: Math.round(seconds * 1000) / 1000,
      cachedBecause: boundOf(record, lifetimes),
      warnings: warningsOf(record, demands.audience === false),
    });
    requireActive(record);
    verify(record, demands, clock.now(), undefined);
    return { accepted: true, status: 200, reason: undefined, ...attempt };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    return { accepted: false, status: error.status, reason: error.reason, ...attempt };
  }
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
  if (!record.active) return [INACTIVE];
  const warnings = RULES.filter(([applies]) => applies(record)).map(([, warning]) => warning);
  return isForAnyone && record.claims.aud !== undefined ? [...warnings, UNUSED_AUDIENCE] : warnings;
}

const INACTIVE =
  'Not active. If it should be: some servers say so to every client that the token is not meant for, or for a wrong secret.';
const UNUSED_AUDIENCE = 'The reply names an audience: demand it, so that tokens meant for others are refused.';

const RULES: readonly (readonly [applies: (record: ActiveRecord) => boolean, warning: string])[] = [
  [({ claims }) => claims.exp === undefined, 'No exp: cache.ttlSeconds alone bounds how long the answer is used.'],
  [
    ({ claims }) => claims.aud === undefined,
    'No aud: "audience" must be false, and tokens meant for others are accepted.',
  ],
  [
    ({ claims }) => /refresh/i.test(`${claims.token_type} ${claims.token_use}`),
    'A refresh token: refused unless allowRefreshTokens is true.',
  ],
  [
    ({ claims }) => claims.token_type === undefined,
    'No token_type: refresh tokens cannot be told apart but by their aud.',
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
