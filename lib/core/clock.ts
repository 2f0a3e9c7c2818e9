/** One moment, read from the wall clock and from the monotonic clock. */
export interface Instant {
  /** Wall time, in milliseconds since the epoch. */
  readonly at: number;
  /** Monotonic time in milliseconds. Ages are measured with it, so setting the wall clock back extends no lifetime. */
  readonly monotonic: number;
}

/** The two clocks that the library uses: wall time for `exp` and `nbf`, and monotonic time for ages. */
export interface Clock {
  /** Wall time, in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since an arbitrary moment. The value never decreases. */
  monotonic(): number;
}

/**
 * Returns the milliseconds from `since` to `now`, measured with the clock that shows the longer time. One clock alone could show an
 * age that is too small: the wall clock may be set back, and the monotonic clock stands still while a machine is suspended.
 */
export function ageOf(since: Instant, now: Instant): number {
  return Math.max(now.monotonic - since.monotonic, now.at - since.at);
}

export function readClock(clock: Clock): Instant {
  return { at: clock.now(), monotonic: clock.monotonic() };
}

/** The clocks of this process: `Date.now()` and `performance.now()`. */
export const SYSTEM_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
