import type { Clock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';

/** Keeps a failure for a while, so that many requests do not become many attempts. */
export interface Cooldown {
  /** Begins a pause of at least `minMs`, or as long as the server asked for. */
  begin(failure: IntrospectionError, minMs: number): void;
  /** The failure while the pause lasts, with the seconds that are left. */
  failure(): IntrospectionError | undefined;
}

export function createCooldown(clock: Clock): Cooldown {
  let kept: { readonly failure: IntrospectionError; readonly until: number } | undefined;
  return {
    begin(failure, minMs) {
      // Without a `Retry-After` the error says 1 second, which `minMs` is never shorter than.
      kept = { failure, until: clock.monotonic() + Math.max(minMs, failure.retryAfterSeconds * 1000) };
    },
    failure() {
      const leftMs = kept === undefined ? 0 : kept.until - clock.monotonic();
      if (kept === undefined || leftMs <= 0) return undefined;
      const { code, detail } = kept.failure;
      return new IntrospectionError(code, detail, Math.ceil(leftMs / 1000));
    },
  };
}
