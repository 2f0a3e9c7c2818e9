import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface IssuerPolicy {
  readonly issuer: string | undefined;
}

/**
 * Requires that `iss` is exactly the expected issuer (RFC 9068 section 4). A token without `iss` is rejected. If the policy has no expected
 * issuer, every token passes.
 *
 * @throws AuthError `issuer_mismatch`
 */
export function requireIssuer({ claims }: ActiveRecord, { issuer }: IssuerPolicy): void {
  if (issuer !== undefined && claims.iss !== issuer) throw new AuthError('issuer_mismatch');
}
