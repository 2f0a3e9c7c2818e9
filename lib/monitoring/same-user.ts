import type { Claims } from '../core/claims.js';
import { AuthError } from '../core/errors.js';

/**
 * Requires that a new token belongs to the user of the present one: `sub` must be equal, and `iss` if both have one. A token without `sub`,
 * such as one of client credentials, names no user, so it never belongs to the same one.
 *
 * @throws AuthError `claim_mismatch`
 */
export function requireSameUser(present: Claims, next: Claims): void {
  const isSameIssuer = present.iss === undefined || next.iss === undefined || present.iss === next.iss;
  if (present.sub === undefined || present.sub !== next.sub || !isSameIssuer) throw new AuthError('claim_mismatch');
}
