import { createChart, lastMinute } from './chart.js';
import { CIRCUIT, circuitNote } from './circuit.js';
import { byId, element } from './element.js';
import { areaSwatch, lineSwatch } from './paint.js';
import { lookOf, reasonText } from './reasons.js';
import { clockTime } from './time.js';

const TRAFFIC = [
  { name: 'requests', label: 'Requests', color: '--requests', fill: '--requests-fill' },
  { name: 'hits', label: 'Cache hits', color: '--hits' },
  { name: 'coalesced', label: 'Shared another’s call', color: '--coalesced', dash: [2, 3] },
  { name: 'calls', label: 'Introspection calls', color: '--calls', dash: [6, 4] },
];

/** Follows the server's events: charts, totals, pills, and the latest requests. */
export function followLive(onState, onChoose) {
  const traffic = createChart(byId('traffic-chart'), false);
  const refusals = createChart(byId('refusal-chart'), true);
  /** Reasons in the order they first came. */
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
      reasons.map((reason) => ({
        name: reason,
        ...lookOf(reason),
        values: lastMinute(history, (second) => countOf(second, reason)),
      })),
      openings,
    );
    const last = history.at(-1);
    byId('traffic-legend').replaceChildren(
      ...TRAFFIC.map((line) => row(lineSwatch(line), line.label, last?.[line.name] ?? 0, totals?.[line.name] ?? 0)),
    );
    byId('refusal-legend').replaceChildren(
      ...(reasons.length === 0
        ? [element('tr', {}, element('td', { colSpan: 3 }, 'None yet.'))]
        : reasons.map((reason) => {
            const name = element('code', { title: reasonText(reason) }, reason);
            return row(areaSwatch(lookOf(reason)), name, countOf(last, reason), countOf(totals, reason));
          })),
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
    const slow = delayMs > 0 ? `${delayMs / 1000} s late` : 'running';
    pill(
      'server-pill',
      `Authorization server: ${running ? slow : 'stopped'}`,
      running ? (delayMs > 0 ? 'fair' : 'good') : 'bad',
    );
    const speed = delayMs > 0 ? `answers ${delayMs / 1000} s late` : 'answers at once';
    setText('server-now', `Now: ${running ? `running, ${speed}` : 'stopped'}.`);
    const { text, mood } = CIRCUIT[circuit.state];
    pill('circuit-pill', `Circuit breaker: ${text}`, mood);
    setText('circuit-note', circuitNote(circuit));
    setText('entries', `${entries} response${entries === 1 ? '' : 's'}`);
    showLatest(latest, onChoose);
  }
}

/** Leaves the list as it is while nothing is new, so that the keyboard focus stays. */
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
        element('span', { className: 'why' }, reason ?? (calls > 0 ? 'server asked' : 'server not asked')),
        element('time', {}, clockTime(startedAt)),
      );
      button.addEventListener('click', () => onChoose(id));
      return element('li', {}, button);
    }),
  );
  if (focused !== undefined) list.querySelector(`[data-id="${focused}"]`)?.focus();
}

function pill(id, text, state) {
  setText(id, text);
  byId(id).dataset.state = state;
}

function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

function row(swatch, label, last, total) {
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, swatch, label),
    element('td', {}, last.toLocaleString('en')),
    element('td', {}, total.toLocaleString('en')),
  );
}

function countOf(counts, reason) {
  return counts?.rejected[reason] ?? counts?.outages[reason] ?? 0;
}
