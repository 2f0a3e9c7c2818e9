import { IntrospectionError } from '../core/errors.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { publishFailure } from '../middleware/reject.js';

/** Publishes a rejection or outage that ends a socket. Closing the middleware is not published, because it ends every socket. */
export function publishSocketFailure(error: unknown, by: string, digest: string | undefined): void {
  if (!isClosing(error)) publishFailure(error, by, digest, { error });
}

/** Whether the app itself closed the middleware. */
export function isClosing(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'closed';
}

const callbackFailed = createWarning('CALLBACK_FAILED');

/** Calls `onError` of the app. It runs in timers and events of ours, where an error of its own would end the process. */
export function callOnError(onError: ((error: unknown) => unknown) | undefined, error: unknown): void {
  const warn = () =>
    callbackFailed('"onError" of a WebSocket threw, or its promise was rejected; handle errors inside it.');
  try {
    Promise.resolve(onError?.(error)).catch(warn);
  } catch {
    warn();
  }
}
