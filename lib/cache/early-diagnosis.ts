import { setTimeout } from 'node:timers';
import { IntrospectionError } from '../core/errors.js';
import type { TokenRecord } from '../core/lookup.js';

/** `up`: it only failed for this token. `unknown`: the error is no outage, or the endpoint was found to be up just now. */
export type EndpointState = 'down' | 'up' | 'unknown';

export type Diagnose = (error: unknown) => Promise<EndpointState>;

/**
 * Diagnoses the endpoint while a lookup takes long, so that a stale response can be given within the deadline.
 *
 * @returns diagnoses the error of the lookup. A timeout is answered at once: an endpoint that has not shown to be up by then is down
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
