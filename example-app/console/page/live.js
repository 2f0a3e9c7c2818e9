import { createChart, lastMinute } from './chart.js';
import { CIRCUIT, describeCircuitEvent } from './circuit.js';
import { byId, element } from './element.js';
import { areaSwatch, lineSwatch } from './paint.js';
import { lookOf, reasonText } from './reasons.js';
import { clockTime } from './time.js';

const TRAFFIC = [
  { name: 'requests', label: 'API requests', color: '--requests', fill: '--requests-fill' },
  { name: 'hits', label: 'Cache hits', color: '--hits' },
  { name: 'coalesced', label: 'Waited for another lookup', color: '--coalesced', dash: [2, 3] },
  { name: 'calls', label: 'Introspection requests', color: '--calls', dash: [6, 4] },
];

/** Subscribes to the server's events, and shows charts, totals, states and the latest requests. */
export function showLiveMetrics(onState, onSelect) {
  const traffic = createChart(byId('traffic-chart'), false);
  const rejections = createChart(byId('rejection-chart'), true);
  /** Reasons in the order in which they first occurred. */
  const reasons = [];
  let history = [];
  let totals;

  function draw() {
    const wasOpen = lastMinute(history, (second) => second !== undefined && second.circuit !== 'closed');
    traffic.show(
      TRAFFIC.map((line) => ({ ...line, values: lastMinute(history, (second) => second?.[line.name] ?? 0) })),
      wasOpen,
    );
    rejections.show(
      reasons.map((reason) => ({
        name: reason,
        ...lookOf(reason),
        values: lastMinute(history, (second) => countOf(second, reason)),
      })),
      wasOpen,
    );
    const last = history.at(-1);
    byId('traffic-legend').replaceChildren(
      ...TRAFFIC.map((line) => row(lineSwatch(line), line.label, last?.[line.name] ?? 0, totals?.[line.name] ?? 0)),
    );
    byId('rejection-legend').replaceChildren(
      ...(reasons.length === 0
        ? [element('tr', {}, element('td', { colSpan: 3 }, 'None yet.'))]
        : reasons.map((reason) => {
            const name = element('code', { title: reasonText(reason) }, reason);
            return row(areaSwatch(lookOf(reason)), name, countOf(last, reason), countOf(totals, reason));
          })),
    );
  }

  function addReasons(counts) {
    for (const reason of [...Object.keys(counts.rejected), ...Object.keys(counts.outages)]) {
      if (!reasons.includes(reason)) reasons.push(reason);
    }
  }

  const events = new EventSource('/console/events');
  const on = (type, listener) => events.addEventListener(type, ({ data }) => listener(JSON.parse(data)));
  on('history', (seconds) => {
    history = seconds;
    for (const second of seconds) addReasons(second);
    draw();
  });
  on('second', (second) => {
    history = [...history, second].slice(-90);
    addReasons(second);
    draw();
  });
  on('state', (state) => {
    totals = state.totals;
    addReasons(totals);
    draw();
    showState(state);
    onState(state);
  });
  events.addEventListener('error', () => {
    pill('server-pill', 'Console: not connected to the example', 'bad');
  });

  function showState({ authorizationServer: { running, delayMs }, circuit, entries, latest }) {
    const runningText = delayMs > 0 ? `responds after ${delayMs / 1000} s` : 'running';
    pill(
      'server-pill',
      `Authorization server: ${running ? runningText : 'stopped'}`,
      running ? (delayMs > 0 ? 'fair' : 'good') : 'bad',
    );
    const speed = delayMs > 0 ? `responds after ${delayMs / 1000} s` : 'responds at once';
    setText('server-now', `Now: ${running ? `running, ${speed}` : 'stopped'}.`);
    const { text, level } = CIRCUIT[circuit.state];
    pill('circuit-pill', `Circuit breaker: ${text}`, level);
    setText('circuit-note', describeCircuitEvent(circuit));
    setText('entries', `${entries} cached response${entries === 1 ? '' : 's'}`);
    showLatest(latest, onSelect);
  }
}

/** Changes the list only when there is a new request, so that the keyboard focus is kept. */
function showLatest(latest, onSelect) {
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
    ...latest.map(({ id, startedAt, requestLine, status, reason, calls }) => {
      const [method, path] = requestLine.split(' ');
      const button = element(
        'button',
        { type: 'button', data: { id } },
        element('span', { className: 'status', data: { kind: String(status)[0] } }, String(status)),
        element('span', { className: 'what' }, `${method} ${path}`),
        element('span', { className: 'why' }, reason ?? (calls > 0 ? 'introspected' : 'not introspected')),
        element('time', {}, clockTime(startedAt)),
      );
      button.addEventListener('click', () => onSelect(id));
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
