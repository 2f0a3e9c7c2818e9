import { ageOf, type Instant } from '../core/clock.js';
import type { LookupOptions, TokenRecord } from '../core/lookup.js';

export interface Lifetimes {
  readonly ttlMs: number;
  readonly inactiveTtlMs: number;
}

/** A cache hit may refresh a response only in this last share of the ttl. */
const EARLY_SHARE = 1 / 4;

/** A hit refreshes a response when less than a random time is left. This is the mean of that random time, as a share of the ttl. */
const EARLY_MEAN = 1 / 20;

/**
 * How long a record may be used, in milliseconds since its introspection request was sent. `0` or less means not at all.
 * An active response never outlives `exp` (RFC 7662 section 4), and the clock tolerance does not extend it.
 */
export function lifetimeOf(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes): number {
  if (!record.active) return inactiveTtlMs;
  const { exp } = record.claims;
  return exp === undefined ? ttlMs : Math.min(exp * 1000 - record.askedAt, ttlMs);
}

/** Milliseconds since the introspection request of a record was sent, by whichever clock says more. */
export function recordAge(record: TokenRecord, now: Instant): number {
  return ageOf({ at: record.askedAt, monotonic: record.askedMonotonic }, now);
}

/**
 * Milliseconds until the lifetime of a record ends. The lifetime begins when the introspection request is sent. `0` or less means that the
 * record has expired. `NaN` means that too: it is the result if the wall clock returns `NaN`. If `now` is before the introspection
 * request on the monotonic clock, the result is `0`.
 *
 * The age is measured on both clocks, and the greater age counts. The wall clock can be set back. The monotonic clock stands still while a
 * machine is suspended.
 */
export function timeLeft(record: TokenRecord, lifetimeMs: number, now: Instant): number {
  return now.monotonic >= record.askedMonotonic ? lifetimeMs - recordAge(record, now) : 0;
}

/**
 * Decides at random whether this cache hit refreshes the response before it expires. After a refresh, no request has to wait when the old
 * response expires. Chance keeps processes and tokens from refreshing at the same time. The probability grows towards the end of the ttl
 * (XFetch; Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention). Always `false` for an inactive response,
 * and for a response whose life ends at `exp`.
 */
export function shouldRefreshEarly(record: TokenRecord, leftMs: number, { ttlMs }: Lifetimes): boolean {
  if (!record.active || leftMs > ttlMs * EARLY_SHARE) return false;
  const { exp } = record.claims;
  if (exp !== undefined && exp * 1000 - record.askedAt <= ttlMs) return false;
  return leftMs <= -Math.log(Math.random()) * ttlMs * EARLY_MEAN;
}

/**
 * How long a response may be used while the endpoint is down, in milliseconds since its introspection request was sent. An active response
 * never outlives `exp`. The result for an inactive response is `0`.
 */
export function staleLifetimeOf(record: TokenRecord, staleIfErrorMs: number): number {
  return lifetimeOf(record, { ttlMs: staleIfErrorMs, inactiveTtlMs: 0 });
}

/**
 * Whether the introspection request of a record was sent at `notBefore` or later, on both clocks. The wall clock counts too, because the
 * monotonic clock stands still while a machine is suspended. On the wall clock, the request may be 1 millisecond too early, because
 * `Date.now()` rounds to milliseconds.
 */
export function isFresh(record: TokenRecord, { notBefore, now }: LookupOptions): boolean {
  return record.askedMonotonic >= notBefore && now.at - record.askedAt <= now.monotonic - notBefore + 1;
}

/** Whether the age of a response is at most its ttl. `exp` is ignored. A response that was requested later than `now` is young too. */
export function isYoung(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes, now: Instant): boolean {
  return recordAge(record, now) <= (record.active ? ttlMs : inactiveTtlMs);
}
