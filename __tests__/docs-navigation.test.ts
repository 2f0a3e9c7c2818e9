import { evaluate } from './support/evaluate.js';
import { findPages, page } from './support/pages.js';

describe('the website', () => {
  it('lists every page once', () => {
    const listed = evaluate('.ci/site/navigation.mjs', 'module.PAGES') as string[];
    expect([...listed].sort()).toEqual(findPages().sort());
  });
});

describe('the files for language models', () => {
  const files = evaluate('.ci/site/llms.mjs', 'module.llmsFiles()') as Record<'llms.txt' | 'llms-full.txt', string>;
  const documents = findPages().filter((path) => /^docs\/|^README|^SECURITY/.test(path));

  it.each(documents)('contain %s', (path) => {
    expect(files['llms-full.txt']).toContain(page(path).trim());
    expect(files['llms.txt']).toMatch(new RegExp(`^- \\[.+\\]\\(${path}\\): .{20,300}$`, 'm'));
  });

  it('are made when the package is packed', () => {
    expect(JSON.parse(page('package.json')).scripts.prepack).toContain('.ci/site/llms.mjs');
  });
});
