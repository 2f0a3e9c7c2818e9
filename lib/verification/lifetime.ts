import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface LifetimePolicy {
  readonly clockToleranceMs: number;
}

/**
 * Requires that the wall clock is between `nbf` and `exp` (RFC 7662 section 2.2). `exp: 0` means 1970, not never.
 * The comparisons are negated, so that a clock that returns `NaN` is rejected.
 */
export function requireLifetime({ claims }: ActiveRecord, { clockToleranceMs }: LifetimePolicy, now: number): void {
  const { exp, nbf } = claims;
  if (exp !== undefined && !(now < exp * 1000 + clockToleranceMs)) throw new AuthError('expired');
  if (nbf !== undefined && !(now >= nbf * 1000 - clockToleranceMs)) throw new AuthError('not_yet_valid');
}
