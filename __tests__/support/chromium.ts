import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';

const BINARY = process.env.CHROMIUM ?? 'chromium';

/** No sandbox, because tests may run as root, and no connections to other servers. */
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const found = spawnSync('sh', ['-c', 'command -v "$0"', BINARY], { encoding: 'utf8' }).stdout.trim();

const open = new Map<BrowserContext, string>();

afterAll(async () => {
  await Promise.all([...open.keys()].map((context) => context.close()));
  for (const directory of open.values()) rmSync(directory, { recursive: true, force: true });
});

/** Describes tests that need Chromium. Without it they are skipped with a message, except in CI, where they fail. */
export const describeWithChromium: (title: string, tests: () => void) => void =
  found !== '' || process.env.CI === 'true'
    ? describe
    : (title, tests) => {
        process.stderr.write(`SKIPPED, because ${BINARY} is not installed: ${title}\n`);
        describe.skip(title, tests);
      };

/** Starts a browser with an empty profile. It is closed after the test file. */
export async function startChromium(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  if (found === '') throw new Error(`${BINARY} is not installed. Install Chromium, or set CHROMIUM to its path`);
  const directory = mkdtempSync(join(tmpdir(), 'chromium-'));
  const context = await chromium.launchPersistentContext(directory, {
    executablePath: found,
    args: ARGUMENTS,
    ...options,
  });
  open.set(context, directory);
  return context;
}
