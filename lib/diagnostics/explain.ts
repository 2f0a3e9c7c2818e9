import type { AuthError, AuthErrorReason } from '../core/errors.js';
import type { ActiveRecord, TokenRecord } from '../core/lookup.js';
import { printable } from './printable.js';

/**
 * Why a token was rejected, for the operator.
 * An explanation holds no claims about users. It shows `aud` and `iss`, which are configuration, and the times of the token.
 */
export interface Explanation {
  /** Kind of the mistake, such as `slash`. It selects the remedy, because one reason may have several remedies. */
  readonly detail?: string;
  readonly expected?: string;
  readonly received?: string;
}

/** The data from which {@link explain} computes why a token was rejected. */
export interface Evidence {
  readonly token: string;
  /** The record of the token; `undefined` when the token was rejected before the lookup, or the lookup failed. */
  readonly record: TokenRecord | undefined;
  readonly expected: {
    readonly audience: readonly string[] | false;
    readonly issuer: string | undefined;
  };
  /** Wall time of the verification, in milliseconds since the epoch; may be `NaN` without a record. */
  readonly now: number;
}

/** The evidence for each error. It is kept here and not in the error, because the app sees the error and may log it. */
const evidences = new WeakMap<AuthError, Evidence>();

export function keepEvidence(error: AuthError, evidence: Evidence): void {
  evidences.set(error, evidence);
}

/** Returns what was expected of the rejected token and what was received; an empty object when this is not known. */
export function explain(error: AuthError): Explanation {
  if (error.reason === 'insufficient_scope') return { expected: `scope ${listed(error.scopes)}` };
  const evidence = evidences.get(error);
  if (evidence === undefined) return {};
  const { token, record } = evidence;
  if (error.reason === 'malformed_credentials') return explainMalformed(token);
  if (record?.active !== true) return {};
  return EXPLAINERS[error.reason]?.(record, evidence) ?? {};
}

type Explainer = (record: ActiveRecord, evidence: Evidence) => Explanation;

const EXPLAINERS: Partial<Record<AuthErrorReason, Explainer>> = {
  audience_mismatch: explainAudience,
  issuer_mismatch: explainIssuer,
  refresh_token: () => ({ expected: 'an access token', received: 'a refresh token' }),
  expired({ claims: { exp = 0 }, askedAt }, { now }) {
    if (exp === 0) return { detail: 'exp is 0', expected: 'exp in the future', received: 'exp 0' };
    const received = `exp ${secondsOf(now - exp * 1000)} ago`;
    return { ...(exp * 1000 <= askedAt && { detail: 'clock' }), expected: 'exp in the future', received };
  },
  not_yet_valid: ({ claims: { nbf = 0 } }, { now }) => ({
    detail: 'clock',
    expected: 'nbf in the past',
    received: `nbf in ${secondsOf(nbf * 1000 - now)}`,
  }),
};

function explainAudience({ claims }: ActiveRecord, { token, expected: { audience } }: Evidence): Explanation {
  const wanted = audience === false ? [] : audience;
  const expected = `aud ${listed(wanted)}`;
  const named = claims.aud === undefined ? [] : [claims.aud].flat();
  if (named.length === 0) {
    const isUntyped = claims.token_type === undefined;
    return { detail: isUntyped ? 'no aud, no token_type' : 'no aud', expected, received: 'no aud' };
  }
  const isSlash = named.some((name) => wanted.some((other) => withoutSlash(name) === withoutSlash(other)));
  return { ...(isSlash && { detail: 'slash' }), expected, received: `aud ${listed(named, token)}` };
}

function explainIssuer({ claims: { iss } }: ActiveRecord, { token, expected: { issuer = '' } }: Evidence): Explanation {
  const expected = `iss ${listed([issuer])}`;
  if (iss === undefined) return { detail: 'no iss', expected, received: 'no iss' };
  const isSlash = withoutSlash(iss) === withoutSlash(issuer);
  return { ...(isSlash && { detail: 'slash' }), expected, received: `iss ${listed([iss], token)}` };
}

/** Returns what is wrong with a malformed token. The result contains no part of the token. */
function explainMalformed(token: string): Explanation {
  const expected = 'a bearer token';
  if (/^bearer\b/i.test(token)) return { detail: 'the word Bearer', expected, received: 'the word Bearer twice' };
  if (/^["'].*["']$/s.test(token)) return { detail: 'quotes', expected, received: 'a token in quotation marks' };
  return /\s/.test(token) ? { detail: 'spaces', expected, received: 'a token with spaces' } : { expected };
}

const MAX_LISTED = 3;
const MAX_LENGTH = 100;

/**
 * Minimum length of a token, in characters, for values that contain it to be hidden. A shorter token may occur in a harmless value by
 * chance.
 */
const MIN_TOKEN_LENGTH = 8;

/**
 * Formats up to 3 values for display, each shortened to 100 characters. A value that contains the token is hidden, because a server may
 * repeat the token in its response.
 */
function listed(values: readonly string[], token = ''): string {
  const shown = values.slice(0, MAX_LISTED).map((value) => {
    if (token.length >= MIN_TOKEN_LENGTH && value.includes(token)) return '(a value with the token in it)';
    return `"${printable(value.slice(0, MAX_LENGTH))}${value.length > MAX_LENGTH ? '…' : ''}"`;
  });
  return values.length > MAX_LISTED ? `${shown.join(', ')} and ${values.length - MAX_LISTED} more` : shown.join(', ');
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}

function secondsOf(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
