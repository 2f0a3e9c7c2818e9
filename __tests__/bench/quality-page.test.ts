import { evaluate } from '../support/evaluate.js';

const BEGIN = '<!-- fuzz: written by npm run fuzz -- --write -->';
const END = '<!-- fuzz: end -->';

function replaceSection(page: string): unknown {
  return evaluate('bench/quality-page.mjs', `module.replaceSection(${JSON.stringify(page)}, 'fuzz', 'new')`);
}

describe('replaceSection', () => {
  it('replaces only the text between the markers of the command', () => {
    const page = `# Quality\n\n<!-- model: end -->\n\n${BEGIN}\n\nold\n\n${END}\n\nmore`;
    expect(replaceSection(page)).toBe(`# Quality\n\n<!-- model: end -->\n\n${BEGIN}\n\nnew\n\n${END}\n\nmore`);
  });

  it.each([
    ['no marker', '# Quality'],
    ['no marker of the begin', `# Quality\n${END}`],
    ['no marker of the end', `# Quality\n${BEGIN}`],
  ])('throws for a page with %s', (_, page) => {
    expect(() => replaceSection(page)).toThrow('docs/quality.md needs');
  });
});
