import { byId, element } from './element.js';
import { exchangeView } from './exchange.js';
import { createResult } from './result.js';
import { clockTime } from './time.js';
import { verdictOf } from './verdict.js';

/** One request to the API, hop by hop: the last one of this page, or one chosen from the list. */
export function createCallView() {
  const result = createResult(byId('wire'));
  let shown;
  let isRevealed = false;

  /** @param own what only this page knows, if it sent the request: the token, and the response as the browser received it */
  function show(exchange, own) {
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
        'aria-pressed': String(isRevealed),
        hidden: own?.token === undefined,
      },
      'Show the whole token',
    );
    toggle.addEventListener('click', () => {
      isRevealed = !isRevealed;
      show(exchange, own);
      byId('exchange').querySelector('.reveal').focus();
    });
    const reveal = (text) =>
      isRevealed && own?.token !== undefined ? text.replaceAll(shortened(own.token), own.token) : text;
    byId('exchange').replaceChildren(toggle, ...exchangeView(exchange, own?.reply, reveal));
  }

  return {
    /** Shows what a call of this page brought. */
    async showCall(order, response, body) {
      const id = response.headers.get('x-request-id');
      const reply = { reason: response.statusText, headers: [...response.headers], body };
      const token = order.headers.Authorization?.split(' ')[1];
      show(await (await fetch(`/console/exchanges/${id}`)).json(), { reply, token });
      result.shows();
      const { top } = byId('wire').getBoundingClientRect();
      if (top < 0 || top > innerHeight * 0.7) byId('wire').scrollIntoView();
    },
    /** Shows a request of the list. */
    async choose(id) {
      const response = await fetch(`/console/exchanges/${id}`);
      if (!response.ok) return;
      const exchange = await response.json();
      show(exchange, shown?.exchange.id === id ? shown.own : undefined);
      result.shows(`Chosen from the list: a request of ${clockTime(exchange.startedAt)}.`);
      byId('wire-heading').focus();
    },
    age: result.age,
  };
}

/** As the server shortens it, which keeps no whole token. */
function shortened(token) {
  return `${token.slice(0, 6)}…${token.slice(-4)}`;
}
