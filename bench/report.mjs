const HEADINGS = {
  'throughput-express': 'Express 5, tokens of 43 characters',
  'throughput-http': '`node:http`, tokens of 43 characters',
  'throughput-express-long': 'Express 5, tokens of 1,500 characters',
  'throughput-http-long': '`node:http`, tokens of 1,500 characters',
};

/** Renders the results as Markdown. */
export function renderReport(results) {
  const parts = ['# Results', renderEnvironment(results)];
  for (const [section, heading] of Object.entries(HEADINGS)) {
    if (results[section] !== undefined) parts.push(`## ${heading}`, renderThroughput(results[section]));
  }
  if (results.stampede !== undefined)
    parts.push('## 500 parallel requests with one unknown token', renderStampede(results.stampede));
  if (results.memory !== undefined) parts.push('## Memory', renderMemory(results.memory));
  if (results.flood !== undefined)
    parts.push('## Requests with valid tokens during a flood of random tokens', renderFlood(results.flood));
  if (results.dpop !== undefined) parts.push('## A DPoP proof', renderDpop(results.dpop));
  if (results.import !== undefined) parts.push('## Loading the package', renderImport(results.import));
  return `${parts.join('\n\n')}\n`;
}

function renderEnvironment({ size, environment }) {
  const { node, platform, cpu, cores, memoryGigabytes, commit, packages } = environment;
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return [
    `Node ${node} on ${platform}, ${cores} × ${cpu}, ${memoryGigabytes} GB; commit ${commit}; ${size} run.`,
    `${versions.join(', ')}.`,
  ].join('\n');
}

function renderThroughput(rows) {
  return table(
    ['target', 'requests/s', 'ratio to the app without authentication', 'additional CPU µs per request'],
    rows.map(({ target, perSecond, ratioToBare, extraCpuMicros }) => [
      target,
      perSecond.median.toLocaleString('en'),
      spread(ratioToBare, 2),
      spread(extraCpuMicros, 1),
    ]),
  );
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
  const row = (name, { oursMicros, bareMicros, ratio }) => [name, oursMicros, bareMicros, spread(ratio, 2)];
  return [
    `${proofs.toLocaleString('en')} new ES256 proofs for each row, each with a cached token. CPU µs per proof, median of pairs of measurements.`,
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

function renderImport({ libraryMillis, dependenciesMillis, ratio, packages, ownBytes }) {
  return [
    `${libraryMillis} ms. Only undici, zod and lru-cache take ${dependenciesMillis} ms (ratio ${ratio}).`,
    `Packages loaded: ${packages.join(', ')}. Code of this package: ${Math.round(ownBytes / 1000)} kB, not minified.`,
  ].join(' ');
}

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

function spread({ median, min, max }, digits) {
  const [middle, lowest, highest] = [median, min, max].map((value) => value.toFixed(digits));
  return lowest === highest ? middle : `${middle} (${lowest} to ${highest})`;
}
