import { explainParameter, explainScheme, parseChallenges } from './challenge.js';
import { countdown } from './countdown.js';
import { element as el } from './element.js';
import { message } from './message.js';
import { capitalize } from './summary.js';
import { clockTime, relativeTime } from './time.js';

/** Headers that are always shown. All others are folded. */
const SHOWN_REQUEST_HEADERS = ['host', 'authorization', 'dpop', 'content-type'];
const SHOWN_RESPONSE_HEADERS = [
  'www-authenticate',
  'retry-after',
  'cache-control',
  'content-type',
  'dpop-nonce',
  'x-request-id',
];

/** Shows a back-channel logout request in three steps: the request, its effect on the cache, and the response. */
function logoutHops({ requestLine, headers, status, signals }) {
  const [{ outcome, reason }] = signals;
  const effects = {
    applied: 'The logout token is valid. The API has dropped all cached responses about the tokens of its user.',
    repeated: 'The same logout token came before, so it has no further effect.',
    rejected: `The logout token is not valid: ${reason}. Nothing was dropped.`,
    failed: `The API could not handle the logout token now: ${reason}. The authorization server should send it again.`,
  };
  return el(
    'ol',
    { className: 'hops' },
    hop('Authorization server → API', message(requestLine, headers, SHOWN_REQUEST_HEADERS)),
    hop('The API and its cache', el('p', {}, effects[outcome])),
    hop('API → authorization server', el('p', {}, `Status ${status}.`)),
  );
}

/**
 * Shows a request to the API in three steps: the request, its introspection requests, and the response.
 *
 * @param entry the entry of the server's request log
 * @param received the response as the browser received it, if this page sent the request
 * @param reveal replaces the shortened token in a text by the whole one, if the page knows it and shows it
 */
export function requestDetails(entry, received, reveal) {
  if (entry.signals.length > 0) return [logoutHops(entry)];
  const { requestLine, headers, status, calls, joined } = entry;
  const requestHop = hop('Client → API', message(requestLine, headers, SHOWN_REQUEST_HEADERS, undefined, reveal));
  const allCalls = joined === undefined ? calls : [...calls, joined];
  const callHop = hop(
    'Token introspection: API → authorization server',
    ...(joined !== undefined || calls.some(({ purpose }) => purpose === 'request') ? [] : [noCall(entry)]),
    ...allCalls.map((call) => callView(call, call === joined, reveal)),
  );
  const responseHop = hop(
    'API → client',
    received === undefined
      ? el(
          'p',
          {},
          `Status ${status}. This page did not send the request, so it cannot show the response’s headers and body.`,
        )
      : message(
          `HTTP/1.1 ${status} ${received.reason}`,
          received.headers,
          SHOWN_RESPONSE_HEADERS,
          received.body,
          reveal,
        ),
  );
  return [
    el('ol', { className: 'hops' }, requestHop, callHop, responseHop),
    el(
      'div',
      { className: 'facts' },
      decisionsView(entry),
      cacheView(entry),
      authView(entry),
      challengeView(entry, received),
    ),
  ];
}

function hop(title, ...content) {
  return el('li', {}, el('h3', {}, title), ...content);
}

function noCall({ decisions, lookups, calls, usedResponseFrom }) {
  const reason = decisions.at(-1)?.reason;
  const explanation = (() => {
    if (decisions.length === 0) return 'This route does not use the middleware.';
    if (reason === 'circuit_open') return 'The circuit breaker blocks calls.';
    if (reason === 'overloaded') return 'Too many introspection requests were waiting.';
    if (calls.some(({ purpose }) => purpose === 'probe')) return 'The circuit breaker’s probe failed.';
    if (lookups.includes('hit') && usedResponseFrom !== undefined)
      return `The API used the cached response of ${clockTime(usedResponseFrom)}.`;
    if (lookups.includes('hit')) return 'The API used a cached response.';
    if (lookups.length === 0) return 'There was no token to introspect.';
    return 'The API could not send one.';
  })();
  return el('p', { className: 'no-call' }, el('b', {}, 'No introspection request.'), ` ${explanation}`);
}

