import { readFileSync, writeFileSync } from 'node:fs';
import { renderSummary, renderTables } from './report.mjs';

const BEGIN = '<!-- begin of the results of npm run bench -->';
const END = '<!-- end of the results of npm run bench -->';

/** Writes the results of a full run into README.md and docs/how-it-works.md. `root` is the URL of the project. */
export function writeDocs(results, root) {
  replaceBetween(new URL('README.md', root), renderSummary(results));
  replaceBetween(new URL('docs/how-it-works.md', root), `\n\n${renderTables(results)}\n\n`);
}

function replaceBetween(file, content) {
  const text = readFileSync(file, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`${file.pathname} has no place for the results`);
  writeFileSync(file, `${text.slice(0, begin + BEGIN.length)}${content}${text.slice(end)}`);
}
