import { explainParameter, explainScheme, parseChallenges } from './challenge.js';
import { countdown } from './countdown.js';
import { element as el } from './element.js';
import { message } from './message.js';
import { clockTime, relativeTime } from './time.js';
import { capitalized } from './verdict.js';

/** Headers that matter here; the others are folded away. */
const TELLING_REQUEST = ['host', 'authorization', 'dpop', 'content-type'];
const TELLING_REPLY = [
  'www-authenticate',
  'retry-after',
  'cache-control',
  'content-type',
  'dpop-nonce',
  'x-request-id',
];

/**
 * What went over the wire, hop by hop.
 *
 * @param exchange what the server recorded
 * @param reply what the browser received, if this page sent the request
 * @param reveal replaces a shortened token, if this page knows the whole one
 */
export function exchangeView(exchange, reply, reveal) {
  const { line, headers, status, calls, joined } = exchange;
  const requestHop = hop('Client → API', message(line, headers, TELLING_REQUEST, undefined, reveal));
  const asked = joined === undefined ? calls : [...calls, joined];
  const callHop = hop(
    'Token introspection: API → authorization server',
    ...(joined !== undefined || calls.some(({ purpose }) => purpose === 'request') ? [] : [noCall(exchange)]),
    ...asked.map((call) => callView(call, call === joined, reveal)),
  );
  const replyHop = hop(
    'API → client',
    reply === undefined
      ? el('p', {}, `${status}. Its headers and body went to the client that sent the request, not to this page.`)
      : message(`HTTP/1.1 ${status} ${reply.reason}`, reply.headers, TELLING_REPLY, reply.body, reveal),
  );
  return [
    el('ol', { className: 'hops' }, requestHop, callHop, replyHop),
    el(
      'div',
      { className: 'findings' },
      decisionsView(exchange),
      rememberedView(exchange),
      authView(exchange),
      challengeView(exchange, reply),
    ),
  ];
}

function hop(title, ...content) {
  return el('li', {}, el('h3', {}, title), ...content);
}

function noCall({ decisions, lookups, calls, usedOf }) {
  const reason = decisions.at(-1)?.reason;
  const why = (() => {
    if (decisions.length === 0) return 'This route has no middleware.';
    if (reason === 'circuit_open') return 'The circuit breaker blocks calls.';
    if (reason === 'overloaded') return 'Too many calls were waiting.';
    if (calls.some(({ purpose }) => purpose === 'probe')) return 'The circuit breaker’s probe failed first.';
    if (lookups.includes('hit') && usedOf !== undefined) return `The response of ${clockTime(usedOf)} is in the cache.`;
    if (lookups.includes('hit')) return 'The response is in the cache.';
    if (lookups.length === 0) return 'There was no token to ask about.';
    return 'The API could not ask.';
  })();
  return el('p', { className: 'no-call' }, el('b', {}, 'No call.'), ` ${why}`);
}

const PURPOSES = {
  refresh: 'a refresh of the cached response in the background; the request did not wait for it',
  probe:
    'the circuit breaker’s own probe: about a random token that the API made up, not the client’s. Any answer shows that the server is up',
};

function callView({ attempt, purpose, request, reply, error, ms }, isJoined, reveal) {
  const remarks = [
    isJoined && 'made by another request; this one waited for its response',
    attempt > 1 && 'a second attempt',
    PURPOSES[purpose],
  ].filter(Boolean);
  return el(
    'div',
    { className: 'call' },
    remarks.length > 0 ? el('p', { className: 'remark' }, `${capitalized(remarks.join(', '))}.`) : undefined,
    request && message(request.line, request.headers, TELLING_REQUEST, request.body, reveal),
    request === undefined && ms !== undefined
      ? el('p', { className: 'failed' }, 'No connection came about, so nothing was sent.')
      : undefined,
    reply && message(`HTTP/1.1 ${reply.status} ${reply.reason}`, reply.headers, ['content-type'], reply.body, reveal),
    error &&
      el('p', { className: 'failed' }, `No usable response: ${error.code}${error.detail ? ` (${error.detail})` : ''}.`),
    el('p', { className: 'timing' }, ms === undefined ? 'Under way.' : `${ms} ms`),
  );
}

function rememberedView({ remembered, decisions }) {
  if (decisions.length === 0) return undefined;
  const body = (() => {
    if (remembered === undefined) return [el('p', {}, 'Nothing was asked, so there is nothing to cache.')];
    if (remembered.until === undefined) return [el('p', {}, remembered.why)];
    const { until, askedAt, why } = remembered;
    return [countdown(askedAt, until), el('p', { className: 'reckoning' }, why)];
  })();
  return finding('Cache', ...body);
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
  return finding('req.auth', el('dl', { className: 'claims' }, ...rows));
}

function challengeView({ status }, reply) {
  const header = reply?.headers.find(([name]) => name === 'www-authenticate')?.[1];
  const retryAfter = reply?.headers.find(([name]) => name === 'retry-after')?.[1];
  if (status === 503) {
    const seconds = retryAfter === '1' ? 'a second' : `${retryAfter} seconds`;
    return finding(
      'No challenge',
      el(
        'p',
        {},
        'Nobody could tell whether the token is good. So the API does not ask for another one: the client should keep it.',
      ),
      el('dl', { className: 'explained' }, explained(`Retry-After: ${retryAfter}`, `Try again in ${seconds}.`)),
    );
  }
  if (header === undefined) return undefined;
  const rows = parseChallenges(header).flatMap(({ scheme, parameters }) => [
    explained(scheme, explainScheme(scheme), 'scheme'),
    ...parameters.map((parameter) => explained(`${parameter.name}="${parameter.value}"`, explainParameter(parameter))),
  ]);
  return finding('The challenge, word for word', el('dl', { className: 'explained' }, ...rows));
}

function explained(term, text, className) {
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
  return finding('Decided by', el('ol', { className: 'decisions' }, ...items));
}

function finding(title, ...content) {
  return el('section', { className: 'finding' }, el('h3', {}, title), ...content);
}
