// Keeps the results of the model checker, and writes them into docs/quality.md.
import * as page from '../quality-page.mjs';

const COMMAND = 'model';

/** Merges the results of a run into those of earlier runs. */
export function writeResults(results) {
  const all = { ...page.readResults(COMMAND), ...results };
  page.writeResults(COMMAND, all, render(all));
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
