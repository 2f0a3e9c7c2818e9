import { IntrospectionError } from '../core/errors.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { publishFailure } from '../middleware/reject.js';

/**
 * Publishes a rejection or an outage that ends a socket or an upgrade. The error of a closed middleware is not published, because
 * closing the middleware ends every socket.
 */
export function publishSocketFailure(error: unknown, by: string, digest: string | undefined): void {
  if (!isClosing(error)) publishFailure(error, by, digest, { error });
}

/** Whether the reason of the error is that the app has closed the middleware. */
export function isClosing(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'closed';
}

const callbackFailed = createWarning('CALLBACK_FAILED');

/**
 * Calls `onError` of the app. If `onError` fails, its error is dropped with a process warning, because our timers and events call it:
 * there the error would end the process.
 */
export function callOnError(onError: ((error: unknown) => unknown) | undefined, error: unknown): void {
  const warn = () =>
    callbackFailed('"onError" of a WebSocket threw, or its promise was rejected; handle errors inside it.');
  try {
    Promise.resolve(onError?.(error)).catch(warn);
  } catch {
    warn();
  }
}
