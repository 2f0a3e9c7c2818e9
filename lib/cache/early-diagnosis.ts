import { setTimeout } from 'node:timers';
import { IntrospectionError } from '../core/errors.js';
import type { TokenRecord } from '../core/lookup.js';

/**
 * State of the endpoint after a lookup has failed. `down`: the endpoint does not work. `up`: the endpoint works, and failed only for this
 * token. `unknown`: the error is no outage, or a test has found the endpoint up less than a second ago.
 */
export type EndpointState = 'down' | 'up' | 'unknown';

export type Diagnose = (error: unknown) => Promise<EndpointState>;

export interface EarlyDiagnosisSettings {
  /** How long the lookup may take before the diagnosis starts, in milliseconds. */
  readonly afterMs: number;
  /** Returns the milliseconds until the time limit of the request, at least 1. */
  readonly timeLeftMs: () => number;
  readonly diagnose: Diagnose;
}

/**
 * Starts a diagnosis of the endpoint when a lookup takes longer than `afterMs` milliseconds: it finds out whether the endpoint is down. So
 * the result is usually known before the deadline of the lookup, and a stale response can be used in time.
 *
 * @returns a function that diagnoses the error of the lookup. If the error is a timeout and the early diagnosis has started, this
 * function does not wait: it resolves to the result of the early diagnosis, or to `down` while the early diagnosis is still running. In all
 * other cases this function calls `diagnose`, and waits for it until the time limit of the request. Then it resolves to the state that
 * the early diagnosis tells, or to `unknown` if that has not started
 */
export function diagnoseEarly(
  lookup: Promise<TokenRecord>,
  { afterMs, timeLeftMs, diagnose }: EarlyDiagnosisSettings,
): Diagnose {
  let early: EndpointState | undefined;
  const timer = setTimeout(() => {
    early = 'down';
    diagnose(new IntrospectionError('timeout')).then((state) => {
      early = state;
    });
  }, afterMs);
  const stop = () => clearTimeout(timer);
  lookup.then(stop, stop);
  return async (error) => {
    const isTimeout = error instanceof IntrospectionError && error.code === 'timeout';
    if (isTimeout && early !== undefined) return early;
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => resolve(early ?? 'unknown'), timeLeftMs());
      diagnose(error)
        .then(resolve, reject)
        .finally(() => clearTimeout(limit));
    });
  };
}
