// Keeps the results of the rooms, and writes them into docs/quality.md.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOMS } from './rooms.mjs';
import { formatScore } from './survivors.mjs';

const root = join(import.meta.dirname, '../..');
const FOLDER = join(root, 'bench/results/mutation');
const FILE = join(FOLDER, 'results.json');
const PAGE = join(root, 'docs/quality.md');
const BEGIN = '<!-- mutation: written by npm run mutation -- --write -->';
const END = '<!-- mutation: end -->';

/** Merges the results of a run into those of earlier runs, and writes all of them into the page. */
export function writeResults(results) {
  const earlier = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
  const all = { ...earlier, ...results };
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(PAGE, replaceTable(readFileSync(PAGE, 'utf8'), renderTable(all)));
}

export function replaceTable(page, table) {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`docs/quality.md needs ${BEGIN} and then ${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${table}\n\n${page.slice(end)}`;
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
