import type { Claims } from '../core/claims.js';
import { AuthError } from '../core/errors.js';

/**
 * Requires that a new token belongs to the same user as the present token: `sub` must be equal, and also `iss` if both tokens have one. A
 * token without `sub` names no user, so it is always rejected.
 *
 * @throws AuthError `claim_mismatch`
 */
export function requireSameUser(present: Claims, next: Claims): void {
  const isSameIssuer = present.iss === undefined || next.iss === undefined || present.iss === next.iss;
  if (present.sub === undefined || present.sub !== next.sub || !isSameIssuer) throw new AuthError('claim_mismatch');
}
