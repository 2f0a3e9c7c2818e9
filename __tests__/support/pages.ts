import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ROOT } from './child.js';

/** Folders with generated or third-party files; `quick` has the results of short benchmarks. */
const SKIPPED = /^(?:node_modules|dist|api|coverage|quick|\..*)$/;

export function page(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

/** Paths of all Markdown files below a folder. */
export function findPages(folder = '.'): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : findPages(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Rows of the first table whose header row starts with this text. Each row is a list of cells. */
export function table(markdown: string, header: string): string[][] {
  const [, first] = markdown.split(`\n${header}`);
  if (first === undefined) throw new Error(`There is no table "${header}"`);
  return rowsOf(first);
}

/** Rows of all tables whose header row starts with this text. */
export function tables(markdown: string, header: string): string[][] {
  const [, ...all] = markdown.split(`\n${header}`);
  if (all.length === 0) throw new Error(`There is no table "${header}"`);
  return all.flatMap(rowsOf);
}

/** Rows of the table at the beginning of the text, which starts in the header row. */
function rowsOf(markdown: string): string[][] {
  const [rows = ''] = markdown.split('\n\n', 1);
  return rows
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** The words of a cell that are formatted as code. */
export function codeWords(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);
}
