import { IntrospectionError } from '../core/errors.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { publishFailure } from '../middleware/reject.js';

/**
 * Publishes the decision when a rejection or an outage ends a socket or an upgrade. Nothing is published when the reason is that the app
 * has closed the middleware, because that ends every socket.
 */
export function publishSocketFailure(error: unknown, by: string, digest: string | undefined): void {
  if (!isClosing(error)) publishFailure(error, by, digest, { error });
}

/** Whether the error says that the app has closed the middleware. */
export function isClosing(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'closed';
}

const callbackFailed = createWarning('CALLBACK_FAILED');

/**
 * Calls the `onError` of the app. If `onError` throws or its promise rejects, its error is dropped with a process warning. Otherwise the
 * error would end the process, because timers and events of this library call `onError`.
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
