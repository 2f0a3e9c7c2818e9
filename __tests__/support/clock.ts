import { readClock } from '../../lib/core/clock.js';
import { ANY_AGE, type LookupOptions } from '../../lib/core/lookup.js';
import type { Clock } from '../../lib/index.js';

export interface FakeClock extends Clock {
  /** Lets time go by on both clocks. */
  advance(seconds: number): void;
  /** Sets the wall clock forward or back, as an administrator would; ages do not change. */
  step(seconds: number): void;
  /** Now, in seconds since the epoch. */
  seconds(): number;
}

/** A clock that stands still until told otherwise. */
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

/** An answer asked for at `notBefore` or later, demanded now. */
export function since(clock: Clock, notBefore = ANY_AGE): LookupOptions {
  return { notBefore: notBefore, now: readClock(clock), background: false, isKnown: false };
}
