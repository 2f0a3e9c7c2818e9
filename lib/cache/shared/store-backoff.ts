import type { Clock } from '../../core/clock.js';

/** Sends no commands to a store for a while after it has failed, so that requests do not wait for it. */
export interface StoreBackoff {
  /** Runs a command, and resolves to its result. Resolves to `undefined` when the command failed, or was not sent because of a pause. */
  run<T>(command: () => Promise<T>): Promise<T | undefined>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * The first failure starts a pause of 0.5 seconds, in which no command is sent. After a pause, one command is sent. If this command fails,
 * the next pause is twice as long, up to 10 seconds. If it succeeds, all commands are sent again.
 *
 * @param report is called with `true` when the store begins to fail, and with `false` when it works again
 */
export function createStoreBackoff(clock: Clock, report: (isFailing: boolean) => void): StoreBackoff {
  let pauseMs = FIRST_PAUSE_MS;
  let pausedUntil: number | undefined;
  let isProbing = false;

  async function run<T>(command: () => Promise<T>): Promise<T | undefined> {
    if (pausedUntil !== undefined && (isProbing || clock.monotonic() < pausedUntil)) return undefined;
    const isProbe = pausedUntil !== undefined;
    if (isProbe) isProbing = true;
    try {
      const result = await command();
      if (isProbe) recover();
      return result;
    } catch {
      if (isProbe || pausedUntil === undefined) fail();
      return undefined;
    } finally {
      if (isProbe) isProbing = false;
    }
  }

  function fail(): void {
    if (pausedUntil === undefined) report(true);
    pausedUntil = clock.monotonic() + pauseMs;
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }

  function recover(): void {
    pausedUntil = undefined;
    pauseMs = FIRST_PAUSE_MS;
    report(false);
  }

  return { run };
}
