// Keeps the results of the rooms, and writes them into docs/quality.md.
import * as page from '../quality-page.mjs';
import { ROOMS } from './rooms.mjs';
import { formatScore } from './survivors.mjs';

const COMMAND = 'mutation';

/** Merges the results of a run into those of earlier runs, and writes all of them into the page. */
export function writeResults(results) {
  const all = { ...page.readResults(COMMAND), ...results };
  page.writeResults(COMMAND, all, renderTable(all));
}

/** One row for each room that has been tested, in the order of the rooms. */
export function renderTable(results) {
  const isMeasured = (room) => Object.hasOwn(results, room);
  const rooms = Object.keys(ROOMS);
  const missing = rooms.filter((room) => !isMeasured(room));
  const rows = rooms.filter(isMeasured).map((room) => renderRow(room, results[room]));
  return [
    '| room | mutants | killed | timed out | survived | listed as equivalent | not covered | failed to run | score | date | command |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
    ...(missing.length === 0 ? [] : ['', `Not measured yet: ${missing.join(', ')}.`]),
  ].join('\n');
}

function renderRow(room, { date, equivalent, ...counts }) {
  const { mutants, killed, timedOut, survived, notCovered, failed } = counts;
  const cells = [room, mutants, killed, timedOut, survived, equivalent, notCovered, failed, formatScore(counts), date];
  return `| ${cells.join(' | ')} | \`npm run mutation -- ${room}\` |`;
}
