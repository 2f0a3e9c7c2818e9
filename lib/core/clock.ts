/** A moment on both clocks. */
export interface Instant {
  /** Wall time, milliseconds since the epoch. */
  readonly at: number;
  /** Monotonic time in milliseconds: what ages are measured with, so that a clock step lengthens nothing. */
  readonly monotonic: number;
}

/** Wall time for `exp` and `nbf`, monotonic time for ages. Both in milliseconds. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since any moment; it is never set back. */
  monotonic(): number;
}

/**
 * Milliseconds since an instant, by whichever clock says more. The wall clock may be set back, and the monotonic clock stands still
 * while a machine is suspended: neither makes anything younger.
 */
export function ageOf(since: Instant, now: Instant): number {
  return Math.max(now.monotonic - since.monotonic, now.at - since.at);
}

export function readClock(clock: Clock): Instant {
  return { at: clock.now(), monotonic: clock.monotonic() };
}
