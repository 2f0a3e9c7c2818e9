import { explainParameter, explainScheme, parseChallenges } from './challenge.js';
import { countdown } from './countdown.js';
import { element as el } from './element.js';
import { reasonText } from './reasons.js';
import { clockTime, relativeTime } from './time.js';

/** Headers of a request that say something here; the others are folded away. */
const TELLING_REQUEST = ['host', 'authorization', 'dpop', 'content-type'];
const TELLING_REPLY = [
  'www-authenticate',
  'retry-after',
  'cache-control',
  'content-type',
  'dpop-nonce',
  'x-request-id',
];

/** One sentence: what became of the request, and what it cost. */
export function verdictOf({ status, decisions, calls, joined, ms }) {
  const reason = decisions.at(-1)?.reason;
  const asked = calls.filter(({ background }) => !background).length;
  const cost =
    decisions.length === 0
      ? 'No middleware, no question.'
      : asked > 0
        ? `The authorization server was asked ${asked === 1 ? 'once' : `${asked} times`}.`
        : joined
          ? 'It shared the call of another request.'
          : calls.length > 0
            ? 'The authorization server was not asked, but for an early refresh.'
            : 'The authorization server was not asked.';
  const why = reason === undefined ? '' : `${capitalized(reasonText(reason))}. `;
  return { status, text: `${why}${cost}`, ms };
}

/**
 * What went over the wire, hop by hop.
 *
 * @param exchange what the server recorded
 * @param reply what the browser received, where this page sent the request
 * @param reveal replaces a shortened token, where this page knows the whole one
 */
export function exchangeView(exchange, reply, reveal) {
  const { line, headers, status, calls, joined } = exchange;
  const requestHop = hop('Client → API', message(line, headers, TELLING_REQUEST, undefined, reveal));
  const asked = joined === undefined ? calls : [...calls, joined];
  const callHop = hop(
    'API → authorization server',
    ...(asked.some(({ background }) => !background) ? [] : [noCall(exchange)]),
    ...asked.map((call) => callView(call, call === joined, reveal)),
  );
  const replyHop = hop(
    'API → client',
    reply === undefined
      ? el('p', {}, `${status}. Its headers and body went to whoever asked.`)
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

function noCall({ decisions, lookups, usedOf }) {
  const reason = decisions.at(-1)?.reason;
  const why = (() => {
    if (decisions.length === 0) return 'No middleware stands before this route.';
    if (reason === 'circuit_open') return 'The circuit breaker is open.';
    if (lookups.includes('hit') && usedOf !== undefined) return `The answer of ${clockTime(usedOf)} is remembered.`;
    if (lookups.includes('hit')) return 'The answer is remembered.';
    if (lookups.length === 0) return 'There was nothing to ask about.';
    return 'No answer came.';
  })();
  return el('p', { className: 'no-call' }, el('b', {}, 'No call.'), ` ${why}`);
}

function callView({ attempt, background, request, reply, error, ms }, isJoined, reveal) {
  const remarks = [
    isJoined && 'made by another request, whose answer this one waited for',
    background && 'an early refresh, for which nobody waited',
    attempt > 1 && 'a second try',
  ].filter(Boolean);
  return el(
    'div',
    { className: 'call' },
    remarks.length > 0 ? el('p', { className: 'remark' }, `${capitalized(remarks.join(', '))}.`) : undefined,
    request === undefined
      ? el('p', { className: 'failed' }, 'No connection came about, so nothing was sent.')
      : message(request.line, request.headers, TELLING_REQUEST, request.body, reveal),
    reply && message(`HTTP/1.1 ${reply.status} ${reply.reason}`, reply.headers, ['content-type'], reply.body, reveal),
    error && el('p', { className: 'failed' }, `No answer: ${error.code}${error.detail ? ` (${error.detail})` : ''}.`),
    ms === undefined ? undefined : el('p', { className: 'timing' }, `${ms} ms`),
  );
}

/** A request or a reply as text, what matters before what does not. */
function message(line, headers, telling, body, reveal) {
  const rankOf = ([name]) => telling.indexOf(name.toLowerCase());
  const shown = headers.filter((header) => rankOf(header) !== -1).sort((a, b) => rankOf(a) - rankOf(b));
  const rest = headers.filter((header) => rankOf(header) === -1);
  return el(
    'div',
    { className: 'message' },
    el('pre', {}, el('b', {}, line), ...shown.flatMap((header) => ['\n', headerLine(header, reveal)])),
    rest.length === 0
      ? undefined
      : el(
          'details',
          { className: 'rest' },
          el('summary', {}, `${rest.length} more header${rest.length === 1 ? '' : 's'}`),
          el('pre', {}, ...rest.flatMap((header, i) => (i === 0 ? [headerLine(header)] : ['\n', headerLine(header)]))),
        ),
    body ? el('pre', { className: 'body' }, ...bodyText(body, reveal)) : undefined,
  );
}

function headerLine([name, value], reveal) {
  const shown = reveal === undefined ? value : reveal(value);
  return el('span', {}, el('span', { className: 'name' }, `${name}: `), shown);
}

const JSON_PART = /("(?:[^"\\]|\\.)*")(\s*:)?|[^"]+/g;

function bodyText(body, reveal) {
  let text = body;
  try {
    text = JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return [reveal(text)];
  }
  return [...text.matchAll(JSON_PART)].map(([all, string, colon]) =>
    colon === undefined ? all : el('span', {}, el('span', { className: 'name' }, string), colon),
  );
}

function rememberedView({ remembered, decisions }) {
  if (decisions.length === 0) return undefined;
  const body = (() => {
    if (remembered === undefined) return [el('p', {}, 'Nothing was asked, so there is nothing to remember.')];
    if (remembered.until === undefined) return [el('p', {}, remembered.why)];
    const { until, askedAt, why } = remembered;
    return [countdown(askedAt, until), el('p', { className: 'reckoning' }, why)];
  })();
  return finding('Remembered', ...body);
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
      el('p', {}, 'The token was not judged, so the client is not told to get another: it should keep it.'),
      el('dl', { className: 'explained' }, explained(`Retry-After: ${retryAfter}`, `Come back in ${seconds}.`)),
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

function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
