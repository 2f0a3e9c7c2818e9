import { reasonText } from './reasons.js';
import { clockTime } from './time.js';

/** Text and colour for each state of the circuit breaker. */
export const CIRCUIT = {
  closed: { text: 'calls allowed', level: 'good' },
  half_open: { text: 'probing', level: 'fair' },
  open: { text: 'calls blocked', level: 'bad' },
};

/** Describes the latest event of the circuit breaker, with its time. */
export function describeCircuitEvent({ state, reason, retryAfterSeconds, tokensToBlame, at }) {
  if (at === undefined) return '';
  return `${clockTime(at)}, circuit breaker: ${describeEvent({ state, reason, retryAfterSeconds, tokensToBlame })}`;
}

function describeEvent({ state, reason, retryAfterSeconds, tokensToBlame }) {
  const because = reason === undefined ? '' : `, because ${reasonText(reason)}`;
  if (tokensToBlame) {
    return 'calls stay allowed. The authorization server failed for tokens of clients, but responded to a probe with a random token.';
  }
  if (state === 'open') return `calls blocked${because}. It sends a probe after ${retryAfterSeconds} s.`;
  if (state === 'half_open') return 'it sends a probe: an introspection request for a random token.';
  return 'calls allowed again, because the authorization server responded to the probe.';
}
