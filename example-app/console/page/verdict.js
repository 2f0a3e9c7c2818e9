import { reasonText } from './reasons.js';

/** One or two sentences: why a request was refused, and what it made the API ask. */
export function verdictOf({ status, decisions, calls, joined, ms }) {
  const reason = decisions.at(-1)?.reason;
  const why = reason === undefined ? '' : `${capitalized(reasonText(reason))}. `;
  const cost = decisions.length === 0 ? 'This route has no middleware, so nothing was asked.' : costOf(calls, joined);
  return { status, text: `${why}${cost}`, ms };
}

/** A call counts as asked only if it was sent: without a connection, the API only tried. */
function costOf(calls, joined) {
  const own = calls.filter(({ purpose }) => purpose === 'request');
  const sent = own.filter(({ request }) => request !== undefined).length;
  const unsent = own.length - sent;
  const asked = `The authorization server was asked ${times(sent)}`;
  const sentences = [];
  if (sent > 0)
    sentences.push(unsent === 0 ? `${asked}.` : `${asked}; the API tried ${times(unsent)} more without a connection.`);
  else if (unsent > 0) sentences.push(`The API tried ${times(unsent)}, but no connection came about.`);
  else if (joined !== undefined) sentences.push('It waited for the introspection call of another request.');
  else sentences.push('The authorization server was not asked.');
  if (calls.some(({ purpose }) => purpose === 'refresh'))
    sentences.push('The cached response was refreshed in the background.');
  if (calls.some(({ purpose }) => purpose === 'probe')) sentences.push('The circuit breaker sent a probe of its own.');
  return sentences.join(' ');
}

function times(count) {
  return count === 1 ? 'once' : `${count} times`;
}

export function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
