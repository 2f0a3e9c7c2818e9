import type { Claims } from '../core/claims.js';
import { AuthError } from '../core/errors.js';
import type { ActiveRecord, SenderProof, TokenRecord } from '../core/lookup.js';
import { type AudiencePolicy, requireAudience } from './audience.js';
import { type ClaimsPolicy, parseClaims } from './claims.js';
import { type IssuerPolicy, requireIssuer } from './issuer.js';
import { type LifetimePolicy, requireLifetime } from './lifetime.js';
import { requireScopes, type ScopePolicy } from './scope.js';
import { requireProof, requireSenderConstraint, type SenderConstraintPolicy } from './sender/sender-constraint.js';
import { requireAccessToken, type TokenKindPolicy } from './token-kind.js';

export interface VerificationPolicy
  extends TokenKindPolicy,
    LifetimePolicy,
    IssuerPolicy,
    AudiencePolicy,
    ClaimsPolicy,
    SenderConstraintPolicy,
    ScopePolicy {}

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
  demands: VerificationPolicy,
  now: number,
  proven: SenderProof | undefined,
): Claims {
  requireAccessToken(record, demands);
  requireLifetime(record, demands, now);
  requireIssuer(record, demands);
  requireAudience(record, demands);
  const claims = parseClaims(record, demands);
  requireProof(demands, proven);
  requireSenderConstraint(record, proven);
  requireScopes(record, demands);
  return claims;
}
