import type { Claims } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import type { ActiveRecord, Proven, TokenRecord } from '../core/lookup.js';
import { type AudienceDemands, requireAudience } from './audience.js';
import { type ClaimsDemands, parseClaims } from './claims.js';
import { type IssuerDemands, requireIssuer } from './issuer.js';
import { type LifetimeDemands, requireLifetime } from './lifetime.js';
import { requireScopes, type ScopeDemands } from './scope.js';
import { type BindingRules, requireBinding, requireProof } from './sender/sender-constraint.js';
import { requireAccessToken, type TokenKindDemands } from './token-kind.js';

export interface VerificationDemands
  extends TokenKindDemands,
    LifetimeDemands,
    IssuerDemands,
    AudienceDemands,
    ClaimsDemands,
    BindingRules,
    ScopeDemands {}

/** The first question of all: literally `true`, or rejected. */
export function requireActive(record: TokenRecord): asserts record is ActiveRecord {
  if (record.active === true) return;
  throw new AuthError(record.unsupported === true ? 'unsupported_token_type' : 'inactive');
}

/**
 * Judges what is known about an active token by what is demanded of it here and now; the first failure answers.
 * Runs for every request, cache hit or not: facts are cached, decisions are not.
 *
 * @returns the claims for the handler
 * @throws AuthError
 */
export function verify(
  record: ActiveRecord,
  demands: VerificationDemands,
  now: number,
  proven: Proven | undefined,
): Claims {
  requireAccessToken(record, demands);
  requireLifetime(record, demands, now);
  requireIssuer(record, demands);
  requireAudience(record, demands);
  const claims = parseClaims(record, demands);
  requireProof(demands, proven);
  requireBinding(record, proven);
  requireScopes(record, demands);
  return claims;
}
