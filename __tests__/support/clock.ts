import { readClock } from '../../lib/core/clock.js';
import { ANY_AGE, type LookupOptions } from '../../lib/core/lookup.js';
import type { Clock } from '../../lib/index.js';

export interface FakeClock extends Clock {
  /** Advances both clocks. */
  advance(seconds: number): void;
  /** Changes the wall clock, as an administrator would. Ages do not change. */
  step(seconds: number): void;
  /** Now, in seconds since the epoch. */
  seconds(): number;
}

/** A clock that changes only when the test changes it. */
export function createClock(startSeconds = 1_800_000_000): FakeClock {
  let wall = startSeconds * 1000;
  let monotonic = 1000;
  return {
    now: () => wall,
    monotonic: () => monotonic,
    advance(seconds) {
      wall += seconds * 1000;
      monotonic += seconds * 1000;
    },
    step(seconds) {
      wall += seconds * 1000;
    },
    seconds: () => wall / 1000,
  };
}

/** Options of a lookup that happens now and requires a response from `notBefore` or later. */
export function since(clock: Clock, notBefore = ANY_AGE): LookupOptions {
  return { notBefore: notBefore, now: readClock(clock), background: false, isKnown: false };
}
