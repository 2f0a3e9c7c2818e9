import { createActions } from './actions.js';
import { send } from './curl.js';
import { addCurlLines } from './curl-line.js';
import { createSender } from './dpop.js';
import { byId, element } from './element.js';
import { exchangeView, verdictOf } from './exchange.js';
import { followLive } from './live.js';
import { span } from './time.js';

const state = {
  settings: await (await fetch('/console/settings')).json(),
  sender: await createSender(),
  /** What the authorization server issued last, when it ends, and whether this page had it revoked. */
  token: undefined,
  /** What the server's events said last. */
  live: undefined,
  isRevealed: false,
};

const actions = createActions(state);
const refreshCurlLines = addCurlLines(actions);
/** What is shown of the wire, to be drawn again when tokens are revealed or hidden. */
let shown;

followLive((live) => {
  const before = state.live;
  state.live = live;
  if (before?.authorizationServer.running !== live.authorizationServer.running) showPossible();
}, chooseExchange);

for (const [id, action] of Object.entries(actions)) {
  const button = buttonOf(id);
  const press = () => perform(id, action, button);
  if (id === 'token') {
    byId('token-form').addEventListener('submit', (event) => {
      event.preventDefault();
      press();
    });
  } else {
    button.addEventListener('click', press);
  }
}
for (const name of ['input', 'change']) document.querySelector('main').addEventListener(name, () => refreshCurlLines());
setInterval(showTokenCard, 1000);
showTokenCard();
showPossible();

async function perform(id, action, button) {
  button.setAttribute('aria-busy', 'true');
  button.disabled = true;
  try {
    const order = await action.order();
    const response = await send(order);
    const body = await response.text();
    if (action.isCall) await showCall(order, response, body);
    else showOutcome(id, response.ok, JSON.parse(body));
  } catch {
    showOutcome(id, false, { hint: 'The example does not answer. Is it running?' });
  } finally {
    button.removeAttribute('aria-busy');
    button.disabled = false;
    showPossible();
    // Who pressed it with the keyboard goes on from here.
    if (document.activeElement === document.body && !button.disabled) button.focus();
    await refreshCurlLines();
  }
}

async function showCall(order, response, body) {
  const id = response.headers.get('x-request-id');
  const reply = { reason: response.statusText, headers: [...response.headers], body };
  const token = order.headers.Authorization?.split(' ')[1];
  showExchange(await (await fetch(`/console/exchanges/${id}`)).json(), { reply, token });
  const { top } = byId('wire').getBoundingClientRect();
  if (top < 0 || top > innerHeight * 0.7) byId('wire').scrollIntoView();
}

async function chooseExchange(id) {
  const response = await fetch(`/console/exchanges/${id}`);
  if (!response.ok) return;
  showExchange(await response.json(), shown?.exchange.id === id ? shown.own : undefined);
  byId('wire-heading').focus();
}

/** @param own what this page knows besides, where it sent the request: the token, and the reply as the browser received it */
function showExchange(exchange, own) {
  shown = { exchange, own };
  const { status, text, ms } = verdictOf(exchange);
  const [method, path] = exchange.line.split(' ');
  byId('verdict').replaceChildren(
    element('span', { className: 'status', data: { kind: String(status)[0] } }, String(status)),
    element('span', { className: 'what' }, element('code', {}, `${method} ${path}`), ` in ${ms} ms. ${text}`),
  );
  const toggle = element(
    'button',
    {
      type: 'button',
      className: 'quiet reveal',
      'aria-pressed': String(state.isRevealed),
      hidden: own?.token === undefined,
    },
    'Show the whole token',
  );
  toggle.addEventListener('click', () => {
    state.isRevealed = !state.isRevealed;
    showExchange(exchange, own);
    byId('exchange').querySelector('.reveal').focus();
  });
  const reveal = (text) =>
    state.isRevealed && own?.token !== undefined ? text.replaceAll(shortened(own.token), own.token) : text;
  byId('exchange').replaceChildren(toggle, ...exchangeView(exchange, own?.reply, reveal));
}

/** As the server shortens it, which keeps no whole token. */
function shortened(token) {
  return `${token.slice(0, 6)}…${token.slice(-4)}`;
}

function showOutcome(id, ok, body) {
  if (id === 'token' && ok) {
    state.token = { ...body, endsAt: Date.now() + body.expires_in * 1000, isRevoked: false };
    showTokenCard();
    return;
  }
  if (id === 'token') {
    byId('token-card').replaceChildren(element('p', { className: 'failed' }, body.hint));
    return;
  }
  if (id === 'revoke' && ok) {
    state.token.isRevoked = true;
    showTokenCard();
  }
  const place =
    { stop: 'server', start: 'server', restart: 'server', delay: 'server', fill: 'cache', flush: 'cache' }[id] ?? id;
  const outcome = document.querySelector(`[data-outcome=${place}]`);
  outcome.textContent = ok ? OUTCOMES[id](body) : body.hint;
  outcome.classList.toggle('failed', !ok);
}

const OUTCOMES = {
  revoke: () => 'Revoked. What the API remembers of it counts until its time is up; /api/payments asks afresh.',
  stop: () => 'Stopped. Its port is closed, and all its connections are.',
  start: () => 'Running again, with the tokens it had issued.',
  restart: () => 'Restarted: every connection was dropped. It still knows its tokens.',
  delay: ({ delayMs }) =>
    delayMs === 0 ? 'It answers at once.' : `Every answer of it takes ${delayMs / 1000} s longer.`,
  fill: ({ requests, ms, statuses }) =>
    `${requests} tokens issued, ${requests} calls in ${ms} ms: ${listed(statuses)}.`,
  flush: ({ forgotten, entries }) =>
    `${forgotten} forgotten${entries === 0 ? '' : `; ${entries} about inactive tokens stay their 5 seconds`}.`,
  flood: ({ requests, ms, statuses, endpointCalls }) =>
    `${requests} requests in ${ms} ms: ${listed(statuses)}. Meanwhile the authorization server was asked ${endpointCalls} time${endpointCalls === 1 ? '' : 's'}.`,
};

function listed(statuses) {
  return Object.entries(statuses)
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ');
}

function showTokenCard() {
  if (state.token === undefined) return;
  const { access_token, token_type, scope, endsAt, isRevoked } = state.token;
  const left = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
  const life = isRevoked ? 'revoked' : left === 0 ? 'expired' : `ends in ${span(left)}`;
  const card = byId('token-card');
  if (card.dataset.token !== access_token) {
    card.dataset.token = access_token;
    card.replaceChildren(
      element('code', { className: 'value' }, access_token),
      element('p', {}, `${token_type}, ${scope}, `, element('span', { className: 'life', 'aria-live': 'off' })),
    );
  }
  const shownLife = card.querySelector('.life');
  if (shownLife.textContent !== life) shownLife.textContent = life;
  shownLife.classList.toggle('over', isRevoked || left === 0);
}

function showPossible() {
  for (const [id, { isPossible }] of Object.entries(actions)) {
    const button = buttonOf(id);
    if (!button.hasAttribute('aria-busy')) button.disabled = isPossible?.() === false;
  }
}

function buttonOf(id) {
  return document.querySelector(`[data-action=${id}] > button`);
}
