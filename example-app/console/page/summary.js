import { reasonText } from './reasons.js';

/** Summarizes a request: its status, why it was rejected, and the introspection requests that it caused. */
export function summarize({ status, decisions, calls, joined, ms }) {
  const reason = decisions.at(-1)?.reason;
  const rejection = reason === undefined ? '' : `${capitalize(reasonText(reason))}. `;
  const introspection =
    decisions.length === 0
      ? 'This route does not use the middleware, so the API sent no introspection request.'
      : describeCalls(calls, joined);
  return { status, text: `${rejection}${introspection}`, ms };
}

function describeCalls(calls, joined) {
  const has = (purpose) => calls.some((call) => call.purpose === purpose);
  const awaited = calls.filter(({ purpose }) => purpose === 'request');
  return [
    awaited.length > 0 ? describeAwaited(awaited) : describeNone(joined, has('probe')),
    has('refresh') ? 'It refreshed the cached response in the background.' : '',
    has('probe') && awaited.length > 0 ? 'The circuit breaker also sent a probe.' : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** A call counts as sent only if there was a connection. */
function describeAwaited(awaited) {
  const sent = awaited.filter(({ request }) => request !== undefined).length;
  const unsent = awaited.length - sent;
  if (sent === 0) return `The API tried to connect ${times(unsent)}, but could not.`;
  const requests = `The API sent ${sent === 1 ? 'one introspection request' : `${sent} introspection requests`}`;
  return unsent === 0 ? `${requests}.` : `${requests}. It also tried to connect ${times(unsent)}, but could not.`;
}

function describeNone(joined, hasProbe) {
  if (joined !== undefined) return 'The API used the introspection response that another request was waiting for.';
  if (hasProbe) return 'The circuit breaker’s probe failed, so the API sent no introspection request for this token.';
  return 'The API sent no introspection request.';
}

function times(count) {
  return count === 1 ? 'once' : `${count} times`;
}

/** The text with its first letter in upper case. */
export function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
