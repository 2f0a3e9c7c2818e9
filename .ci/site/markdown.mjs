// Shows Markdown that is written for code hosts in the website: links, pictures, diagrams and the beginning of the README.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, posix } from 'node:path';
import { readPage, root, sitePath } from './navigation.mjs';

const EXAMPLE = /^example-app\/examples\/[^/]+\/index\.md$/;
const LANGUAGES = { '.mjs': 'js', '.cjs': 'js', '.mts': 'ts', '.json': 'json', '.example': 'ini' };

/** The anchor of a heading on code hosts, so that links work there and here. */
export function slugify(heading) {
  return heading
    .toLowerCase()
    .trim()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\s-]/gu, '')
    .replace(/\s/g, '-');
}

/** Changes how Markdown is rendered. `fileUrl` returns the address of a file on the code host, or undefined if it has none. */
export function adaptMarkdown(md, { isPage, fileUrl }) {
  md.core.ruler.before('normalize', 'example-files', (state) => {
    if (EXAMPLE.test(state.env.relativePath)) state.src += exampleFiles(posix.dirname(state.env.relativePath));
  });
  md.core.ruler.push('repository-links', ({ env, tokens }) => {
    const folder = posix.dirname(env.relativePath ?? '');
    for (const { children } of tokens) adaptLinks(children ?? [], folder, { isPage, fileUrl });
  });
  md.core.ruler.push('empty-headers', ({ tokens }) => {
    // A header cell that is empty is announced as a header without a name.
    for (const [index, token] of tokens.entries()) {
      if (token.type !== 'th_open' || tokens[index + 1].content !== '') continue;
      token.tag = 'td';
      tokens[index + 2].tag = 'td';
    }
  });
  md.core.ruler.before('repository-links', 'home-page', (state) => {
    if (state.env.relativePath === 'index.md') state.tokens = withoutIntroduction(state.tokens);
  });

  const { fence, html_block: htmlBlock } = md.renderer.rules;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index];
    if (info.trim() !== 'mermaid') return fence(tokens, index, ...rest);
    return `<MermaidDiagram code="${encodeURIComponent(content)}" />\n`;
  };
  md.renderer.rules.html_block = (tokens, index, ...rest) => {
    const picture = /<picture>[\s\S]*srcset="([^"]+)"[\s\S]*<img src="([^"]+)" alt="([^"]*)"/.exec(
      tokens[index].content,
    );
    if (picture === null) return htmlBlock(tokens, index, ...rest);
    const [, dark, light, alt] = picture;
    // The theme is chosen in the page, so a media query does not know it.
    return `<p><img class="light-only" src="./${light}" alt="${alt}"><img class="dark-only" src="./${dark}" alt="${alt}"></p>\n`;
  };
}

function adaptLinks(tokens, folder, { isPage, fileUrl }) {
  let isOpenLinkRemoved = false;
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const [target, ...anchor] = token.attrGet('href').split('#');
      if (target === '' || /^[a-z]+:/.test(target)) continue;
      const path = posix.join(folder, decodeURI(target));
      if (isPage(sitePath(path))) {
        token.attrSet('href', [sitePath(target), ...anchor].join('#'));
      } else if (existsSync(join(root, path))) {
        const url = fileUrl(path);
        if (url !== undefined) token.attrSet('href', url);
        else {
          isOpenLinkRemoved = true;
          Object.assign(token, { tag: 'span', type: 'file_open', attrs: [['title', `${path} in the repository`]] });
        }
      }
    } else if (token.type === 'link_close' && isOpenLinkRemoved) {
      isOpenLinkRemoved = false;
      Object.assign(token, { tag: 'span', type: 'file_close' });
    }
  }
}

/** All files of an example as blocks of code, the source first. On a code host, readers open them in the folder. */
function exampleFiles(folder) {
  const names = readdirSync(join(root, folder)).filter((name) => LANGUAGES[extname(name)] !== undefined);
  const rank = (name) => (name.startsWith('app.') ? 0 : 1);
  return names
    .sort((a, b) => rank(a) - rank(b))
    .map((name) => {
      const code = readFileSync(join(root, folder, name), 'utf8');
      return `\n## ${name}\n\n\`\`\`${LANGUAGES[extname(name)]}\n${code}\`\`\`\n`;
    })
    .join('');
}

/** The first heading, paragraph and list are the hero of the home page: see `homePage()`. */
function withoutIntroduction(tokens) {
  return tokens.slice(tokens.findIndex(({ type, level }) => type === 'bullet_list_close' && level === 0) + 1);
}

/** The beginning of the README, as VitePress's home page. */
export function homePage() {
  const readme = readPage('README.md');
  const [, name, tagline] = /^# (.+)\n\n(.+)\n/.exec(readme);
  const features = [...readme.matchAll(/^- \*\*(.+?)\.?\*\* (.+)$/gm)].slice(0, 3);
  return {
    title: name,
    titleTemplate: false,
    frontmatter: {
      layout: 'home',
      hero: {
        name,
        tagline: plain(tagline),
        actions: [
          { theme: 'brand', text: 'Tutorial', link: '/docs/tutorial' },
          { theme: 'alt', text: 'Options', link: '/docs/options' },
          { theme: 'alt', text: 'Troubleshooting', link: '/docs/troubleshooting' },
        ],
      },
      features: features.map(([, title, details]) => ({ title, details: plain(details) })),
    },
  };
}

function plain(markdown) {
  return markdown.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replaceAll('`', '');
}
