import { withTimeout } from '../core/timeout.js';
import type { Connection, RedisDriver, RunScript } from './driver.js';

/** Runs the Redis scripts of a store. */
export interface Commands {
  /** Runs a script in Redis. The promise rejects when the script fails, or when its reply takes longer than 1 second. */
  run: RunScript;
  /**
   * Allows this object to open another connection, besides the app's client. Returns a function that withdraws the permission. When all
   * permissions are withdrawn, the other connection is closed.
   */
  allowConnection(): () => void;
}

/** After this many failures in a row, scripts run on a new connection, if {@link Commands.allowConnection} allows one. */
const FAILURES_TO_REPLACE = 2;

/**
 * A script fails when its reply takes longer than this, in milliseconds. Without this limit, a silent connection would cause no failure.
 * The middleware that uses the store often stops waiting sooner: see `CacheStore`.
 */
const COMMAND_TIMEOUT_MS = 1000;

/** A connection that the store has opened is not replaced sooner than this many milliseconds after it was opened. */
const MIN_CONNECTION_MS = 2000;

/**
 * Runs scripts with the app's client, until two scripts in a row fail. Such a client may wait for minutes on a silent connection, or on a
 * cluster node that is gone. So later scripts run on another connection, if {@link Commands.allowConnection} allows one. When two scripts
 * in a row fail on this connection, a new connection replaces it.
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
