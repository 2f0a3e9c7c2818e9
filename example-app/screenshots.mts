// Takes the README's screenshots of the console. It starts the example, sends about 45 seconds of requests with an outage, and takes
// the pictures. Needs Chromium (set CHROMIUM to its name or path). If pngquant is installed, it makes the files a third as large.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';

const PICTURES = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const DESKTOP = { width: 1280, height: 1240 };
const PHONE = { width: 390, height: 1000 };

const { CHROMIUM = 'chromium', PORT = '3000', AS_PORT = '4000' } = process.env;
const chromiumPath = spawnSync('sh', ['-c', 'command -v "$0"', CHROMIUM], { encoding: 'utf8' }).stdout.trim();
if (chromiumPath === '') throw new Error(`${CHROMIUM} is not installed. Install Chromium, or set CHROMIUM to its path`);

const app = spawn(process.execPath, [fileURLToPath(new URL('start.mjs', import.meta.url))], {
  env: { ...process.env, PORT, AS_PORT },
  stdio: ['ignore', 'pipe', 'ignore'],
});
const directory = mkdtempSync(join(tmpdir(), 'chromium-'));
try {
  await takeScreenshots(await waitForConsole());
} finally {
  app.kill();
  rmSync(directory, { recursive: true, force: true });
}

async function takeScreenshots(address: string): Promise<void> {
  const context = await chromium.launchPersistentContext(directory, {
    executablePath: chromiumPath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    viewport: DESKTOP,
    colorScheme: 'light',
    reducedMotion: 'reduce',
  });
  try {
    mkdirSync(PICTURES, { recursive: true });
    const page = await context.newPage();
    await page.goto(address);
    for (const scope of ['payments:write', 'admin']) await page.getByLabel(scope, { exact: true }).uncheck();
    await press(page, 'Get a token');
    await press(page, 'Introspect the token');
    await causeTraffic(page, address);

    await press(page, 'Call');
    await page.locator('.hops:not(.empty)').waitFor();
    await setTimeout(1200);
    await page.evaluate('scrollTo(0, 0)');
    await saveScreenshot(page, 'console-light');

    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByLabel('POST /api/payments').check();
    await press(page, 'Call');
    await page.locator('.status', { hasText: '403' }).first().waitFor();
    await setTimeout(1200);
    await page.evaluate('scrollTo(0, 0)');
    await saveScreenshot(page, 'console-dark');

    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(PHONE);
    await page.getByLabel('GET /api/reports').check();
    await press(page, 'Call');
    await page.locator('#summary', { hasText: '/api/reports' }).waitFor();
    await page.evaluate("document.querySelector('#wire').scrollIntoView()");
    await saveScreenshot(page, 'console-phone');
  } finally {
    await context.close();
  }
}

/** Fills the charts: normal traffic, a flood, an outage of the authorization server, and its recovery. */
async function causeTraffic(page: Page, address: string): Promise<void> {
  const post = (path: string, body: unknown) =>
    fetch(new URL(path, address), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const tokens = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const response = await post('/console/token', {
        subject: `user-${i}`,
        scopes: ['profile:read'],
        ttlSeconds: 3600,
      });
      return ((await response.json()) as { access_token: string }).access_token;
    }),
  );
  const callProfile = (token: string | undefined) =>
    fetch(new URL('/api/profile', address), { headers: { authorization: `Bearer ${token}` } });
  const sendNormalTraffic = async (seconds: number) => {
    for (let i = 0; i < seconds * 3; i++) {
      const concurrentUsers = 11 + Math.round(4 * Math.sin(i / 5));
      await Promise.all([
        press(page, 'Call'),
        ...Array.from({ length: concurrentUsers }, (_, n) => callProfile(tokens[(i * 3 + n * 7) % tokens.length])),
        i % 4 === 0 ? post('/console/flood', { requests: 3 + (i % 5), distinct: true }) : undefined,
        i % 3 === 0 ? fetch(new URL('/api/profile', address)) : undefined,
        setTimeout(330),
      ]);
    }
  };
  await sendNormalTraffic(12);
  await post('/console/flood', { requests: 30, distinct: true });
  await sendNormalTraffic(10);
  await press(page, 'Stop');
  for (let i = 0; i < 8; i++)
    await Promise.all([post('/console/flood', { requests: 14, distinct: true }), setTimeout(800)]);
  await press(page, 'Start');
  await sendNormalTraffic(14);
  await setTimeout(6000);
}

async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
}

async function saveScreenshot(page: Page, name: string): Promise<void> {
  const path = join(PICTURES, `${name}.png`);
  await page.screenshot({ path });
  spawnSync('pngquant', ['--force', '--strip', '--speed', '1', '--output', path, '128', path]);
}

async function waitForConsole(): Promise<string> {
  for await (const line of createInterface({ input: app.stdout })) {
    const [address] = /http:\/\/127\.0\.0\.1:\d+\//.exec(line.startsWith('Open ') ? line : '') ?? [];
    if (address !== undefined) return address;
  }
  throw new Error(`The example did not start. Are the ports ${PORT} and ${AS_PORT} free?`);
}
