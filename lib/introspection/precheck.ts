import type { Clock } from '../core/clock.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import type { Lookup, LookupOptions } from '../core/lookup.js';
import type { Precheck, PrecheckContext } from '../core/precheck.js';
import { LimitedContext } from '../core/precheck-context.js';
import { requestTimeLeft } from '../core/timeout.js';

export interface PrecheckSettings {
  readonly precheck: Precheck;
  /** Time limit of a lookup, in milliseconds since its request arrived. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Share of the remaining time that a precheck may take. The rest is left for the endpoint. */
const SHARE = 1 / 2;

/**
 * Wraps a lookup at the endpoint: the precheck runs first, and the endpoint is asked only about tokens that the precheck lets through.
 *
 * The promise rejects with the `AuthError` that the precheck threw. For any other error, and for a precheck that does not settle in time,
 * it rejects with `precheck_failed`: then nobody knows whether the token is valid.
 */
export function withPrecheck(inner: Lookup, { precheck, timeoutMs, clock }: PrecheckSettings): Lookup {
  function timeFor({ now }: LookupOptions): number {
    return Math.max(1, requestTimeLeft(timeoutMs, now, clock) * SHARE);
  }

  return async (tokenKey, options) => {
    await settle((context) => precheck(tokenKey.token, context), timeFor(options));
    return inner(tokenKey, options);
  };
}

/**
 * Runs a precheck until it settles or the time is over.
 *
 * @throws the AuthError of the precheck; IntrospectionError `precheck_failed` for any other error, and when the time is over
 */
function settle(run: (context: PrecheckContext) => unknown, timeMs: number): Promise<void> {
  const context = new LimitedContext();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      context.abort();
      // A precheck that listens to the signal may settle now.
      setImmediate(() => reject(new IntrospectionError('precheck_failed', 'timeout')));
    }, timeMs);
    const fail = (error: unknown) => {
      clearTimeout(timer);
      reject(error instanceof AuthError ? error : new IntrospectionError('precheck_failed'));
    };
    const pass = () => {
      clearTimeout(timer);
      resolve();
    };
    try {
      const result = run(context);
      if (isThenable(result)) Promise.resolve(result).then(pass, fail);
      else pass();
    } catch (error) {
      fail(error);
    }
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
