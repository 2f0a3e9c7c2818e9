import { BASELINES, targets } from './targets/index.mjs';

const TITLES = {
  'in-process': 'A cache hit without HTTP, tokens of 43 characters',
  'in-process-long': 'A cache hit without HTTP, tokens of 1,500 characters',
  http: 'CPU time of a request on `node:http`',
  express: 'Requests per second on Express 5',
};

/** Renders the results as Markdown. */
export function renderReport(results) {
  const parts = [
    '# Results',
    renderEnvironment(results),
    'Numbers in brackets are 95 % confidence intervals. "Not resolved" means that the interval includes "no difference".',
  ];
  for (const [section, render] of Object.entries(SECTIONS)) {
    if (results[section] !== undefined) parts.push(...render(results[section], section));
  }
  return `${parts.join('\n\n')}\n`;
}

/** Renders the tables that docs/how-it-works.md shows. */
export function renderTables(results) {
  const tables = ['in-process', 'express'].flatMap((section) => SECTIONS[section](results[section], section).slice(1));
  return [renderMachine(results), ...tables].join('\n\n');
}

/** Renders the sentences that README.md shows. */
export function renderSummary(results) {
  const rowOf = (section, name) => results[section].find(({ target }) => target === name);
  const cached = rowOf('in-process', BASELINES.peers);
  const share = rowOf('express', BASELINES.peers).ratioToBare;
  return [
    `A request with a cached token takes ${interval(cached.nanoseconds, 0)} ns of CPU time.`,
    `A hand-written cache without checks is ${ratio(cached.timesBaseline)} times as fast.`,
    `Express 5 handles ${ratio(share)} times as many requests per second as without authentication.`,
    'Numbers in brackets are 95 % confidence intervals.',
  ].join(' ');
}

const SECTIONS = {
  'in-process': renderInProcess,
  'in-process-long': renderInProcess,
  http: renderCpu,
  express: renderThroughput,
  stampede: (rows) => ['## 500 parallel requests with one unknown token', renderStampede(rows)],
  memory: (result) => ['## Memory', renderMemory(result)],
  growth: (rows) => ['## Growth', renderGrowth(rows)],
  flood: (result) => ['## Requests with valid tokens during a flood of random tokens', renderFlood(result)],
  dpop: (result) => ['## A DPoP proof', renderDpop(result)],
  import: (result) => ['## Loading the package', renderImport(result)],
};

function renderEnvironment(results) {
  const versions = Object.entries(results.environment.packages).map(([name, version]) => `${name} ${version}`);
  return [renderMachine(results), `${versions.join(', ')}.`].join('\n');
}

function renderMachine({ size, environment: { node, platform, cpu, cores, memoryGigabytes, commit } }) {
  return `Node ${node} on ${platform}, ${cores} × ${cpu}, ${memoryGigabytes} GB; commit ${commit}; ${size} run.`;
}

function renderInProcess(rows, section) {
  return [
    `## ${TITLES[section]}`,
    ...tablesByGroup(rows, (baseline) => ({
      target: ({ target }) => target,
      'CPU ns': ({ nanoseconds }) => interval(nanoseconds, 0),
      [`× ${baseline}`]: ({ timesBaseline }) => ratio(timesBaseline),
      'first 5,000: CPU ns': ({ coldNanoseconds }) => interval(coldNanoseconds, 0),
      'first 5,000: ×': ({ coldTimesBaseline }) => ratio(coldTimesBaseline),
      'bytes allocated': ({ bytes }) => interval(bytes, 0),
    })),
  ];
}

function renderCpu(rows, section) {
  return [
    `## ${TITLES[section]}`,
    ...tablesByGroup(rows, (baseline) => ({
      target: ({ target }) => target,
      'additional CPU µs': ({ extraCpuMicros }) => interval(extraCpuMicros, 1),
      [`× ${baseline}`]: ({ cpuTimesBaseline }) => ratio(cpuTimesBaseline),
      'requests/s': ({ perSecond }) => perSecond.toLocaleString('en'),
      'of the rate without authentication': ({ ratioToBare }) => ratio(ratioToBare),
    })),
  ];
}

function renderThroughput(rows, section) {
  return [
    `## ${TITLES[section]}`,
    ...tablesByGroup(rows, (baseline) => ({
      target: ({ target }) => target,
      'requests/s': ({ perSecond }) => perSecond.toLocaleString('en'),
      'of the rate without authentication': ({ ratioToBare }) => ratio(ratioToBare),
      [`of the rate of ${baseline}`]: ({ perSecondTimesBaseline }) => ratio(perSecondTimesBaseline),
      'additional CPU µs': ({ extraCpuMicros }) => interval(extraCpuMicros, 1),
    })),
  ];
}

