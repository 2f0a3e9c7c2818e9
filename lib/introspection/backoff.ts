import type { Clock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';

/** Remembers a failure during a pause. Callers make no new attempt until the pause ends. */
export interface Backoff {
  /** Starts a pause of `minMs` milliseconds. The pause is longer if the `retryAfterSeconds` of the failure are longer. */
  start(failure: IntrospectionError, minMs: number): void;
  /** During the pause, a copy of the failure: its `retryAfterSeconds` are the seconds left. `undefined` after the pause. */
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
