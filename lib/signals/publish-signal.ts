import { type SignalEvent, signalEvents } from '../diagnostics/channels.js';
import type { SignalResponse } from './handle-post.js';
import { SignalError } from './signal-error.js';

export function publishSignal(event: SignalEvent): void {
  if (signalEvents.hasSubscribers) signalEvents.publish(event);
}

/** Publishes why a signal was not accepted. Any other error is one of the app, and is not published. */
export function publishFailure(by: SignalEvent['by'], error: unknown): void {
  if (!(error instanceof SignalError)) return;
  publishSignal({ by, outcome: error.isOutage ? 'failed' : 'rejected', reason: error.reason });
}

/**
 * The response to a signal: that of `work`, 503 with `Retry-After` for an outage, or what `reject` returns for a rejection.
 *
 * @throws any error of the app
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
