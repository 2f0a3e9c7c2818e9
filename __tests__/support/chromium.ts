import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';

const BINARY = process.env.CHROMIUM ?? 'chromium';

/** Without a sandbox, since tests may run as root; without a word to anybody else. */
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

/** Tests that take a browser: skipped with a line that says so where there is none, but for CI, where that is a failure. */
export const describeWithChromium: (title: string, tests: () => void) => void =
  found !== '' || process.env.CI === 'true'
    ? describe
    : (title, tests) => {
        process.stderr.write(`SKIPPED, since ${BINARY} is not installed: ${title}\n`);
        describe.skip(title, tests);
      };

/** A browser of its own, without any past; gone after the test file. */
export async function startChromium(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  if (found === '') throw new Error(`${BINARY} is not installed; install Chromium, or name it in CHROMIUM`);
  const directory = mkdtempSync(join(tmpdir(), 'chromium-'));
  const context = await chromium.launchPersistentContext(directory, {
    executablePath: found,
    args: ARGUMENTS,
    ...options,
  });
  open.set(context, directory);
  return context;
}
