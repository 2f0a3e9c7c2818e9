import { IntrospectionError } from '../core/errors.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { publishFailure } from '../middleware/reject.js';

/**
 * Publishes a rejection or an outage that ends a stream, a socket or an upgrade. The error of a closed middleware is not published,
 * because closing the middleware ends everything.
 */
export function publishEnd(error: unknown, by: string, digest: string | undefined): void {
  if (!isClosing(error)) publishFailure(error, by, digest, { error });
}

/** Whether the reason of the error is that the app has closed the middleware. */
export function isClosing(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'closed';
}

const callbackFailed = createWarning('CALLBACK_FAILED');

/**
 * Calls a callback of the app, and waits for its promise. If the callback fails, its error is dropped with a process warning, because our
 * timers and events call it: there the error would end the process.
 *
 * @param name the name of the callback, for the warning
 */
export async function callSafely(name: string, callback: () => unknown): Promise<void> {
  try {
    await callback();
  } catch {
    callbackFailed(`${name} threw, or its promise was rejected; handle errors inside it.`);
  }
}
