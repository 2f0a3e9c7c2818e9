import type { Clock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';

/** Keeps a failure for a while, so that many requests cause one attempt only. */
export interface Backoff {
  /** Starts a pause: `minMs` milliseconds, or longer if the server asked for it. */
  start(failure: IntrospectionError, minMs: number): void;
  /** The failure while the pause lasts, with the seconds that are left. */
  failure(): IntrospectionError | undefined;
}

export function createBackoff(clock: Clock): Backoff {
  let pause: { readonly failure: IntrospectionError; readonly until: number } | undefined;
  return {
    start(failure, minMs) {
      // Without a `Retry-After` the error says 1 second, and `minMs` is never shorter.
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
