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

/**
 * Requires that `active` is exactly `true`. {@link verify} does not check this, so call this function before it.
 *
 * @throws AuthError `inactive`, `unsupported_token_type`
 */
export function requireActive(record: TokenRecord): asserts record is ActiveRecord {
  if (record.active === true) return;
  throw new AuthError(record.unsupported === true ? 'unsupported_token_type' : 'inactive');
}

/**
 * Verifies an active token against the policy and returns the claims for the handler. The first failure is thrown. The function runs for
 * every request, even on a cache hit, because records are cached and decisions are not. Checks for which the policy has no option are
 * skipped.
 *
 * @throws AuthError
 * @throws IntrospectionError `claims_schema_failed`
 */
export function verify(
  record: ActiveRecord,
  policy: VerificationPolicy,
  now: number,
  sender: SenderProof | undefined,
): Claims {
  if (!record.isPlain) requireAccessToken(record, policy);
  requireLifetime(record, policy, now);
  if (policy.issuer !== undefined) requireIssuer(record, policy);
  if (policy.audience !== false) requireAudience(record, policy);
  const claims = policy.claims === undefined ? record.claims : parseClaims(record, policy);
  if (policy.dpop !== undefined) requireProof(policy, sender);
  if (!record.isPlain || sender !== undefined) requireSenderConstraint(record, sender);
  if (policy.scopes.length > 0) requireScopes(record, policy);
  return claims;
}
