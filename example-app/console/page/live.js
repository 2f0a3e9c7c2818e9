import { createChart, lastMinute } from './chart.js';
import { byId, element } from './element.js';
import { reasonText } from './reasons.js';
import { clockTime } from './time.js';

const TRAFFIC = [
  { name: 'requests', label: 'Requests', color: '--requests', fill: '--requests-fill' },
  { name: 'hits', label: 'From memory', color: '--hits' },
  { name: 'coalesced', label: 'Shared a call', color: '--coalesced', dash: [2, 3] },
  { name: 'calls', label: 'Endpoint calls', color: '--calls', dash: [6, 4] },
];

const REFUSAL_COLORS = 6;

const CIRCUIT = { closed: 'closed', open: 'open', half_open: 'half open' };

/** Follows the server's events: charts, totals, pills, and the latest requests. */
export function followLive(onState, onChoose) {
  const traffic = createChart(byId('traffic-chart'), false);
  const refusals = createChart(byId('refusal-chart'), true);
  /** Reasons in the order they first came, so that each keeps its colour. */
  const reasons = [];
  let history = [];
  let totals;

  function draw() {
    const openings = lastMinute(history, (second) => second !== undefined && second.circuit !== 'closed');
    traffic.show(
      TRAFFIC.map((line) => ({ ...line, values: lastMinute(history, (second) => second?.[line.name] ?? 0) })),
      openings,
    );
    refusals.show(
      reasons.map((reason, i) => ({
        name: reason,
        color: colorOf(i),
        values: lastMinute(history, (second) => countOf(second, reason)),
      })),
      openings,
    );
    const last = history.at(-1);
    byId('traffic-legend').replaceChildren(
      ...TRAFFIC.map(({ name, label, color }) => row(label, color, last?.[name] ?? 0, totals?.[name] ?? 0)),
    );
    byId('refusal-legend').replaceChildren(
      ...(reasons.length === 0
        ? [element('tr', {}, element('td', { colSpan: 3 }, 'Nobody yet.'))]
        : reasons.map((reason, i) => row(reason, colorOf(i), countOf(last, reason), countOf(totals, reason), true))),
    );
  }

  function meet(counts) {
    for (const reason of [...Object.keys(counts.rejected), ...Object.keys(counts.outages)]) {
      if (!reasons.includes(reason)) reasons.push(reason);
    }
  }

  const events = new EventSource('/console/events');
  const on = (type, listener) => events.addEventListener(type, ({ data }) => listener(JSON.parse(data)));
  on('history', (seconds) => {
    history = seconds;
    for (const second of seconds) meet(second);
    draw();
  });
  on('second', (second) => {
    history = [...history, second].slice(-90);
    meet(second);
    draw();
  });
  on('state', (state) => {
    totals = state.totals;
    meet(totals);
    draw();
    showState(state);
    onState(state);
  });
  events.addEventListener('error', () => {
    pill('server-pill', 'Console: not connected', 'bad');
  });

  function showState({ authorizationServer: { running, delayMs }, circuit, entries, latest }) {
    const slow = delayMs > 0 ? `slow by ${delayMs / 1000} s` : 'running';
    pill(
      'server-pill',
      `Authorization server: ${running ? slow : 'stopped'}`,
      running ? (delayMs > 0 ? 'fair' : 'good') : 'bad',
    );
    pill(
      'circuit-pill',
      `Circuit breaker: ${CIRCUIT[circuit.state]}`,
      { closed: 'good', half_open: 'fair', open: 'bad' }[circuit.state],
    );
    byId('entries').textContent = `${entries} answer${entries === 1 ? '' : 's'}`;
    showLatest(latest, onChoose);
  }
}

/** Left alone while nothing is new, so that it can be walked through by keyboard. */
function showLatest(latest, onChoose) {
  const list = byId('latest');
  const ids = latest.map(({ id }) => id).join();
  if (list.dataset.ids === ids && latest.length > 0) return;
  list.dataset.ids = ids;
  if (latest.length === 0) {
    list.replaceChildren(element('li', { className: 'none' }, 'None yet.'));
    return;
  }
  const focused = document.activeElement?.closest?.('#latest button')?.dataset.id;
  list.replaceChildren(
    ...latest.map(({ id, startedAt, line, status, reason, calls }) => {
      const [method, path] = line.split(' ');
      const button = element(
        'button',
        { type: 'button', data: { id } },
        element('span', { className: 'status', data: { kind: String(status)[0] } }, String(status)),
        element('span', { className: 'what' }, `${method} ${path}`),
        element('span', { className: 'why' }, reason === undefined ? (calls > 0 ? 'asked' : 'not asked') : reason),
        element('time', {}, clockTime(startedAt)),
      );
      button.addEventListener('click', () => onChoose(id));
      return element('li', {}, button);
    }),
  );
  if (focused !== undefined) list.querySelector(`[data-id="${focused}"]`)?.focus();
}

function pill(id, text, state) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
  element.dataset.state = state;
}

function row(label, color, last, total, isReason) {
  const swatch = element('span', { className: 'swatch', data: { color: color.slice(2) } });
  const name = isReason ? element('code', { title: reasonText(label) }, label) : label;
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, swatch, name),
    element('td', {}, last.toLocaleString('en')),
    element('td', {}, total.toLocaleString('en')),
  );
}

function colorOf(i) {
  return `--refusal-${(i % REFUSAL_COLORS) + 1}`;
}

function countOf(counts, reason) {
  return counts?.rejected[reason] ?? counts?.outages[reason] ?? 0;
}
