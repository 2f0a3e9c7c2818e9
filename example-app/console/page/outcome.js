/** Actions that show their outcome in the place of another action or of a panel. */
const PLACES = {
  stop: 'server',
  start: 'server',
  restart: 'server',
  fast: 'server',
  slow: 'server',
  hang: 'server',
  fill: 'cache',
  flush: 'cache',
  logout: 'revoke',
  alter: 'revoke',
  refresh: 'revoke',
  call: 'call',
  bare: 'call',
};

const delayed = ({ delayMs }) => `The authorization server now responds after ${delayMs / 1000} s.`;

const TEXTS = {
  revoke: () =>
    'Revoked. The API can accept the token until its cached response expires. /api/payments never uses the cache.',
  logout: ({ signals }) =>
    signals.some(({ outcome }) => outcome === 'applied')
      ? 'Logged out. The authorization server has posted a logout token to the API: see POST /backchannel-logout in the latest requests. The API accepts no token of this user any more.'
      : 'Logged out, but the API has not applied the logout token.',
  stop: () => 'Stopped. Its port and all connections to it are closed.',
  start: () => 'Running again. Tokens that it issued are still valid.',
  restart: () => 'Restarted. All connections were dropped. Tokens that it issued are still valid.',
  fast: () => 'The authorization server now responds at once.',
  slow: delayed,
  hang: delayed,
  fill: ({ requests, ms, statuses }) =>
    `${requests} tokens issued. ${requests} requests in ${ms} ms: ${formatStatuses(statuses)}.`,
  flush: ({ removed, entries }) =>
    `Removed: ${removed}.${entries === 0 ? '' : ` Still cached: ${entries} inactive, which expire within 5 seconds.`}`,
  flood: ({ requests, ms, statuses, endpointCalls, isRunning }) => {
    const introspection = isRunning
      ? `Introspection requests: ${endpointCalls}.`
      : `Attempts to reach the authorization server: ${endpointCalls}.`;
    return `${requests} requests in ${ms} ms: ${formatStatuses(statuses)}. ${introspection}`;
  },
};

/** Shows the outcome of an action near its button. */
export function showOutcome(id, ok, body) {
  const text = ok ? TEXTS[id]?.(body) : body.hint;
  if (text === undefined) return;
  const place = document.querySelector(`[data-outcome=${PLACES[id] ?? id}]`);
  place.textContent = text;
  place.classList.toggle('failed', !ok);
}

/** Removes the outcomes of earlier actions. */
export function clearOutcomes() {
  for (const place of document.querySelectorAll('.outcome')) place.textContent = '';
}

function formatStatuses(statuses) {
  return Object.entries(statuses)
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ');
}
