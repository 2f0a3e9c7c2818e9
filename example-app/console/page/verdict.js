import { reasonText } from './reasons.js';

/** One or two sentences: why a request was refused, and what it made the API ask. */
export function verdictOf({ status, decisions, calls, joined, ms }) {
  const reason = decisions.at(-1)?.reason;
  const why = reason === undefined ? '' : `${capitalized(reasonText(reason))}. `;
  const cost = decisions.length === 0 ? 'This route has no middleware, so nothing was asked.' : costOf(calls, joined);
  return { status, text: `${why}${cost}`, ms };
}

function costOf(calls, joined) {
  const has = (purpose) => calls.some((call) => call.purpose === purpose);
  const own = calls.filter(({ purpose }) => purpose === 'request');
  return [
    own.length > 0 ? askedAbout(own) : notAsked(joined, has('probe')),
    has('refresh') ? 'The cached response was refreshed in the background.' : '',
    has('probe') && own.length > 0 ? 'The circuit breaker sent a probe of its own.' : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** A call counts as asked only if it was sent: without a connection, the API only tried. */
function askedAbout(own) {
  const sent = own.filter(({ request }) => request !== undefined).length;
  const unsent = own.length - sent;
  if (sent === 0) return `The API tried ${times(unsent)}, but no connection came about.`;
  const asked = `The authorization server was asked ${times(sent)}`;
  return unsent === 0 ? `${asked}.` : `${asked}; the API tried ${times(unsent)} more without a connection.`;
}

function notAsked(joined, hasProbe) {
  if (joined !== undefined) return 'It waited for the introspection call of another request.';
  if (hasProbe) return 'The circuit breaker’s probe failed first, so the API did not ask about this token.';
  return 'The authorization server was not asked.';
}

function times(count) {
  return count === 1 ? 'once' : `${count} times`;
}

export function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
