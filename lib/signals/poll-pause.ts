import type { SignalError } from './signal-error.js';

const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;

/** Longest pause after an event that could not be applied. Further events wait for its end, and they may be applicable. */
const MAX_EVENT_PAUSE_MS = 5000;

/**
 * Returns the pause before the next poll request, in milliseconds. It doubles with each failure in a row, and is at least as long as the
 * error asks. A part of it is random, so that processes that failed at the same time do not try again at the same time.
 */
export function pauseMs(failures: number, { reason, retryAfterSeconds }: SignalError): number {
  const maxMs = reason === 'poll_failed' ? MAX_PAUSE_MS : MAX_EVENT_PAUSE_MS;
  const longest = Math.min(maxMs, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return Math.max(retryAfterSeconds * 1000, longest * (0.5 + Math.random() / 2));
}
