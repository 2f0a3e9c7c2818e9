import { withTimeout } from '../core/timeout.js';
import type { Connection, RedisDriver, RunScript } from './driver.js';

/** Runs the scripts of a store, each in time. */
export interface Commands {
  run: RunScript;
  /** Allows a connection of our own until the function that it returns is called. */
  allowConnection(): () => void;
}

/** So many failures in a row, and the client is not relied on any longer. */
const FAILURES_TO_REPLACE = 2;

/** A new connection has this long to work. */
const PATIENCE_MS = 2000;

/**
 * Runs scripts with the app's client. A client may wait for minutes on a connection that has gone silent, or on a node of a cluster
 * that is gone. So after some failures a connection of our own takes its place, and is replaced in its turn when it fails.
 */
export function createCommands(driver: RedisDriver, timeoutMs: number): Commands {
  let own: Connection | undefined;
  let failures = 0;
  let allowed = 0;
  let replacedAt = Number.NEGATIVE_INFINITY;

  function replace(): void {
    const now = performance.now();
    if (allowed === 0 || failures < FAILURES_TO_REPLACE || now - replacedAt < PATIENCE_MS) return;
    replacedAt = now;
    own?.close();
    own = driver.connect();
  }

  return {
    async run(script, keys, words) {
      const { run } = own ?? driver;
      try {
        const reply = await withTimeout(() => run(script, keys, words), timeoutMs);
        failures = 0;
        return reply;
      } catch (error) {
        failures++;
        replace();
        throw error;
      }
    },
    allowConnection() {
      let isOver = false;
      allowed++;
      return () => {
        if (isOver) return;
        isOver = true;
        allowed--;
        if (allowed > 0) return;
        own?.close();
        own = undefined;
      };
    },
  };
}
