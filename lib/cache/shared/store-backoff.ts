import type { Clock } from '../../core/clock.js';

/** Leaves a store that fails alone for a while, so that requests do not wait for it. */
export interface Rest {
  /** The result of `work`; `undefined` when it failed, or was not attempted because the store rests. */
  attempt<T>(work: () => Promise<T>): Promise<T | undefined>;
}

const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 10_000;

/** @param report is told when the store begins to fail, and when it works again */
export function createRest(clock: Clock, report: (isFailing: boolean) => void): Rest {
  let restMs = FIRST_REST_MS;
  let restsUntil: number | undefined;
  let isTrying = false;

  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (restsUntil !== undefined && (isTrying || clock.monotonic() < restsUntil)) return undefined;
    const isTrial = restsUntil !== undefined;
    isTrying = isTrial;
    try {
      const result = await work();
      if (isTrial) recover();
      return result;
    } catch {
      if (isTrial || restsUntil === undefined) fail();
      return undefined;
    } finally {
      if (isTrial) isTrying = false;
    }
  }

  function fail(): void {
    if (restsUntil === undefined) report(true);
    restsUntil = clock.monotonic() + restMs;
    restMs = Math.min(restMs * 2, LONGEST_REST_MS);
  }

  function recover(): void {
    restsUntil = undefined;
    restMs = FIRST_REST_MS;
    report(false);
  }

  return { attempt };
}
