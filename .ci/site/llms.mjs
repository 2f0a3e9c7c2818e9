// Writes llms.txt and llms-full.txt for language models: a list of the documents, and all of them in one file.
// See https://llmstxt.org. They are written before the package is packed, and with the website.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { headingOf, NAVIGATION, pagesOf, readPage, root, SUMMARIES } from './navigation.mjs';

const { name, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Documents that the package contains. Its changelog and its results of benchmarks help nobody to write code. */
const CHAPTERS = NAVIGATION.filter(({ isOnlyInRepository }) => !isOnlyInRepository).map((chapter) => ({
  title: chapter.title,
  pages: pagesOf(chapter).filter((path) => path !== 'CHANGELOG.md'),
}));

export function llmsFiles() {
  const lists = CHAPTERS.map(
    ({ title, pages }) =>
      `## ${title}\n\n${pages.map((path) => `- [${headingOf(path)}](${path}): ${summary(path)}\n`).join('')}`,
  );
  const documents = CHAPTERS.flatMap(({ pages }) => pages).map(
    (path) => `<!-- ${path} -->\n\n${readPage(path).trim()}\n`,
  );
  const introduction = `# ${name}\n\n> ${description}.\n`;
  return {
    'llms.txt': [introduction, 'All documents in one file: [llms-full.txt](llms-full.txt)\n', ...lists].join('\n'),
    'llms-full.txt': [introduction, ...documents].join('\n'),
  };
}

/** What a page is about. By default its first two sentences, without links. */
function summary(path) {
  if (SUMMARIES[path] !== undefined) return SUMMARIES[path];
  const blocks = readPage(path)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .split('\n\n');
  const paragraph = blocks.find((block, index) => index > 0 && /^[\w`*[]/.test(block));
  const text = paragraph.replace(/\s+/g, ' ').replace(/\[([^\]]+)\]\([^)]*\)/g, '$1');
  return /^.+?[.?:](?: .+?[.?:])?(?= |$)/.exec(text)[0].replace(/:$/, '.');
}

export function writeLlmsFiles(folder = root) {
  for (const [file, content] of Object.entries(llmsFiles())) writeFileSync(join(folder, file), content);
}

if (process.argv[1] === import.meta.filename) writeLlmsFiles();
