import type { TokenRecord } from '../types.js';

export interface Lifetimes {
  readonly ttlMs: number;
  readonly inactiveTtlMs: number;
}

/**
 * How long a record may be served, in milliseconds from the moment it was asked for; `0` or less means not at all.
 * An active answer never outlives `exp` (RFC 7662 section 4), and clock tolerance does not stretch it.
 */
export function lifetimeOf(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes): number {
  if (!record.active) return inactiveTtlMs;
  const { exp } = record.claims;
  return exp === undefined ? ttlMs : Math.min(exp * 1000 - record.asked.at, ttlMs);
}

/** Whether `exp` has passed on the wall clock, which may have been set since the record was stored. */
export function isPastExpiry(record: TokenRecord, now: number): boolean {
  return record.active && record.claims.exp !== undefined && now >= record.claims.exp * 1000;
}
