/**
 * npm run bench [-- --quick] [--only=<part of a target's name>] [--sections=memory,import,…]
 *
 * Runs the benchmark and writes results.json, results.md and the charts to results/. A quick, partial or smoke run writes to
 * results/quick/ instead, and does not change the committed results.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const folder = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${folder}node_modules`))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });

const { drawCharts } = await import('./charts.mjs');
const { startChild } = await import('./child.mjs');
const { versionOf } = await import('./packages.mjs');
const { renderReport } = await import('./report.mjs');
const { measureDpop } = await import('./sections/dpop.mjs');
const { measureFlood } = await import('./sections/flood.mjs');
const { measureImport } = await import('./sections/import.mjs');
const { measureMemory } = await import('./sections/memory.mjs');
const { measureStampede } = await import('./sections/stampede.mjs');
const { measureThroughput } = await import('./sections/throughput.mjs');
const { createTokens } = await import('./tokens.mjs');

const TOKENS = 1000;
const SHORT_LENGTH = 43;
const LONG_LENGTH = 1500;

/** Targets that are also measured with long tokens, because the length makes a difference for them. */
const LONG_TOKEN_TARGETS = /floor|single flight|this library, cached|RS256|with a Map/;

const plans = {
  full: {
    ...{ rounds: 3, turns: 8, seconds: 0.4, warmUpSeconds: 3, long: LONG_TOKEN_TARGETS },
    ...{ entries: 1_000_000, distinct: 5_000_000, floodSeconds: 10, imports: 25 },
    ...{ proofRounds: 40, proofs: 500 },
  },
  quick: {
    ...{ rounds: 1, turns: 4, seconds: 0.35, warmUpSeconds: 0.8, long: LONG_TOKEN_TARGETS },
    ...{ entries: 200_000, distinct: 200_000, floodSeconds: 4, imports: 9 },
    ...{ proofRounds: 15, proofs: 500 },
  },
  smoke: {
    ...{ rounds: 1, turns: 1, seconds: 0.1, warmUpSeconds: 0.1, long: /cached$/ },
    ...{ entries: 2000, distinct: 20_000, floodSeconds: 1, imports: 1 },
    ...{ proofRounds: 2, proofs: 100 },
  },
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    sections: { type: 'string' },
  },
});
const size = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full';
const plan = plans[size];
const selectedSections = values.sections?.split(',');
const isFullRun = size === 'full' && values.only === '' && selectedSections === undefined;

const isSelected = (name) => name.includes(values.only);
const report = (line) => process.stderr.write(`${line}\n`);
const [endpoint, load, otherLoad] = await Promise.all(
  ['endpoint.mjs', 'load.mjs', 'load.mjs'].map((script) => startChild(script)),
);
endpoint.url = `http://127.0.0.1:${endpoint.firstMessage.port}`;

try {
  const short = await createTokens({ count: TOKENS, length: SHORT_LENGTH });
  const long = await createTokens({ count: TOKENS, length: LONG_LENGTH });
  const throughput = async (host, tokens, pattern = /./) => {
    await endpoint.send({ set: { keys: Object.values(tokens.keys) } });
    const isWanted = (name) => isSelected(name) && pattern.test(name);
    return measureThroughput({ host, tokens, endpoint, load, plan: { ...plan, wants: isWanted }, report });
  };
  const common = { tokens: short, endpoint, load, otherLoad, plan: { ...plan, wants: isSelected }, report };
  const sections = {
    'throughput-express': () => throughput('express', short),
    'throughput-http': () => throughput('http', short),
    'throughput-express-long': () => throughput('express', long, plan.long),
    'throughput-http-long': () => throughput('http', long, plan.long),
    stampede: () => measureStampede(common),
    flood: () => measureFlood(common),
    memory: () => measureMemory(common),
    dpop: () => measureDpop(common),
    import: () => measureImport(common),
  };
  const results = { size, environment: environment() };
  const unknown = selectedSections?.filter((name) => !Object.hasOwn(sections, name)) ?? [];
  if (unknown.length > 0) throw new Error(`--sections: use names from ${Object.keys(sections).join(', ')}`);
  for (const [name, measure] of Object.entries(sections)) {
    if (selectedSections?.includes(name) ?? true) results[name] = await measure();
  }
  const directory = isFullRun ? `${folder}results` : `${folder}results/quick`;
  mkdirSync(directory, { recursive: true });
  const markdown = renderReport(results);
  writeFileSync(`${directory}/results.json`, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(`${directory}/results.md`, markdown);
  for (const [name, svg] of Object.entries(drawCharts(results))) writeFileSync(`${directory}/${name}.svg`, svg);
  process.stdout.write(`${markdown}\nWritten to ${isFullRun ? 'bench/results' : 'bench/results/quick'}\n`);
} finally {
  for (const child of [endpoint, load, otherLoad]) child.stop();
}

function environment() {
  const git = (...args) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
  let commit = 'unknown';
  try {
    commit =
      git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '--', '../lib') === '' ? '' : ', with changes');
  } catch {}
  const packages = [
    'express',
    'undici',
    'lru-cache',
    'zod',
    'express-oauth2-jwt-bearer',
    'express-jwt',
    'passport-http-bearer',
  ];
  packages.push('jose', '@modelcontextprotocol/sdk', 'token-introspection', 'oauth4webapi', 'autocannon');
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    commit,
    packages: Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
  };
}
