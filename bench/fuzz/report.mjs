// Keeps the results of the fuzzer, and writes them into docs/quality.md.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as page from '../quality-page.mjs';
import { FINDINGS } from './findings.mjs';
import { TARGETS } from './targets/index.mjs';

const root = join(import.meta.dirname, '../..');
const COMMAND = 'fuzz';

/** Comments, which change no result. */
const COMMENT = /^\s*(?:\/\*[\s\S]*?\*\/|\/\/.*)$/gm;

/** Adds a run to the results of its target. A run of other sources replaces earlier runs. */
export function writeResults({ name }, { executions, admitted, cpuSeconds, seconds, inputs, problem }) {
  const all = page.readResults(COMMAND);
  const sources = digestOfSources(name);
  const { [name]: earlier } = all;
  const before =
    earlier?.sources === sources ? earlier : { runs: 0, executions: 0, admitted: 0, cpuSeconds: 0, problems: [] };
  all[name] = {
    ...{ sources, inputs, seconds, runs: before.runs + 1, executions: before.executions + executions },
    ...{ admitted: before.admitted + admitted, cpuSeconds: before.cpuSeconds + cpuSeconds },
    problems: [...before.problems, ...(problem === undefined ? [] : [problem])],
  };
  page.writeResults(COMMAND, all, render(all));
}

function render(results) {
  const rows = TARGETS.filter(({ name }) => Object.hasOwn(results, name)).map((target) =>
    renderTarget(target, results[target.name]),
  );
  const findings = FINDINGS.map(({ target, finding, test }) => `| ${target} | ${finding} | mended; \`${test}\` |`);
  return [
    '| target | executions | of these admitted | CPU seconds | runs | committed inputs | failures in these runs | command |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    ...(findings.length === 0 ? [] : ['| target | finding | result |', '|---|---|---|', ...findings]),
  ]
    .join('\n')
    .trimEnd();
}

function renderTarget({ name, seeds }, { executions, admitted, cpuSeconds, runs, inputs, seconds, problems }) {
  const command = `npm run fuzz -- ${name} --seconds=${seconds}`;
  return `| ${name} | ${executions} | ${admitted} | ${Math.round(cpuSeconds)} | ${runs} | ${inputs + seeds().length} | ${problems.length} | \`${command}\` |`;
}

/** Digest of the library, and of the files that run this target. */
function digestOfSources(name) {
  const files = readdirSync(join(root, 'lib'), { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `lib/${file}`)
    .sort();
  files.push('bench/fuzz/harness.mjs', `bench/fuzz/targets/${name}.mjs`);
  const digest = createHash('sha256');
  for (const file of files)
    digest.update(`${file}\n`).update(readFileSync(join(root, file), 'utf8').replace(COMMENT, ''));
  return digest.digest('base64url').slice(0, 16);
}
