// Keeps the results of the simulation, and writes them into docs/quality.md.
import * as page from '../quality-page.mjs';

const COMMAND = 'simulate';

/** Merges the results of a run into those of earlier runs. */
export function writeResults(results) {
  const all = { ...page.readResults(COMMAND), ...results };
  page.writeResults(COMMAND, all, render(all));
}

function render({ run, planted }) {
  return [run && renderRun(run), planted && renderPlanted(planted)].filter(Boolean).join('\n\n');
}

function renderRun({ command, workers, seeds, events, totals, seconds, cpuSeconds, isGood }) {
  const perSeed = ((cpuSeconds * 1000) / seeds).toFixed(1);
  return [
    '| command | seeds | threads | seconds | CPU seconds | CPU ms a seed | events | requests | introspection requests | broken rules |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
    `| \`${command}\` | ${seeds} | ${workers} | ${Math.round(seconds)} | ${Math.round(cpuSeconds)} | ${perSeed} | ${events} | ${totals.requests} | ${totals.calls} | ${isGood ? 0 : 1} |`,
  ].join('\n');
}

function renderPlanted({ command, bugs }) {
  const found = bugs.filter(({ seed }) => seed !== undefined);
  const rows = bugs.map(({ guard, file, seed }) => `| ${guard} | \`${file}\` | ${seed ?? 'not found'} |`);
  return [
    `\`${command}\` removes ${bugs.length} guards, one at a time, and notices ${found.length} of them:`,
    '',
    '| guard that is removed | file | first seed that notices it |',
    '|---|---|--:|',
    ...rows,
  ].join('\n');
}
