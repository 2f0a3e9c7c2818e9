import { hash } from 'node:crypto';
import type { Clock } from '../core/clock.js';

/** Remembers the signals that were handled, so that a signal that is sent twice has no second effect. */
export interface SeenSignals {
  /**
   * Runs `work`, unless a signal with this identifier was handled before or is being handled. A signal whose `work` failed is forgotten, so
   * that it can be sent again.
   *
   * @param id identifier of the signal
   * @param content everything that the signal says
   * @returns `done` if this call ran `work`. Otherwise another call has handled a signal with this identifier: `repeated` if that signal
   * had the same content, `conflict` if it had another content
   */
  once(id: string, content: string, work: () => Promise<void>): Promise<'done' | 'repeated' | 'conflict'>;
}

interface Seen {
  readonly content: string;
  readonly at: number;
  readonly done: Promise<void>;
}

/**
 * Maximum number of remembered signals. When it is reached, the oldest is forgotten. Callers pass only signals with a valid signature, so
 * strangers cannot fill the memory.
 */
const MAX_REMEMBERED = 20_000;

/** @param keepMs how long a signal is remembered, in milliseconds. After this time, the signal must be too old to be accepted */
export function createSeenSignals(clock: Clock, keepMs: number): SeenSignals {
  /** The remembered signals by the digest of their identifier, the oldest first. */
  const seen = new Map<string, Seen>();

  function forgetExpired(now: number): void {
    for (const [key, { at }] of seen) {
      if (at + keepMs > now) return;
      seen.delete(key);
    }
  }

  function remember(key: string, signal: Seen): void {
    const [oldest] = seen.keys();
    if (seen.size >= MAX_REMEMBERED && oldest !== undefined) seen.delete(oldest);
    seen.set(key, signal);
  }

  return {
    async once(id, content, work) {
      const now = clock.monotonic();
      forgetExpired(now);
      const [key, digest] = [hash('sha256', id, 'base64url'), hash('sha256', content, 'base64url')];
      const known = seen.get(key);
      if (known !== undefined) {
        if (known.content !== digest) return 'conflict';
        await known.done;
        return 'repeated';
      }
      const signal = { content: digest, at: now, done: work() };
      remember(key, signal);
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
