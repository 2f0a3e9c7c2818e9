import { IntrospectionError } from '../core/errors.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { publishFailure } from '../middleware/reject.js';
import { responseFor } from '../middleware/respond.js';

/**
 * Publishes the decision when a rejection or an outage ends a stream, a socket or an upgrade. Nothing is published when the reason is that
 * the app has closed the middleware, because that ends every stream and socket.
 */
export function publishEnd(error: unknown, by: string, digest: string | undefined): void {
  if (!isClosing(error)) publishFailure(error, by, digest, { error });
}

/** Whether the error says that the app has closed the middleware. */
export function isClosing(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'closed';
}

const callbackFailed = createWarning('CALLBACK_FAILED');

/**
 * Calls a callback of the app, and waits for its promise. If the callback throws or its promise rejects, the error is dropped with a
 * process warning. Otherwise the error would end the process, because timers and events of this library call the callback.
 *
 * @param name the name of the callback, for the warning
 */
export async function callSafely(name: string, callback: () => unknown): Promise<void> {
  try {
    await callback();
  } catch {
    warnOfFailure(name);
  }
}

/** Warns the operator that a function of the app failed. The error is not shown, because it may contain anything. */
export function warnOfFailure(name: string): void {
  callbackFailed(`${name} threw, or its promise was rejected; handle errors inside it.`);
}

/**
 * Returns the code that tells a client why its token has ended: `going_away` if the app has closed the middleware. Otherwise the `error`
 * that the response to a request would have, or `invalid_token` if that response would have none.
 */
export function endCodeOf(error: unknown): string {
  return isClosing(error) ? 'going_away' : (responseFor(error).body.error ?? 'invalid_token');
}
