/** Panels whose buttons share one place for their outcome. */
const PLACES = {
  stop: 'server',
  start: 'server',
  restart: 'server',
  fast: 'server',
  slow: 'server',
  hang: 'server',
  fill: 'cache',
  flush: 'cache',
  alter: 'revoke',
  refresh: 'revoke',
  call: 'call',
  bare: 'call',
};

const late = ({ delayMs }) => `Every answer of it comes ${delayMs / 1000} s late.`;

const TEXTS = {
  revoke: () => 'Revoked. The API may accept it until its cached response expires. /api/payments never uses the cache.',
  stop: () => 'Stopped. Its port and all its connections are closed.',
  start: () => 'Running again. It still knows the tokens it issued.',
  restart: () => 'Restarted. Every connection was dropped, and it still knows its tokens.',
  fast: () => 'It answers at once.',
  slow: late,
  hang: late,
  fill: ({ requests, ms, statuses }) =>
    `${requests} tokens issued, ${requests} calls in ${ms} ms: ${listed(statuses)}.`,
  flush: ({ forgotten, entries }) =>
    `${forgotten} removed${entries === 0 ? '' : `; ${entries} inactive ones expire within 5 seconds`}.`,
  flood: ({ requests, ms, statuses, endpointCalls, isRunning }) => {
    const times = `${endpointCalls} time${endpointCalls === 1 ? '' : 's'}`;
    const cost = isRunning
      ? `The authorization server was asked ${times}.`
      : `The API tried ${times} to reach the authorization server.`;
    return `${requests} requests in ${ms} ms: ${listed(statuses)}. ${cost}`;
  },
};

/** Says what an action did, beside its button. */
export function showOutcome(id, ok, body) {
  const text = ok ? TEXTS[id]?.(body) : body.hint;
  if (text === undefined) return;
  const place = document.querySelector(`[data-outcome=${PLACES[id] ?? id}]`);
  place.textContent = text;
  place.classList.toggle('failed', !ok);
}

/** Removes what earlier actions said. */
export function clearOutcomes() {
  for (const place of document.querySelectorAll('.outcome')) place.textContent = '';
}

function listed(statuses) {
  return Object.entries(statuses)
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ');
}
