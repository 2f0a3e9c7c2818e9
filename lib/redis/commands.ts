import { withTimeout } from '../core/timeout.js';
import type { Connection, RedisDriver, RunScript } from './driver.js';

/** Runs the scripts of a store. */
export interface Commands {
  /** Runs a script. The promise rejects when the script fails, or when its reply takes longer than 1 second. */
  run: RunScript;
  /**
   * Allows the commands to open another connection. Returns a function that withdraws this permission. When the last permission is
   * withdrawn, that connection is closed.
   */
  allowConnection(): () => void;
}

/** After this many failures in a row, commands move to another connection, if one is allowed. */
const FAILURES_TO_REPLACE = 2;

/**
 * A script fails when its reply takes longer. Only this failure shows that a connection is silent. The middleware that uses the store
 * often stops waiting sooner: see `CacheStore`.
 */
const COMMAND_TIMEOUT_MS = 1000;

/** A connection of the store is replaced at the earliest this long after it was opened. */
const MIN_CONNECTION_MS = 2000;

/**
 * Runs scripts with the app's client, until two scripts in a row fail. A client may wait for minutes on a silent connection, or on a
 * cluster node that is gone. So another connection takes over, if one is allowed. When two scripts in a row fail on that connection, a
 * new one replaces it.
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
