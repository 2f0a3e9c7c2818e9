import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findPages, page } from './support/pages.js';

const SITE = join(__dirname, '../.ci/site');

/** Exports of a module of the website, as JSON. */
function evaluate(module: string, expression: string): unknown {
  const script = `import * as site from '${pathToFileURL(join(SITE, module))}'; console.log(JSON.stringify(${expression}));`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

describe('the website', () => {
  it('lists every page once', () => {
    const listed = evaluate('navigation.mjs', 'site.PAGES') as string[];
    expect([...listed].sort()).toEqual(findPages().sort());
  });
});

describe('the files for language models', () => {
  const files = evaluate('llms.mjs', 'site.llmsFiles()') as Record<'llms.txt' | 'llms-full.txt', string>;
  const documents = findPages().filter((path) => /^docs\/|^README|^SECURITY/.test(path));

  it.each(documents)('contain %s', (path) => {
    expect(files['llms-full.txt']).toContain(page(path).trim());
    expect(files['llms.txt']).toMatch(new RegExp(`^- \\[.+\\]\\(${path}\\): .{20,300}$`, 'm'));
  });

  it('are made when the package is packed', () => {
    expect(JSON.parse(page('package.json')).scripts.prepack).toContain('.ci/site/llms.mjs');
  });
});
