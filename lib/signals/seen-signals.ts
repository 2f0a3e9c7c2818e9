import { hash } from 'node:crypto';
import type { Clock } from '../core/clock.js';

/** Remembers signals that were handled, so that a repeated one has no second effect. */
export interface SeenSignals {
  /**
   * Runs `work`, unless a signal with this identifier was handled before or is being handled. A signal whose `work` failed is forgotten, so
   * that it can be sent again.
   *
   * @param id identifier of the signal
   * @param content everything that the signal says
   * @returns `repeated` if a signal with the same content was handled before. `conflict` if it had another content; `work` does not run then
   */
  once(id: string, content: string, work: () => Promise<void>): Promise<'done' | 'repeated' | 'conflict'>;
}

interface Seen {
  readonly content: string;
  readonly at: number;
  readonly done: Promise<void>;
}

/** Only signals with a valid signature are remembered, so that strangers cannot fill the memory. */
const MAX_REMEMBERED = 20_000;

/** @param keepMs how long a signal is remembered, in milliseconds: as long as it may be sent again */
export function createSeenSignals(clock: Clock, keepMs: number): SeenSignals {
  /** In the order of arrival, oldest first. */
  const seen = new Map<string, Seen>();

  function forgetOld(now: number): void {
    for (const [key, { at }] of seen) {
      if (seen.size < MAX_REMEMBERED && at + keepMs > now) return;
      seen.delete(key);
    }
  }

  return {
    async once(id, content, work) {
      const now = clock.monotonic();
      forgetOld(now);
      const [key, digest] = [hash('sha256', id, 'base64url'), hash('sha256', content, 'base64url')];
      const known = seen.get(key);
      if (known !== undefined) {
        if (known.content !== digest) return 'conflict';
        await known.done;
        return 'repeated';
      }
      const signal = { content: digest, at: now, done: work() };
      seen.set(key, signal);
      try {
        await signal.done;
        return 'done';
      } catch (error) {
        if (seen.get(key) === signal) seen.delete(key);
        throw error;
      }
    },
  };
}