/** One table for each group of targets, because each group is compared with another target. */
function tablesByGroup(rows, columnsFor) {
  return Object.entries(BASELINES).flatMap(([group, baseline]) => {
    const names = targets.filter((target) => target.group === group || target.name === baseline);
    const shown = rows.filter(({ target }) => names.some(({ name }) => name === target));
    if (!shown.some(({ target }) => targets.find(({ name }) => name === target).group === group)) return [];
    const columns = columnsFor(baseline);
    const cells = shown.map((row) =>
      Object.values(columns).map((column) => column(row.target === baseline ? withoutComparison(row) : row)),
    );
    const used = Object.keys(columns).map((_, index) => cells.some((line) => line[index] !== ''));
    const keep = (line) => line.filter((_, index) => used[index]);
    return [table(keep(Object.keys(columns)), cells.map(keep))];
  });
}

/** A baseline may also be in another group, where it is compared with something else. */
function withoutComparison({ timesBaseline, coldTimesBaseline, cpuTimesBaseline, perSecondTimesBaseline, ...row }) {
  return row;
}

function renderStampede(rows) {
  return table(
    [
      'target',
      'introspection requests, valid token',
      'open sockets',
      'introspection requests, invalid token',
      'open sockets',
    ],
    rows.map(({ target, good, bad }) => [target, good.calls, good.peakSockets, bad.calls, bad.peakSockets]),
  );
}

function renderMemory({ perEntry, bounded }) {
  const { entries, heapBytes, rssBytes } = perEntry;
  return [
    `${entries.toLocaleString('en')} cached active tokens with ten claims each: ${heapBytes} bytes of heap and ${rssBytes} bytes of RSS per token.`,
    `${bounded.distinct.toLocaleString('en')} different tokens with the default cache size (${bounded.entries.toLocaleString('en')} entries at the end). ` +
      `After each tenth: heap ${bounded.heapMegabytes.join(', ')} MB; RSS ${bounded.rssMegabytes.join(', ')} MB.`,
  ].join('\n\n');
}

function renderGrowth(rows) {
  const columns = [
    'cached tokens in each process',
    'processes',
    'a hit: CPU ns',
    'heap MB',
    'RSS MB',
    'median GC pause ms',
    'longest GC pause ms',
  ];
  return [
    table(
      columns,
      rows.map((row) => [
        row.tokens.toLocaleString('en'),
        row.processes,
        interval(row.nanoseconds, 0),
        row.heapMegabytes,
        row.rssMegabytes,
        row.medianPauseMs,
        row.longestPauseMs,
      ]),
    ),
    'All processes of a row run at the same time. Heap and RSS are those of the largest process after a garbage collection.',
  ].join('\n\n');
}

function renderFlood({ goodRequests, badRequests, goodHitRatio, latencyMs: { withoutFlood, duringFlood } }) {
  const rows = Object.entries({ 'without a flood': withoutFlood, 'during the flood': duringFlood });
  return [
    `${goodRequests} requests with valid tokens and ${badRequests} with random tokens at the same time: ${(goodHitRatio * 100).toFixed(1)} % of those with valid tokens were cache hits.`,
    table(
      ['requests with valid tokens', 'p50 ms', 'p90 ms', 'p99 ms'],
      rows.map(([name, { p50, p90, p99 }]) => [name, p50, p90, p99]),
    ),
  ].join('\n\n');
}

function renderDpop({ proofs, uncachedKeys, cachedKeys, importedKeys }) {
  const row = (name, { oursMicros, bareMicros, ratio: times }) => [
    name,
    interval(oursMicros, 1),
    interval(bareMicros, 1),
    ratio(times),
  ];
  return [
    `${proofs.toLocaleString('en')} new ES256 proofs for each row, each with a cached token. CPU µs per proof.`,
    table(
      ['key of the proof', 'middleware', "only jose's `jwtVerify`", 'ratio'],
      [
        row('not cached; jose uses `EmbeddedJWK`', uncachedKeys),
        row('cached; jose uses `EmbeddedJWK`', cachedKeys),
        row('cached; jose uses a key that was imported before', importedKeys),
      ],
    ),
  ].join('\n\n');
}

function renderImport({ libraryMillis, dependenciesMillis, ratio: times, packages, ownBytes }) {
  return [
    `${interval(libraryMillis, 1)} ms. Only undici, zod and lru-cache take ${interval(dependenciesMillis, 1)} ms. The ratio is ${ratio(times)}.`,
    `Packages loaded: ${packages.join(', ')}. Code of this package: ${Math.round(ownBytes / 1000)} kB, not minified.`,
  ].join(' ');
}

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** A median with its confidence interval; empty for a figure that was not measured. */
export function interval(estimate, digits) {
  if (estimate === undefined) return '';
  const [median, low, high] = [estimate.median, estimate.low, estimate.high].map((value) => format(value, digits));
  return `${median} (${low} to ${high})`;
}

/** A ratio with its confidence interval, or "not resolved" if the interval includes "no difference". */
export function ratio(comparison) {
  if (comparison === undefined) return '';
  if (comparison.isResolved) return interval(comparison, 2);
  return `not resolved (${comparison.low.toFixed(2)} to ${comparison.high.toFixed(2)})`;
}

function format(value, digits) {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
