import { AuthError } from '../core/errors.js';
import type { ActiveRecord } from '../core/lookup.js';

export interface LifetimePolicy {
  readonly clockToleranceMs: number;
}

/**
 * `exp` and `nbf` against the wall clock (RFC 7662 section 2.2). `exp: 0` is 1970, not never.
 * Written so that a clock that does not tell the time fails both.
 */
export function requireLifetime({ claims }: ActiveRecord, { clockToleranceMs }: LifetimePolicy, now: number): void {
  const { exp, nbf } = claims;
  if (exp !== undefined && !(now < exp * 1000 + clockToleranceMs)) throw new AuthError('expired');
  if (nbf !== undefined && !(now >= nbf * 1000 - clockToleranceMs)) throw new AuthError('not_yet_valid');
}
