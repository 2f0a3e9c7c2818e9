// Checks the built website in headless Chromium: pages, requests, links, anchors, search and accessibility. Run `npm run docs` first.
// `--only=REGEXP` visits some pages only. `--screenshots=DIRECTORY` takes pictures and checks nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { PAGES, sitePath } from './navigation.mjs';

const dist = join(import.meta.dirname, 'dist');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const THEMES = ['light', 'dark'];
const LOOKS = Object.values(SIZES).flatMap((viewport) => THEMES.map((theme) => ({ viewport, theme })));

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
  '.md': 'text/plain; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

const IS_DRAWN = `(theme) =>
  document.documentElement.classList.contains('dark') === (theme === 'dark') &&
  document.querySelector('.diagram:not([data-theme=' + theme + '])') === null`;

const INSPECT = `(async () => {
  const { violations } = await axe.run({ resultTypes: ['violations'] });
  const { scrollWidth, clientWidth } = document.documentElement;
  return {
    violations: violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))].join('\\n    ')),
    isTooWide: scrollWidth > clientWidth,
  };
})()`;

/** No sandbox, because CI may run as root, and no connections to other servers. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];

const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, screenshots: { type: 'string' } },
});

if (!existsSync(dist)) throw new Error('There is no website. Run `npm run docs` first');

const findings = [];
let visits = 0;
const server = await serve();
const address = `http://127.0.0.1:${server.address().port}`;
const binary = execFileSync('sh', ['-c', 'command -v "$0"', process.env.CHROMIUM ?? 'chromium'], {
  encoding: 'utf8',
}).trim();
const browser = await chromium.launch({ executablePath: binary, args: ARGUMENTS });
try {
  const started = performance.now();
  if (options.screenshots !== undefined) await takeScreenshots(options.screenshots);
  const visited = options.screenshots === undefined ? await visitAll() : new Map();
  checkLinks(visited);
  if (visited.size > 0) {
    await checkSearch();
    await checkCopyButtons();
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${visited.size} pages of the website checked in ${seconds} s, ${findings.length} findings`);
} finally {
  await browser.close();
  server.close();
}
for (const finding of new Set(findings)) console.error(finding);
process.exitCode = findings.length === 0 ? 0 : 1;

/** Serves the website as a host of static files does. */
async function serve() {
  const listening = createServer(({ url }, res) => {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname).replace(/\/$/, '/index.html');
    const file = join(dist, path);
    if (!file.startsWith(dist) || !existsSync(file)) return res.writeHead(404).end();
    res.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file));
  });
  await new Promise((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return listening;
}

/** Follows all links from the home page, with two pages of the browser at a time. Returns anchors and links by path. */
async function visitAll() {
  const visited = new Map();
  const isWanted = (path) => new RegExp(options.only).test(path);
  const waiting = PAGES.map((path) => `/${sitePath(path)}`.replace(/index\.md$/, '').replace(/\.md$/, '.html')).filter(
    isWanted,
  );
  const known = new Set(waiting);
  let busy = 0;
  const work = async () => {
    const page = await openPage();
    while (waiting.length > 0 || busy > 0) {
      const path = waiting.shift();
      if (path === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      busy++;
      try {
        const content = await visit(page, path);
        visited.set(path, content);
        for (const { pathname } of content.links) {
          if (known.has(pathname) || !/(?:\/|\.html)$/.test(pathname) || !isWanted(pathname)) continue;
          known.add(pathname);
          waiting.push(pathname);
        }
      } catch (error) {
        findings.push(`${path}: ${error}`);
      }
      busy--;
    }
    await page.close();
  };
  await Promise.all([work(), work()]);
  return visited;
}

async function openPage(colorScheme = 'light') {
  const page = await browser.newPage({ viewport: SIZES.desktop, colorScheme, reducedMotion: 'reduce' });
  const report = (text) => findings.push(`${new URL(page.url()).pathname}: ${text}`);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) report(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => report(`exception: ${error}`));
  page.on('requestfailed', (request) => {
    // A page that is left may abort what it prefetches.
    if (request.failure().errorText !== 'net::ERR_ABORTED') report(`failed: ${request.url()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) report(`status ${response.status()}: ${response.url()}`);
  });
  page.on('request', (request) => {
    if (!/^data:/.test(request.url()) && !request.url().startsWith(address)) report(`other server: ${request.url()}`);
  });
  return page;
}

async function visit(page, path) {
  // Pages of the API reference come from one template, so each is looked at in one way, and all of them in every way.
  const looks = path.startsWith('/api/') ? [LOOKS[visits++ % LOOKS.length]] : LOOKS;
  await page.emulateMedia({ colorScheme: looks[0].theme });
  await page.setViewportSize(looks[0].viewport);
  await page.goto(address + path);
  await page.waitForFunction("document.querySelector('#app').__vue_app__ !== undefined");
  await page.evaluate(AXE);
  for (const { viewport, theme } of looks) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction(IS_DRAWN, theme);
    const { violations, isTooWide } = await page.evaluate(INSPECT);
    if (isTooWide) violations.push('the page is wider than the screen');
    findings.push(...violations.map((violation) => `${path}, ${viewport.width} pixels, ${theme}: ${violation}`));
  }
  const { anchors, links } = await page.evaluate(`({
    anchors: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    links: [...document.querySelectorAll('a[href]')].map(({ href }) => href),
  })`);
  const own = links.map((href) => new URL(href)).filter(({ origin }) => origin === address);
  return { anchors: new Set(anchors), links: own.map(({ pathname, hash }) => ({ pathname, hash })) };
}

function checkLinks(visited) {
  for (const [path, { links }] of visited) {
    for (const { pathname, hash } of links) {
      const target = visited.get(pathname);
      if (target === undefined && !existsSync(join(dist, pathname)))
        findings.push(`${path}: broken link to ${pathname}`);
      const anchor = decodeURIComponent(hash.slice(1));
      if (target !== undefined && anchor !== '' && !target.anchors.has(anchor)) {
        findings.push(`${path}: broken anchor ${pathname}#${anchor}`);
      }
    }
  }
}

async function checkSearch() {
  const page = await openPage();
  await page.goto(`${address}/`, { waitUntil: 'networkidle' });
  await page.keyboard.press('Control+k');
  await page.locator('#localsearch-input').fill('revoked');
  await page.locator('.VPLocalSearchBox .result').first().waitFor({ timeout: 10_000 });
  const found = await page
    .locator('.VPLocalSearchBox .result')
    .evaluateAll((results) => results.map(({ href }) => href));
  if (!found.some((href) => href.includes('/docs/'))) findings.push(`search: "revoked" finds no guide, only ${found}`);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/docs\//);
  await page.close();
}

async function checkCopyButtons() {
  const page = await openPage();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: address });
  await page.goto(`${address}/`, { waitUntil: 'networkidle' });
  const block = page.locator('.language-sh').first();
  await block.hover();
  await block.locator('button.copy').click();
  await page.locator('button.copy.copied').waitFor();
  const copied = await page.evaluate('navigator.clipboard.readText()');
  if (copied !== 'npm install express express-token-introspection') findings.push(`the copy button copies "${copied}"`);
  await page.close();
}

async function takeScreenshots(directory) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const theme of THEMES) {
      const page = await openPage(theme);
      await page.setViewportSize(viewport);
      for (const path of [
        '/',
        '/docs/tutorial.html',
        '/docs/how-it-works.html',
        '/docs/options.html',
        '/docs/errors.html',
        '/api/',
      ]) {
        await page.goto(address + path, { waitUntil: 'networkidle' });
        const name = path.replace(/\W+/g, '-').replace(/^-|-(?:html)?-?$/g, '') || 'home';
        await page.screenshot({ path: join(directory, `${name}-${size}-${theme}.png`) });
      }
      await page.close();
    }
  }
}
