import { type SignalEvent, signalEvents } from '../diagnostics/channels.js';
import type { SignalResponse } from './handle-post.js';
import { SignalError } from './signal-error.js';

export function publishSignal(event: SignalEvent): void {
  if (signalEvents.hasSubscribers) signalEvents.publish(event);
}

/**
 * Publishes why a signal was rejected or could not be handled. Any error that is not a `SignalError` comes from the app, and is not
 * published.
 */
export function publishFailure(by: SignalEvent['by'], error: unknown): void {
  if (!(error instanceof SignalError)) return;
  publishSignal({ by, outcome: error.isOutage ? 'failed' : 'rejected', reason: error.reason });
}

/**
 * Returns the response to a signal. If `work` succeeds, this is the result of `work`. If `work` throws an outage, it is 503 with
 * `Retry-After`. If `work` throws a rejection, it is the result of `reject`.
 *
 * @throws any other error that `work` throws: it comes from the app
 */
export async function respondTo(
  by: SignalEvent['by'],
  work: () => Promise<SignalResponse>,
  reject: (error: SignalError) => SignalResponse,
): Promise<SignalResponse> {
  try {
    return await work();
  } catch (error) {
    publishFailure(by, error);
    if (!(error instanceof SignalError)) throw error;
    return error.isOutage ? unavailable(error.retryAfterSeconds) : reject(error);
  }
}

function unavailable(retryAfterSeconds: number): SignalResponse {
  const headers = { 'Retry-After': String(retryAfterSeconds) };
  return { status: 503, headers, body: { error: 'temporarily_unavailable' } };
}
