import { ageOf, type Instant } from '../core/clock.js';
import type { LookupOptions, TokenRecord } from '../core/lookup.js';

export interface Lifetimes {
  readonly ttlMs: number;
  readonly inactiveTtlMs: number;
}

/**
 * A cache hit may start an early refresh of a response only during the last part of the ttl. This is the length of that part, as a share of
 * the ttl.
 */
const EARLY_SHARE = 1 / 4;

/**
 * A cache hit starts an early refresh when the time left is shorter than a random time. This is the mean of that random time, as a share of
 * the ttl.
 */
const EARLY_MEAN = 1 / 20;

/**
 * Returns how long a record may be used, in milliseconds since its introspection request was sent. `0` or less means that the record may
 * not be used. An active record is never used past `exp` (RFC 7662 section 4), and the clock tolerance does not extend this time.
 */
export function lifetimeOf(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes): number {
  if (!record.active) return inactiveTtlMs;
  const { exp } = record.claims;
  return exp === undefined ? ttlMs : Math.min(exp * 1000 - record.askedAt, ttlMs);
}

/** Returns the milliseconds since the introspection request of a record was sent, measured with the clock that shows the longer time. */
export function recordAge(record: TokenRecord, now: Instant): number {
  return ageOf({ at: record.askedAt, monotonic: record.askedMonotonic }, now);
}

/**
 * Returns the milliseconds until the lifetime of a record ends. The lifetime begins when the introspection request is sent. `0`, less than
 * `0` and `NaN` mean that the record must not be used. The result is `NaN` if the wall clock returns `NaN`. It is `0` if `now` is before
 * the introspection request on the monotonic clock.
 *
 * The age is measured on both clocks, and the greater age counts. The wall clock can be set back. The monotonic clock stands still while a
 * machine is suspended.
 */
export function timeLeft(record: TokenRecord, lifetimeMs: number, now: Instant): number {
  return now.monotonic >= record.askedMonotonic ? lifetimeMs - recordAge(record, now) : 0;
}

/**
 * Decides at random whether a cache hit starts an early refresh of the response. After an early refresh, no request has to wait when the
 * old response expires. The decision is random, so that processes and tokens do not all refresh at the same time. The probability grows
 * towards the end of the ttl (XFetch; Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention). The result is
 * always `false` for an inactive response, and for a response whose lifetime ends at `exp`.
 */
export function shouldRefreshEarly(record: TokenRecord, leftMs: number, { ttlMs }: Lifetimes): boolean {
  if (!record.active || leftMs > ttlMs * EARLY_SHARE) return false;
  const { exp } = record.claims;
  if (exp !== undefined && exp * 1000 - record.askedAt <= ttlMs) return false;
  return leftMs <= -Math.log(Math.random()) * ttlMs * EARLY_MEAN;
}

/**
 * Returns how long a record may be used while the endpoint is down, in milliseconds since its introspection request was sent. An active
 * record is never used past `exp`. The result for an inactive record is `0`.
 */
export function staleLifetimeOf(record: TokenRecord, staleIfErrorMs: number): number {
  return lifetimeOf(record, { ttlMs: staleIfErrorMs, inactiveTtlMs: 0 });
}

/**
 * Whether the introspection request of a record was sent at `notBefore` or later, on both clocks. The wall clock is compared too, because
 * the monotonic clock stands still while a machine is suspended. On the wall clock, a difference of 1 millisecond is allowed, because
 * `Date.now()` rounds to milliseconds.
 */
export function isFresh(record: TokenRecord, { notBefore, now }: LookupOptions): boolean {
  return record.askedMonotonic >= notBefore && now.at - record.askedAt <= now.monotonic - notBefore + 1;
}

/**
 * Whether the age of a record at the time `now` is at most its ttl. `exp` is ignored. The result is also `true` for a record that was
 * requested after `now`.
 */
export function isYoung(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes, now: Instant): boolean {
  return recordAge(record, now) <= (record.active ? ttlMs : inactiveTtlMs);
}
