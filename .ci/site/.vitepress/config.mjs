// The website. Its pages are the Markdown files of the repository, where they are, and the API reference that TypeDoc writes to api/.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adaptMarkdown, homePage, slugify } from '../markdown.mjs';
import { NAVIGATION, PAGES, pagesOf, root, sitePath, titleOf } from '../navigation.mjs';

const site = join(import.meta.dirname, '..');
const { name, version, description, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** TypeDoc's number for modules. */
const MODULE = 2;
const apiEntries = [...findEntries(JSON.parse(readFileSync(join(root, 'api/navigation.json'), 'utf8')))];

const codeHost = parseRepository(repository);
const pages = new Set(PAGES.map(sitePath));

/** Address and name of the code host, and the paths below it that show and edit files. Undefined without a known host in package.json. */
function parseRepository({ url } = {}) {
  const [, address, host] = /(?:git\+)?(https:\/\/(github\.com|gitlab\.com)\/.+?)(?:\.git)?$/.exec(url ?? '') ?? [];
  if (address === undefined) return undefined;
  const actions = host === 'gitlab.com' ? `${address}/-` : address;
  return {
    address,
    name: host === 'gitlab.com' ? 'GitLab' : 'GitHub',
    show: `${actions}/blob/main/`,
    edit: `${actions}/edit/main/`,
  };
}

const link = (path) =>
  `/${sitePath(path)
    .replace(/index\.md$/, '')
    .replace(/\.md$/, '')}`;

function sidebarGroup({ title, pages: own = [], groups = [] }) {
  return {
    text: title,
    items: [...own.map((path) => ({ text: titleOf(path), link: link(path) })), ...groups.map(sidebarGroup)],
  };
}

/** One sidebar for all pages. Members of an entry are listed only in the pages of that entry, because there are many. */
function sidebars() {
  const groups = NAVIGATION.map(sidebarGroup);
  const withApi = (items, isOpen) =>
    groups.map((group) =>
      group.text === 'Reference'
        ? { ...group, items: [...group.items, { text: 'API', link: '/api/', collapsed: !isOpen, items }] }
        : group,
    );
  const entries = (openPath) =>
    apiEntries.map(({ text, path, groups: members }) => ({
      text,
      link: path,
      ...(path === openPath ? { collapsed: false, items: members } : {}),
    }));
  return {
    ...Object.fromEntries(apiEntries.map(({ path }) => [path, withApi(entries(path), true)])),
    '/api/': withApi(entries(), true),
    '/': withApi(entries(), false),
  };
}

/** Entries of package.json, as TypeDoc lists them: the others are children of the first. */
function* findEntries(items, parent = '') {
  for (const { title, path, kind, children = [] } of items) {
    if (kind !== MODULE) continue;
    const modules = children.filter((child) => child.kind === MODULE);
    const groups = children.filter((child) => child.kind !== MODULE);
    yield { text: parent + title, path: apiLink(path), groups: groups.map(apiGroup) };
    yield* findEntries(modules, `${parent}${title}/`);
  }
}

function apiLink(path) {
  return `/api/${path.replace(/(?:index)?\.md$/, '')}`;
}

function apiGroup({ title, path, children }) {
  return {
    text: title,
    ...(path ? { link: apiLink(path) } : {}),
    ...(children ? { items: children.map(apiGroup) } : {}),
  };
}

function menu(title) {
  const { pages: own = [], groups = [] } = NAVIGATION.find((group) => group.title === title);
  const items = (paths) => paths.map((path) => ({ text: titleOf(path), link: link(path) }));
  const listed = groups.map((group) => ({ text: group.title, items: items(pagesOf(group)) }));
  return {
    text: title,
    items: [...items(own), ...listed, ...(title === 'Reference' ? [{ text: 'API', link: '/api/' }] : [])],
  };
}

export default {
  lang: 'en',
  title: name,
  description,
  base: process.env.DOCS_BASE ?? '/',
  srcDir: root,
  srcExclude: ['!({docs,api,bench,example-app}/**)*/**'],
  outDir: join(site, 'dist'),
  cacheDir: join(site, 'node_modules/.vitepress'),
  rewrites: Object.fromEntries(
    PAGES.map((path) => [path, sitePath(path)]).filter(([path, rewritten]) => path !== rewritten),
  ),
  // Otherwise each page contains the navigation of all.
  metaChunk: true,
  head: [
    [
      'link',
      {
        rel: 'icon',
        href: 'data:image/svg+xml,%3Csvg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"%3E%3Crect width="32" height="32" rx="7" fill="%230f766e"/%3E%3Cpath d="M9 17l5 5 9-11" fill="none" stroke="white" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round"/%3E%3C/svg%3E',
      },
    ],
  ],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify },
    config: (md) =>
      adaptMarkdown(md, {
        isPage: (path) => pages.has(path) || path.startsWith('api/'),
        fileUrl: (path) => (codeHost === undefined ? undefined : `${codeHost.show}${path}`),
      }),
  },
  vite: {
    resolve: { alias: [{ find: /^.*\/VPHome\.vue$/, replacement: join(import.meta.dirname, 'theme/home-page.mjs') }] },
  },
  transformPageData({ relativePath, frontmatter }) {
    if (relativePath === 'index.md') return homePage();
    if (relativePath.startsWith('api/')) return { frontmatter: { ...frontmatter, editLink: false } };
  },
  themeConfig: {
    outline: [2, 3],
    nav: [
      { text: 'Tutorial', link: link('docs/tutorial.md') },
      ...['How-to', 'Examples', 'Reference', 'Explanation'].map(menu),
      { text: `v${version}`, link: link('CHANGELOG.md') },
      ...(codeHost === undefined ? [] : [{ text: codeHost.name, link: codeHost.address }]),
    ],
    sidebar: sidebars(),
    search: {
      provider: 'local',
      options: {
        detailedView: true,
        miniSearch: {
          searchOptions: {
            // Guides come before the API reference, the changelog and the results of benchmarks.
            boostDocument: (id) => (/\/(?:api|bench)\/|CHANGELOG|CONTRIBUTING/.test(id) ? 0.4 : 1),
          },
        },
      },
    },
    ...(codeHost === undefined ? {} : { editLink: { pattern: `${codeHost.edit}:path`, text: 'Edit this page' } }),
    footer: { message: 'MIT License' },
    externalLinkIcon: true,
  },
};
