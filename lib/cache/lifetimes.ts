import { ageOf, type Instant } from '../core/clock.js';
import type { LookupOptions, TokenRecord } from '../core/lookup.js';

export interface Lifetimes {
  readonly ttlMs: number;
  readonly inactiveTtlMs: number;
}

/** The share of an answer's life, at its end, in which it may be renewed early. */
const EARLY_SHARE = 1 / 4;

/** The mean of how much earlier than at its end one hit renews an answer, as a share of its life. */
const EARLY_MEAN = 1 / 20;

/**
 * How long a record may be served, in milliseconds from the moment it was asked for; `0` or less means not at all.
 * An active answer never outlives `exp` (RFC 7662 section 4), and clock tolerance does not stretch it.
 */
export function lifetimeOf(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes): number {
  if (!record.active) return inactiveTtlMs;
  const { exp } = record.claims;
  return exp === undefined ? ttlMs : Math.min(exp * 1000 - record.askedAt, ttlMs);
}

/** Age of a response in milliseconds on both clocks, counted from just before its introspection request was sent. */
export function recordAge(record: TokenRecord, now: Instant): number {
  return ageOf({ at: record.askedAt, monotonic: record.askedMonotonic }, now);
}

/**
 * What is left of a life that began when the record was asked for, in milliseconds; `0` or less, or no number where a clock does
 * not tell the time: nothing. The age is taken on the monotonic clock, so that setting the wall clock back lengthens
 * nothing, and on the wall clock too, since `exp` is told on that one and a suspended machine's monotonic one stands still.
 */
export function timeLeft(record: TokenRecord, lifetimeMs: number, now: Instant): number {
  return now.monotonic >= record.askedMonotonic ? lifetimeMs - recordAge(record, now) : 0;
}

/**
 * Whether this hit should have an answer renewed before its end, so that nobody has to wait for it then. By chance, the
 * likelier the nearer the end and the oftener it is hit, so that instances and tokens do not march in step
 * (XFetch; Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention). Not where `exp` ends it.
 */
export function shouldRefreshEarly(record: TokenRecord, leftMs: number, { ttlMs }: Lifetimes): boolean {
  if (!record.active || leftMs > ttlMs * EARLY_SHARE) return false;
  const { exp } = record.claims;
  if (exp !== undefined && exp * 1000 - record.askedAt <= ttlMs) return false;
  return leftMs <= -Math.log(Math.random()) * ttlMs * EARLY_MEAN;
}

/** How long an answer may stand in when the endpoint fails, from when it was asked for; never past `exp`, and never inactive. */
export function staleLifetimeOf(record: TokenRecord, staleIfErrorMs: number): number {
  return lifetimeOf(record, { ttlMs: staleIfErrorMs, inactiveTtlMs: 0 });
}

/**
 * Whether a record was asked for when `notBefore` says, or later. On the wall clock it may not be older than that either:
 * the monotonic one stands still while a machine is suspended. `Date.now()` tells whole milliseconds, hence one of grace.
 */
export function isFresh(record: TokenRecord, { notBefore, now }: LookupOptions): boolean {
  return record.askedMonotonic >= notBefore && now.at - record.askedAt <= now.monotonic - notBefore + 1;
}

/** Whether a response was no older than its kind may become, whatever its `exp`. It may have been asked for later than `now`. */
export function isYoung(record: TokenRecord, { ttlMs, inactiveTtlMs }: Lifetimes, now: Instant): boolean {
  return recordAge(record, now) <= (record.active ? ttlMs : inactiveTtlMs);
}
