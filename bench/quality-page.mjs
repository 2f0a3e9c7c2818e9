// Keeps the results of a command in bench/results, and writes them into the section of that command in docs/quality.md.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const PAGE = join(root, 'docs/quality.md');

const fileOf = (command) => join(root, 'bench/results', command, 'results.json');

/** The results that were written last; an empty object if there are none. */
export function readResults(command) {
  const file = fileOf(command);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

/** Writes all results of a command, and the text that shows them. */
export function writeResults(command, results, text) {
  // The page comes first: if it has no such section, nothing is written.
  writeSection(command, text);
  mkdirSync(dirname(fileOf(command)), { recursive: true });
  writeFileSync(fileOf(command), `${JSON.stringify(results, null, 2)}\n`);
}

/** Writes the section of a command whose results are kept elsewhere. */
export function writeSection(name, text) {
  writeFileSync(PAGE, replaceSection(readFileSync(PAGE, 'utf8'), name, text));
}

export function replaceSection(page, name, text) {
  const [beginMark] = new RegExp(`<!-- ${name}: written by .+ -->`).exec(page) ?? [];
  const endMark = `<!-- ${name}: end -->`;
  const begin = page.indexOf(beginMark);
  const end = page.indexOf(endMark);
  if (beginMark === undefined || end < begin)
    throw new Error(`docs/quality.md needs <!-- ${name}: written by … --> and then ${endMark}`);
  return `${page.slice(0, begin)}${beginMark}\n\n${text}\n\n${page.slice(end)}`;
}
