import { withTimeout } from '../core/timeout.js';
import type { Connection, RedisDriver, RunScript } from './driver.js';

/** Runs the scripts of a store. */
export interface Commands {
  /** Rejects when a script takes longer than 1 second. */
  run: RunScript;
  /** Allows another connection for commands. Returns a function that withdraws it. */
  allowConnection(): () => void;
}

/** After this many failures in a row, commands move to another connection. */
const FAILURES_TO_REPLACE = 2;

/**
 * A script that takes longer has failed. It shows that a connection is silent. The middleware that uses the store often gives up sooner:
 * see `CacheStore`.
 */
const COMMAND_TIMEOUT_MS = 1000;

/** A new connection is not replaced sooner than this. */
const MIN_CONNECTION_MS = 2000;

/**
 * Runs scripts with the app's client, until it fails twice in a row. A client may wait for minutes on a silent connection, or on a
 * cluster node that is gone. Then another connection takes over, which is replaced as well when it fails.
 */
export function createCommands(driver: RedisDriver): Commands {
  let connection: Connection | undefined;
  let failures = 0;
  let allowances = 0;
  let replacedAt = Number.NEGATIVE_INFINITY;

  function replaceConnection(): void {
    const now = performance.now();
    if (allowances === 0 || failures < FAILURES_TO_REPLACE || now - replacedAt < MIN_CONNECTION_MS) return;
    replacedAt = now;
    connection?.close();
    connection = driver.connect();
  }

  return {
    async run(script, keys, args) {
      const { run } = connection ?? driver;
      try {
        const reply = await withTimeout(() => run(script, keys, args), COMMAND_TIMEOUT_MS);
        failures = 0;
        return reply;
      } catch (error) {
        failures++;
        replaceConnection();
        throw error;
      }
    },
    allowConnection() {
      let isWithdrawn = false;
      allowances++;
      return () => {
        if (isWithdrawn) return;
        isWithdrawn = true;
        allowances--;
        if (allowances > 0) return;
        connection?.close();
        connection = undefined;
      };
    },
  };
}
