import type { Clock, Freshness, TokenRecord } from '../types.js';

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

/**
 * Whether a record may still be served. Its age is taken on the monotonic clock, so that setting the wall clock back
 * lengthens nothing, and on the wall clock too, since a suspended machine's monotonic one stands still.
 * Written so that a clock that does not tell the time serves nothing.
 */
export function isServable(record: TokenRecord, lifetime: number, clock: Clock): boolean {
  const age = clock.monotonic() - record.asked.monotonic;
  const now = clock.now();
  return age >= 0 && age < lifetime && now - record.asked.at < lifetime && !isPastExpiry(record, now);
}

/**
 * Whether a record was asked for when `askedSince` says, or later. On the wall clock it may not be older than that either:
 * the monotonic one stands still while a machine is suspended. `Date.now()` tells whole milliseconds, hence one of grace.
 */
export function isFresh(record: TokenRecord, { askedSince }: Freshness, clock: Clock): boolean {
  if (askedSince === Number.NEGATIVE_INFINITY) return true;
  return record.asked.monotonic >= askedSince && clock.now() - record.asked.at <= clock.monotonic() - askedSince + 1;
}

/** `exp` on its own: the wall clock may have been set since the lifetime was computed. */
function isPastExpiry(record: TokenRecord, now: number): boolean {
  return record.active && record.claims.exp !== undefined && now >= record.claims.exp * 1000;
}
