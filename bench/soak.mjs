/**
 * npm run soak [-- --seconds=180] [--seed=1]
 *
 * Two Express apps behind the built library, a real authorization server, and a proxy before each app's endpoint that
 * breaks things by a seeded schedule, under load. A model of its own judges every answer. Writes results/soak/, and ends
 * with 1 where anything was not as promised.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${here}node_modules`))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' });

const { drawTimeline } = await import('./soak/chart.mjs');
const { renderSoak } = await import('./soak/report.mjs');
const { runSoak } = await import('./soak/run.mjs');

const DEFAULT_SECONDS = 180;
const MIN_SECONDS = 45;

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? DEFAULT_SECONDS);
const seed = Number(values.seed ?? 1);
if (!(seconds >= MIN_SECONDS)) throw new Error(`--seconds: write a number from ${MIN_SECONDS} on`);
if (!Number.isSafeInteger(seed)) throw new Error('--seed: write a whole number');

const results = {
  seed,
  seconds,
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpu: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`,
  ...(await runSoak({ seed, seconds, report: (line) => process.stderr.write(`${line}\n`) })),
};

const { timeline, ...rest } = results;
const isDefault = seconds === DEFAULT_SECONDS && seed === 1 && results.violations.length === 0;
const directory = isDefault ? 'results/soak' : 'results/quick/soak';
const markdown = renderSoak(results);
mkdirSync(`${here}${directory}`, { recursive: true });
writeFileSync(`${here}${directory}/results.json`, `${JSON.stringify(rest, null, 2)}\n`);
writeFileSync(`${here}${directory}/results.md`, markdown);
writeFileSync(`${here}${directory}/timeline.svg`, drawTimeline(results));
process.stdout.write(`${markdown}\nWritten to bench/${directory}\n`);
if (results.violations.length > 0) {
  process.stdout.write(`\nNot as promised. To see it again: npm run soak -- --seconds=${seconds} --seed=${seed}\n`);
  process.exitCode = 1;
}
