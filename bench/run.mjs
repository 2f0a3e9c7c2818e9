/**
 * npm run bench [-- --quick] [--only=hit,miss,peers] [--sections=in-process,http,…]
 *
 * Runs the benchmark and writes results.json, results.md and the charts to results/, and the main figures to the README and the guide. A
 * quick, partial or smoke run writes to results/quick/ instead, and does not change the committed results.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
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
const { measureInProcess } = await import('./sections/in-process.mjs');
const { measureGrowth } = await import('./sections/growth.mjs');
const { measureImport } = await import('./sections/import.mjs');
const { measureMemory } = await import('./sections/memory.mjs');
const { measureStampede } = await import('./sections/stampede.mjs');
const { measureOverHttp } = await import('./sections/over-http.mjs');
const { GROUPS } = await import('./targets/index.mjs');
const { createTokens } = await import('./tokens.mjs');
const { writeDocs } = await import('./write-docs.mjs');

const TOKENS = 1000;
const SHORT_LENGTH = 43;
const LONG_LENGTH = 1500;

/** Sections that `--only` selects, because they compare the targets of the groups. */
const TARGET_SECTIONS = ['in-process', 'in-process-long', 'http', 'express', 'stampede'];

const plans = {
  full: {
    'in-process': {
      processes: 4,
      harnessRounds: 20,
      warmUpRounds: 20,
      rounds: 40,
      allocationRounds: 20,
      coldProcesses: 20,
    },
    http: { processes: 2, maxWarmUps: 6, rounds: 6, seconds: 1 },
    ...{ entries: 1_000_000, distinct: 2_000_000, flood: { seconds: 300, rate: 3500 }, imports: 25 },
    ...{ proofRounds: 40, proofs: 500 },
    growth: [
      { tokens: 10_000, processCounts: [1, 2, 4, 8] },
      { tokens: 100_000, processCounts: [1, 2, 4, 8] },
      { tokens: 1_000_000, processCounts: [1, 2, 8] },
    ],
  },
  quick: {
    'in-process': {
      processes: 2,
      harnessRounds: 20,
      warmUpRounds: 20,
      rounds: 20,
      allocationRounds: 5,
      coldProcesses: 6,
    },
    http: { processes: 1, maxWarmUps: 4, rounds: 6, seconds: 0.5 },
    ...{ entries: 200_000, distinct: 200_000, flood: { seconds: 4, rate: 1000 }, imports: 9 },
    ...{ proofRounds: 15, proofs: 500 },
    growth: [
      { tokens: 10_000, processCounts: [1, 2] },
      { tokens: 100_000, processCounts: [1, 2] },
    ],
  },
  smoke: {
    'in-process': { processes: 1, harnessRounds: 1, warmUpRounds: 1, rounds: 1, allocationRounds: 1, coldProcesses: 1 },
    http: { processes: 1, maxWarmUps: 1, rounds: 1, seconds: 0.1 },
    ...{ entries: 2000, distinct: 20_000, flood: { seconds: 1, rate: 1000 }, imports: 2 },
    ...{ proofRounds: 2, proofs: 100, growth: [{ tokens: 1000, processCounts: [2] }] },
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
const size = values.smoke ? 'smoke' : values.quick || values.only !== '' ? 'quick' : 'full';
const plan = plans[size];
const groups = select('only', values.only, GROUPS);
const isFullRun = size === 'full' && values.sections === undefined;

const report = (line) => process.stderr.write(`${line}\n`);
const [endpoint, load, otherLoad] = await Promise.all(
  ['endpoint.mjs', 'load.mjs', 'load.mjs'].map((script) => startChild(script)),
);
endpoint.url = `http://127.0.0.1:${endpoint.firstMessage.port}`;

try {
  const short = await createTokens({ count: TOKENS, length: SHORT_LENGTH });
  const inProcess = (tokens, exceptions) =>
    measureInProcess({ groups, tokens, endpoint, plan: { ...plan['in-process'], ...exceptions }, report });
  const overHttp = (host) => measureOverHttp({ host, groups, tokens: short, endpoint, load, plan: plan.http, report });
  const common = { groups, tokens: short, endpoint, load, otherLoad, plan, report };
  await endpoint.send({ set: { keys: Object.values(short.keys) } });
  const sections = {
    'in-process': () => inProcess(short),
    'in-process-long': async () =>
      inProcess(await createTokens({ count: TOKENS, length: LONG_LENGTH }), { coldProcesses: 0 }),
    http: () => overHttp('http'),
    express: () => overHttp('express'),
    stampede: () => measureStampede(common),
    flood: () => measureFlood(common),
    memory: () => measureMemory(common),
    growth: () => measureGrowth(common),
    dpop: () => measureDpop(common),
    import: () => measureImport(common),
  };
  const selected = select('sections', values.sections ?? '', Object.keys(sections)).filter(
    (name) => values.only === '' || values.sections !== undefined || TARGET_SECTIONS.includes(name),
  );
  const results = { size, environment: environment() };
  const directory = isFullRun ? `${folder}results` : `${folder}results/quick`;
  mkdirSync(directory, { recursive: true });
  // A section that fails must not lose the results of the others.
  const measured = `${directory}/measured.json`;
  for (const name of selected) {
    results[name] = await sections[name]();
    writeFileSync(measured, JSON.stringify(results, null, 2));
  }
  const markdown = renderReport(results);
  writeFileSync(`${directory}/results.json`, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(`${directory}/results.md`, markdown);
  for (const [name, svg] of Object.entries(drawCharts(results))) writeFileSync(`${directory}/${name}.svg`, svg);
  rmSync(measured);
  if (isFullRun) writeDocs(results, new URL('..', import.meta.url));
  process.stdout.write(`${markdown}\nWritten to ${isFullRun ? 'bench/results' : 'bench/results/quick'}\n`);
} finally {
  for (const child of [endpoint, load, otherLoad]) child.stop();
}

/** The selected names; all of them for an empty text. */
function select(option, text, names) {
  const given = text === '' ? names : text.split(',');
  if (given.every((name) => names.includes(name))) return given;
  throw new Error(`--${option}: use names from ${names.join(', ')}`);
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
