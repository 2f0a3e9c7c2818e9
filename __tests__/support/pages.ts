import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ROOT } from './child.js';

/** Folders with generated or third-party files. */
const SKIPPED = /^(?:node_modules|dist|api|coverage|\..*)$/;

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

/** Rows of the table whose header row starts with this text. Each row is a list of cells. */
export function table(markdown: string, header: string): string[][] {
  const start = markdown.indexOf(`\n${header}`);
  if (start === -1) throw new Error(`There is no table "${header}"`);
  return markdown
    .slice(start + 1)
    .split('\n\n', 1)[0]
    ?.split('\n')
    .slice(2)
    .map((row) =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ) as string[][];
}

/** The words of a cell that are formatted as code. */
export function codeWords(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);
}
