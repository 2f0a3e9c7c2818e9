import { ageOf, type Instant } from '../core/clock.js';
import type { LookupOptions, TokenRecord } from '../core/lookup.js';

export interface Lifetimes {
  readonly ttlMs: number;
  readonly inactiveTtlMs: number;
}

/** A response may be refreshed early in this last share of its life. */
const EARLY_SHARE = 1 / 4;

/** Mean time before the end at which a hit refreshes a response, as a share of its life. */
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
 * Milliseconds until a lifetime ends that began when the introspection request was sent. `0` or less means that the record has expired,
 * and so does `NaN`, the result when a clock returns `NaN`. The age counts on both clocks: setting the wall clock back
 * extends nothing, `exp` is wall time, and the monotonic clock stands still while a machine is suspended.
 */
export function timeLeft(record: TokenRecord, lifetimeMs: number, now: Instant): number {
  return now.monotonic >= record.askedMonotonic ? lifetimeMs - recordAge(record, now) : 0;
}

/**
 * Whether this cache hit should refresh the response before it expires, so that no request has to wait then. It is decided at random,
 * so that processes and tokens do not refresh in step. It grows likelier towards the end and with every hit
 * (XFetch; Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention). A response that ends at `exp` is
 * never refreshed.
 */
export function shouldRefreshEarly(record: TokenRecord, leftMs: number, { ttlMs }: Lifetimes): boolean {
  if (!record.active || leftMs > ttlMs * EARLY_SHARE) return false;
  const { exp } = record.claims;
  if (exp !== undefined && exp * 1000 - record.askedAt <= ttlMs) return false;
  return leftMs <= -Math.log(Math.random()) * ttlMs * EARLY_MEAN;
}

/**
 * How long a response may be used while the endpoint is down, in milliseconds since its introspection request was sent. It never outlives
 * `exp`, and an inactive response is never used.
 */
export function staleLifetimeOf(record: TokenRecord, staleIfErrorMs: number): number {
  return lifetimeOf(record, { ttlMs: staleIfErrorMs, inactiveTtlMs: 0 });
}

/**
 * Whether the introspection request of a record was sent at `notBefore` or later. The record may not be older on the wall clock either,
 * because the monotonic clock stands still while a machine is suspended. `Date.now()` rounds to milliseconds, so one is tolerated.
 */
export function isFresh(record: TokenRecord, { notBefore, now }: LookupOptions): boolean {
  return record.askedMonotonic >= notBefore && now.at - record.askedAt <= now.monotonic - notBefore + 1;
}

/** Whether a response is no older than its ttl, whatever its `exp`. Its introspection request may have been sent later than `now`. */
export function isYoung(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes, now: Instant): boolean {
  return recordAge(record, now) <= (record.active ? ttlMs : inactiveTtlMs);
}
