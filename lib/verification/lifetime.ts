import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface LifetimePolicy {
  readonly clockToleranceMs: number;
}

/**
 * Requires that `now`, in wall time, is between `nbf` and `exp`, with a tolerance at both ends (RFC 7662 section 2.2). An absent claim sets
 * no limit. `exp: 0` means 1970, not never. The comparisons are negated, so that the token is rejected if the clock returns `NaN`.
 *
 * @throws AuthError `expired`, `not_yet_valid`
 */
export function requireLifetime({ claims }: ActiveRecord, { clockToleranceMs }: LifetimePolicy, now: number): void {
  const { exp, nbf } = claims;
  if (exp !== undefined && !(now < exp * 1000 + clockToleranceMs)) throw new AuthError('expired');
  if (nbf !== undefined && !(now >= nbf * 1000 - clockToleranceMs)) throw new AuthError('not_yet_valid');
}
