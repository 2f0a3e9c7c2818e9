import { reasonText } from './reasons.js';
import { clockTime } from './time.js';

/** States of the circuit breaker in plain words, and how good they are. */
export const CIRCUIT = {
  closed: { text: 'calls allowed', mood: 'good' },
  half_open: { text: 'probing', mood: 'fair' },
  open: { text: 'calls blocked', mood: 'bad' },
};

/** One sentence about the last thing that the circuit breaker told, with its time. */
export function circuitNote({ state, reason, retryAfterSeconds, tokensToBlame, at }) {
  if (at === undefined) return '';
  return `${clockTime(at)}, circuit breaker: ${noteOf({ state, reason, retryAfterSeconds, tokensToBlame })}`;
}

function noteOf({ state, reason, retryAfterSeconds, tokensToBlame }) {
  const why = reason === undefined ? '' : `, because ${reasonText(reason)}`;
  if (tokensToBlame) {
    return 'calls stay allowed. The authorization server failed for tokens of clients, but answered about a random token of the API.';
  }
  if (state === 'open') return `calls blocked${why}. It sends a probe after ${retryAfterSeconds} s.`;
  if (state === 'half_open') return 'it sends a probe, a question about a random token of the API.';
  return 'calls allowed again. The probe was answered.';
}
