/**
 * npm run fleet [-- --quick] [--sections=calls,restart,…]
 *
 * Measures the shared cache with several processes, one Redis and one authorization server. Writes results/fleet/, and a row in
 * docs/quality.md. Exits with code 1 when a response was wrong or late, or when a target was missed. A quick or partial run writes to
 * results/quick/fleet/ only.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const folder = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${folder}node_modules`))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });

const { startChild } = await import('./child.mjs');
const { measureCalls, measureStampede } = await import('./fleet/calls.mjs');
const { drawFleetCharts } = await import('./fleet/charts.mjs');
const { measureCost, measureCostBySize } = await import('./fleet/cost.mjs');
const { measureFaults } = await import('./fleet/faults.mjs');
const { redisVersion, startRedis } = await import('./fleet/redis-server.mjs');
const { renderFleetReport } = await import('./fleet/report.mjs');
const { measureLifetimes } = await import('./fleet/lifetimes.mjs');
const { measureRestart } = await import('./fleet/restart.mjs');
const { measureRevocations } = await import('./fleet/revocations.mjs');
const { measureSignals } = await import('./fleet/signals.mjs');
const { violationsOf } = await import('./fleet/targets.mjs');
const { writeSoakSection } = await import('./soak/quality.mjs');
const { versionOf } = await import('./packages.mjs');

const plans = {
  full: {
    ...{
      sizes: [2, 4, 8],
      inStep: true,
      callsSeconds: 16,
      stampedes: 8,
      delays: [10, 100, 250, 500],
      restartSeconds: 5,
    },
    ...{ revocations: 200, apart: 60, signals: 1000, faults: /./, joiners: 5, tokens: 500, costSizes: [1, 2, 4, 8] },
  },
  quick: {
    ...{ sizes: [4], callsSeconds: 5, callsTtlSeconds: 4, stampedes: 3, delays: [10, 500], restartSeconds: 1 },
    ...{
      revocations: 50,
      apart: 6,
      signals: 50,
      faults: /disconnected from one/,
      joiners: 2,
      tokens: 100,
      costSizes: [1, 2],
    },
  },
};

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, sections: { type: 'string' } },
});
const size = values.quick ? 'quick' : 'full';
const selectedSections = values.sections?.split(',');
const startedAt = performance.now();
const report = (line) =>
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);

const redis = await startRedis();
const endpoint = await startChild('fleet/endpoint.mjs');
endpoint.url = `http://127.0.0.1:${endpoint.firstMessage.port}`;

try {
  const common = { redis, endpoint, plan: plans[size], report };
  const sections = {
    calls: () => measureCalls(common),
    stampede: () => measureStampede(common),
    restart: () => measureRestart(common),
    revocations: () => measureRevocations(common),
    clocks: () => measureRevocations({ ...common, areClocksApart: true }),
    signals: () => measureSignals(common),
    lifetimes: () => measureLifetimes(common),
    faults: () => measureFaults(common),
    cost: () => measureCost(common),
    'cost-by-size': () => measureCostBySize(common),
  };
  const unknown = selectedSections?.filter((name) => !Object.hasOwn(sections, name)) ?? [];
  if (unknown.length > 0) throw new Error(`--sections: use names from ${Object.keys(sections).join(', ')}`);
  const results = { size, environment: environment() };
  for (const [name, measure] of Object.entries(sections)) {
    if (selectedSections?.includes(name) ?? true) results[name] = await measure();
  }
  results.seconds = Math.round((performance.now() - startedAt) / 1000);
  results.violations = violationsOf(results);
  const isFullRun = size === 'full' && selectedSections === undefined;
  const directory = isFullRun ? `${folder}results/fleet` : `${folder}results/quick/fleet`;
  mkdirSync(directory, { recursive: true });
  const markdown = renderFleetReport(results);
  writeFileSync(`${directory}/results.json`, `${JSON.stringify(results, rounded, 2)}\n`);
  writeFileSync(`${directory}/results.md`, markdown);
  for (const [name, svg] of Object.entries(drawFleetCharts(results))) writeFileSync(`${directory}/${name}.svg`, svg);
  if (isFullRun) writeSoakSection();
  process.stdout.write(`${markdown}\nWritten to ${isFullRun ? 'bench/results/fleet' : 'bench/results/quick/fleet'}\n`);
  if (results.violations.length > 0) process.exitCode = 1;
} finally {
  endpoint.stop();
  await redis.stop();
}

function rounded(_name, value) {
  return typeof value === 'number' ? Number(value.toFixed(3)) : value;
}

function environment() {
  return {
    node: process.version,
    redis: redisVersion(),
    client: versionOf('redis'),
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    load: loadavg()[0].toFixed(1),
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
  };
}
