import { AuthError, IntrospectionError } from '../core/errors.js';
import { publishRejected } from '../diagnostics/decisions.js';
import { createWarning } from '../diagnostics/misconfiguration.js';

/** Publishes what a socket was refused for, where that is a decision: not what the app itself threw, and not the end of all. */
export function publishFailure(error: unknown, by: string, key: string | undefined): void {
  if (error instanceof AuthError) {
    publishRejected('rejected', by, key, { status: error.status, reason: error.reason }, { error });
  } else if (error instanceof IntrospectionError && !isClosing(error)) {
    publishRejected('outage', by, key, { status: error.status, reason: error.code }, { error });
  }
}

/** Whether it is but the app's own farewell. */
export function isClosing(error: unknown): boolean {
  return error instanceof IntrospectionError && error.code === 'closed';
}

const callbackFailed = createWarning('CALLBACK_FAILED');

/** Calls `onError` of the app. It runs in timers and events of ours, where what it throws would end the process. */
export function tellApp(onError: ((error: unknown) => unknown) | undefined, error: unknown): void {
  const warn = () =>
    callbackFailed('"onError" of a WebSocket threw, or its promise was rejected; handle errors inside it.');
  try {
    Promise.resolve(onError?.(error)).catch(warn);
  } catch {
    warn();
  }
}
