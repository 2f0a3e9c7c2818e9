import { clearTimeout, setTimeout } from 'node:timers';
import { type Clock, type Instant, readClock } from '../core/clock.js';

/** An object that the timer calls at certain times. Its methods never throw. */
export interface Timed {
  readonly clock: Clock;
  /** Does everything that is due at `now`. Returns the milliseconds until `wake` must be called again. */
  wake(now: Instant): number;
  /** Is called instead of `wake` if the clock throws. The clock may be written by the app. */
  fail(error: unknown): void;
}

/**
 * The clocks are read at least once in this many milliseconds, because the wall clock can be set, and timers stop while a machine is
 * suspended.
 */
const CLOCK_CHECK_MS = 2000;

/**
 * After the timer has called all objects, it makes a pause. The pause is this many times as long as the calls took, but at most
 * {@link MAX_REST_MS}. So the timer takes little CPU time, even if many tokens are monitored.
 */
const REST_FACTOR = 50;
const MAX_REST_MS = 250;

/**
 * All objects that the timer calls. One timer serves the whole process, because a timer for each token would take more memory and would
 * wake the process more often.
 */
const allTimed = new Set<Timed>();
let timer: NodeJS.Timeout | undefined;
/** When the timer will fire, in milliseconds of `performance.now()`; infinity if it is not set. */
let firesAt = Number.POSITIVE_INFINITY;
let restsUntil = Number.NEGATIVE_INFINITY;

/**
 * Calls `timed.wake()` after at most `waitMs` milliseconds, or after the pause of the timer if that is longer. Then calls it again and
 * again, until {@link removeTimed} removes `timed`.
 */
export function wakeWithin(timed: Timed, waitMs: number): void {
  allTimed.add(timed);
  start(waitMs);
}

export function removeTimed(timed: Timed): void {
  allTimed.delete(timed);
  if (allTimed.size > 0) return;
  clearTimeout(timer);
  timer = undefined;
  firesAt = Number.POSITIVE_INFINITY;
}

function start(waitMs: number): void {
  const now = performance.now();
  // A clock of the app may make the wait `NaN`. Then the clocks are read again after the usual time.
  const at = Math.max(now + Math.min(Number.isNaN(waitMs) ? CLOCK_CHECK_MS : waitMs, CLOCK_CHECK_MS), restsUntil);
  if (at >= firesAt) return;
  clearTimeout(timer);
  firesAt = at;
  timer = setTimeout(run, Math.ceil(at - now)).unref();
}

function run(): void {
  const startedAt = performance.now();
  firesAt = Number.POSITIVE_INFINITY;
  let waitMs = CLOCK_CHECK_MS;
  let clock: Clock | undefined;
  let now: Instant | undefined;
  for (const timed of allTimed) {
    try {
      // Most tokens share one clock, so it is read once for all of them.
      if (now === undefined || timed.clock !== clock) now = readClock(timed.clock);
      clock = timed.clock;
    } catch (error) {
      timed.fail(error);
      continue;
    }
    waitMs = Math.min(waitMs, timed.wake(now));
  }
  const endedAt = performance.now();
  restsUntil = endedAt + Math.min((endedAt - startedAt) * REST_FACTOR, MAX_REST_MS);
  if (allTimed.size > 0) start(waitMs);
}