const PURPOSES = {
  refresh: 'refreshed the cached response in the background; the API request did not wait for it',
  probe:
    'a probe of the circuit breaker for a random token, not for the client’s. Any response shows that the server is up',
};

function callView({ attempt, purpose, request, response, error, ms }, isJoined, reveal) {
  const remarks = [
    isJoined && 'sent for another API request; this one waited for its response',
    attempt > 1 && 'second attempt',
    PURPOSES[purpose],
  ].filter(Boolean);
  return el(
    'div',
    { className: 'call' },
    remarks.length > 0 ? el('p', { className: 'remark' }, `${capitalize(remarks.join(', '))}.`) : undefined,
    request && message(request.line, request.headers, SHOWN_REQUEST_HEADERS, request.body, reveal),
    request === undefined && ms !== undefined
      ? el('p', { className: 'failed' }, 'The API could not connect, so it sent nothing.')
      : undefined,
    response &&
      message(
        `HTTP/1.1 ${response.status} ${response.reason}`,
        response.headers,
        ['content-type'],
        response.body,
        reveal,
      ),
    error &&
      el('p', { className: 'failed' }, `No usable response: ${error.code}${error.detail ? ` (${error.detail})` : ''}.`),
    el('p', { className: 'timing' }, ms === undefined ? 'Waiting for the response.' : `${ms} ms`),
  );
}

function cacheView({ cached, decisions }) {
  if (decisions.length === 0) return undefined;
  const body = (() => {
    if (cached === undefined) return [el('p', {}, 'There is no introspection response to cache.')];
    if (cached.until === undefined) return [el('p', {}, cached.explanation)];
    const { until, askedAt, explanation } = cached;
    return [countdown(askedAt, until), el('p', { className: 'explanation' }, explanation)];
  })();
  return fact('Cache', ...body);
}

function authView({ auth }) {
  if (auth === undefined) return undefined;
  const rows = Object.entries(auth).map(([name, value]) =>
    el(
      'div',
      {},
      el('dt', {}, name),
      el(
        'dd',
        {},
        el('code', {}, typeof value === 'string' ? value : JSON.stringify(value)),
        ['exp', 'iat', 'nbf'].includes(name) ? el('small', {}, relativeTime(value)) : undefined,
      ),
    ),
  );
  return fact('req.auth', el('dl', { className: 'claims' }, ...rows));
}

function challengeView({ status }, received) {
  const header = received?.headers.find(([name]) => name === 'www-authenticate')?.[1];
  const retryAfter = received?.headers.find(([name]) => name === 'retry-after')?.[1];
  if (status === 503) {
    const delay = retryAfter === '1' ? 'a second' : `${retryAfter} seconds`;
    return fact(
      'No challenge',
      el(
        'p',
        {},
        'The API could not check the token, so it does not reject it. The client should keep the token and try again.',
      ),
      el('dl', { className: 'explained' }, explainedTerm(`Retry-After: ${retryAfter}`, `Try again in ${delay}.`)),
    );
  }
  if (header === undefined) return undefined;
  const rows = parseChallenges(header).flatMap(({ scheme, parameters }) => [
    explainedTerm(scheme, explainScheme(scheme), 'scheme'),
    ...parameters.map((parameter) =>
      explainedTerm(`${parameter.name}="${parameter.value}"`, explainParameter(parameter)),
    ),
  ]);
  return fact('The challenge explained', el('dl', { className: 'explained' }, ...rows));
}

function explainedTerm(term, text, className) {
  return el('div', { className }, el('dt', {}, el('code', {}, term)), el('dd', {}, text));
}

function decisionsView({ decisions }) {
  if (decisions.length === 0) return undefined;
  const items = decisions.map(({ by, outcome, reason }) =>
    el(
      'li',
      { data: { outcome } },
      el('code', {}, by),
      ` ${outcome}`,
      reason === undefined ? '' : el('span', {}, ': ', el('code', {}, reason)),
    ),
  );
  return fact('Decisions', el('ol', { className: 'decisions' }, ...items));
}

function fact(title, ...content) {
  return el('section', { className: 'fact' }, el('h3', {}, title), ...content);
}
