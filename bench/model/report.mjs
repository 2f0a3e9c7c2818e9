// Keeps the results of the model checker, and writes them into docs/quality.md.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const FOLDER = join(root, 'bench/results/model');
const FILE = join(FOLDER, 'results.json');
const PAGE = join(root, 'docs/quality.md');
const BEGIN = '<!-- model: written by npm run model -- --write -->';
const END = '<!-- model: end -->';

export function readResults() {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
}

/** Merges the results of a run into those of earlier runs. */
export function writeResults(results) {
  const all = { ...readResults(), ...results };
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(all, null, 2)}\n`);
  const page = readFileSync(PAGE, 'utf8');
  const [before] = page.split(BEGIN);
  const [, after] = page.split(END);
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${render(all)}\n\n${END}${after}`);
}

function render({ exploration, guards = [] }) {
  return [exploration && renderExploration(exploration), guards.length > 0 && renderGuards(guards)]
    .filter(Boolean)
    .join('\n\n');
}

function renderExploration({ command, states, seconds, cpuSeconds, depth, isComplete, violation }) {
  const extent = isComplete ? `all orders of up to ${depth} events` : `stopped in paths of ${depth} events`;
  return [
    '| command | states | extent | seconds | CPU seconds | states a second | states a CPU second | violations |',
    '|---|---|---|---|---|---|---|---|',
    `| \`${command}\` | ${states} | ${extent} | ${Math.round(seconds)} | ${Math.round(cpuSeconds)} | ${Math.round(states / seconds)} | ${Math.round(states / cpuSeconds)} | ${violation ? 1 : 0} |`,
  ].join('\n');
}

function renderGuards(guards) {
  const found = guards.filter(({ timeline }) => timeline !== undefined);
  const rows = guards.map(
    ({ guard, file, path, states }) => `| ${guard} | \`${file}\` | ${path ? path.length : 'none'} | ${states} |`,
  );
  return [
    `\`npm run model -- --guards\` removes ${guards.length} guards, one at a time, and finds a counterexample for ${found.length} of them:`,
    '',
    '| guard that is removed | file | events until the violation | states |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}
