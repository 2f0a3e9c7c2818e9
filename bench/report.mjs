const HEADINGS = {
  'throughput-express': 'Express 5, tokens of 43 characters',
  'throughput-http': '`node:http`, tokens of 43 characters',
  'throughput-express-long': 'Express 5, tokens of 1,500 characters',
  'throughput-http-long': '`node:http`, tokens of 1,500 characters',
};

/** The results as Markdown. */
export function renderReport(results) {
  const parts = ['# Results', renderEnvironment(results)];
  for (const [section, heading] of Object.entries(HEADINGS)) {
    if (results[section] !== undefined) parts.push(`## ${heading}`, renderThroughput(results[section]));
  }
  if (results.stampede !== undefined)
    parts.push('## 500 parallel requests with one unknown token', renderStampede(results.stampede));
  if (results.memory !== undefined) parts.push('## Memory', renderMemory(results.memory));
  if (results.flood !== undefined)
    parts.push('## Good traffic beside a flood of random tokens', renderFlood(results.flood));
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
    ['target', 'requests/s', 'ratio to bare', 'CPU µs a request, on top of bare'],
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
    ['target', 'endpoint calls, good token', 'sockets open', 'endpoint calls, bad token', 'sockets open'],
    rows.map(({ target, good, bad }) => [target, good.calls, good.peakSockets, bad.calls, bad.peakSockets]),
  );
}

function renderMemory({ perEntry, bounded }) {
  const { entries, heapBytes, rssBytes } = perEntry;
  return [
    `${entries.toLocaleString('en')} cached active tokens with ten claims each: ${heapBytes} bytes of heap a token, ${rssBytes} of RSS.`,
    `${bounded.distinct.toLocaleString('en')} distinct tokens through a cache with the default bound (${bounded.entries.toLocaleString('en')} entries at the end), ` +
      `at each tenth of the way: heap ${bounded.heapMegabytes.join(', ')} MB; RSS ${bounded.rssMegabytes.join(', ')} MB.`,
  ].join('\n\n');
}

function renderFlood({ goodRequests, badRequests, goodHitRatio, latencyMs: { alone, besideTheFlood } }) {
  const rows = Object.entries({ alone, 'beside the flood': besideTheFlood });
  return [
    `${goodRequests} good requests and ${badRequests} with random tokens, at the same time: ${(goodHitRatio * 100).toFixed(1)} % of the good ones were answered from memory.`,
    table(
      ['good requests', 'p50 ms', 'p90 ms', 'p99 ms'],
      rows.map(([name, { p50, p90, p99 }]) => [name, p50, p90, p99]),
    ),
  ].join('\n\n');
}

function renderDpop({ proofs, strangers, regulars, imported }) {
  const row = (name, { oursMicros, bareMicros, ratio }) => [name, oursMicros, bareMicros, spread(ratio, 2)];
  return [
    `${proofs.toLocaleString('en')} fresh ES256 proofs a row, each with a token that is remembered: CPU µs a proof, median of pairs of bursts.`,
    table(
      ['a proof of; what jose verifies it with', 'the middleware', "jose's bare `jwtVerify`", 'ratio'],
      [
        row('a key not seen lately; `EmbeddedJWK`', strangers),
        row('a key seen lately; `EmbeddedJWK`', regulars),
        row('a key seen lately; the key imported beforehand', imported),
      ],
    ),
  ].join('\n\n');
}

function renderImport({ libraryMillis, dependenciesMillis, ratio, packages, ownBytes }) {
  return [
    `${libraryMillis} ms, where undici, zod and lru-cache alone take ${dependenciesMillis} ms (${ratio} times that).`,
    `Packages loaded: ${packages.join(', ')}. Its own code: ${Math.round(ownBytes / 1000)} kB, not minified.`,
  ].join(' ');
}

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

function spread({ median, min, max }, digits) {
  const [middle, least, greatest] = [median, min, max].map((value) => value.toFixed(digits));
  return least === greatest ? middle : `${middle} (${least} to ${greatest})`;
}
