import { setTimeout } from 'node:timers';
import { IntrospectionError } from '../core/errors.js';
import type { TokenRecord } from '../core/lookup.js';

/**
 * State of the endpoint after the error of a lookup. `up`: the endpoint works, and failed only for this token. `unknown`: the error is no
 * outage, or the endpoint was tested and found up less than a second ago.
 */
export type EndpointState = 'down' | 'up' | 'unknown';

export type Diagnose = (error: unknown) => Promise<EndpointState>;

/**
 * Starts to diagnose the endpoint when a lookup takes longer than `afterMs`, so that a stale response can be sent before the deadline.
 *
 * @returns a function that diagnoses the error of the lookup. After a timeout, it does not wait for the early diagnosis: it resolves to
 * `down` while that diagnosis runs, and to its result afterwards
 */
export function diagnoseEarly(lookup: Promise<TokenRecord>, afterMs: number, diagnose: Diagnose): Diagnose {
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
    return isTimeout && early !== undefined ? early : diagnose(error);
  };
}
