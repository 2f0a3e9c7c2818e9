// Keeps the results of the model checker, and writes them into docs/quality.md.
import * as page from '../quality-page.mjs';

const COMMAND = 'model';

/** Keeps the result of an exploration, and replaces an earlier one of the same command. */
export function writeExploration(exploration) {
  const { explorations = [], ...others } = page.readResults(COMMAND);
  const kept = explorations.filter(({ command }) => command !== exploration.command);
  write({ ...others, explorations: [...kept, exploration] });
}

export function writeGuards(guards) {
  write({ ...page.readResults(COMMAND), guards });
}

function write(results) {
  page.writeResults(COMMAND, results, render(results));
}

function render({ explorations = [], guards = [] }) {
  const parts = [];
  if (explorations.length > 0) parts.push([...EXPLORATIONS, ...explorations.map(renderExploration)].join('\n'));
  if (guards.length > 0) parts.push(renderGuards(guards));
  return parts.join('\n\n');
}

const EXPLORATIONS = [
  '| command | states | extent | seconds | CPU seconds | states a second | states a CPU second | violations |',
  '|---|---|---|---|---|---|---|---|',
];

function renderExploration({ command, states, seconds, cpuSeconds, depth, isComplete, violation }) {
  const extent = isComplete ? `all orders of up to ${depth} events` : `stopped in paths of ${depth} events`;
  const figures = [seconds, cpuSeconds, states / seconds, states / cpuSeconds].map(Math.round);
  return `| ${[`\`${command}\``, states, extent, ...figures, violation ? 1 : 0].join(' | ')} |`;
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
