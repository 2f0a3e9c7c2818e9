import type { Clock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';

/**
 * Remembers a failure for the time of a pause. Callers must ask {@link Backoff.failure} first, and make no new attempt until the pause
 * ends.
 */
export interface Backoff {
  /** Starts a pause. The pause takes `minMs` milliseconds or the `retryAfterSeconds` of the failure, whichever is longer. */
  start(failure: IntrospectionError, minMs: number): void;
  /**
   * Returns a copy of the failure during the pause, and `undefined` after the pause. `retryAfterSeconds` of the copy are the seconds until
   * the pause ends.
   */
  failure(): IntrospectionError | undefined;
}

export function createBackoff(clock: Clock): Backoff {
  let pause: { readonly failure: IntrospectionError; readonly until: number } | undefined;
  return {
    start(failure, minMs) {
      // Without a `Retry-After`, `retryAfterSeconds` is 1, and no caller passes a `minMs` below 1000.
      pause = { failure, until: clock.monotonic() + Math.max(minMs, failure.retryAfterSeconds * 1000) };
    },
    failure() {
      const leftMs = pause === undefined ? 0 : pause.until - clock.monotonic();
      if (pause === undefined || leftMs <= 0) return undefined;
      const { code, detail } = pause.failure;
      return new IntrospectionError(code, detail, Math.ceil(leftMs / 1000));
    },
  };
}
