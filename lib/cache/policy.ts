import type { Freshness, Instant, TokenRecord } from '../types.js';

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
  return exp === undefined ? ttlMs : Math.min(exp * 1000 - record.askedAt, ttlMs);
}

/**
 * Whether a record may still be served. Its age is taken on the monotonic clock, so that setting the wall clock back
 * lengthens nothing, and on the wall clock too, since `exp` is told on that one and a suspended machine's monotonic one
 * stands still.
 * Written so that a clock that does not tell the time serves nothing.
 */
export function isServable(record: TokenRecord, lifetimes: Lifetimes, now: Instant): boolean {
  const lifetime = lifetimeOf(record, lifetimes);
  const age = now.monotonic - record.askedMonotonic;
  return age >= 0 && age < lifetime && now.at - record.askedAt < lifetime;
}

/**
 * Whether a record was asked for when `askedSince` says, or later. On the wall clock it may not be older than that either:
 * the monotonic one stands still while a machine is suspended. `Date.now()` tells whole milliseconds, hence one of grace.
 */
export function isFresh(record: TokenRecord, { askedSince, now }: Freshness): boolean {
  return record.askedMonotonic >= askedSince && now.at - record.askedAt <= now.monotonic - askedSince + 1;
}
