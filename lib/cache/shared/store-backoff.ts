import type { Clock } from '../../core/clock.js';

/** Leaves a store that fails alone for a while, so that requests do not wait for it. */
export interface StoreBackoff {
  /** The result of `work`; `undefined` when it failed, or was not attempted because the store rests. */
  attempt<T>(work: () => Promise<T>): Promise<T | undefined>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** @param report is told when the store begins to fail, and when it works again */
export function createStoreBackoff(clock: Clock, report: (isFailing: boolean) => void): StoreBackoff {
  let pauseMs = FIRST_PAUSE_MS;
  let pausedUntil: number | undefined;
  let isTrying = false;

  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (pausedUntil !== undefined && (isTrying || clock.monotonic() < pausedUntil)) return undefined;
    const isTrial = pausedUntil !== undefined;
    isTrying = isTrial;
    try {
      const result = await work();
      if (isTrial) recover();
      return result;
    } catch {
      if (isTrial || pausedUntil === undefined) fail();
      return undefined;
    } finally {
      if (isTrial) isTrying = false;
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

  return { attempt };
}
