/**
 * npm run soak [-- --seconds=180] [--seed=1]
 *
 * Runs two Express apps with the built library and an authorization server under load. A proxy before the endpoint of each app causes
 * faults by a seeded schedule. An independent model checks every response. Writes results/soak/, and a row in docs/quality.md. Exits with
 * code 1 on a violation.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const folder = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${folder}node_modules`))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });

const { drawTimeline } = await import('./soak/chart.mjs');
const { writeSoakSection } = await import('./soak/quality.mjs');
const { renderSoak } = await import('./soak/report.mjs');
const { runSoak } = await import('./soak/run.mjs');

const DEFAULT_SECONDS = 180;
const MIN_SECONDS = 45;

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? DEFAULT_SECONDS);
const seed = Number(values.seed ?? 1);
if (!(seconds >= MIN_SECONDS)) throw new Error(`--seconds: use a number of at least ${MIN_SECONDS}`);
if (!Number.isSafeInteger(seed)) throw new Error('--seed: use an integer');

const results = {
  seed,
  seconds,
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpu: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`,
  ...(await runSoak({ seed, seconds, report: (line) => process.stderr.write(`${line}\n`) })),
};

const { timeline, ...summary } = results;
const isDefault = seconds === DEFAULT_SECONDS && seed === 1 && results.violations.length === 0;
const directory = isDefault ? 'results/soak' : 'results/quick/soak';
const markdown = renderSoak(results);
mkdirSync(`${folder}${directory}`, { recursive: true });
writeFileSync(`${folder}${directory}/results.json`, `${JSON.stringify(summary, null, 2)}\n`);
writeFileSync(`${folder}${directory}/results.md`, markdown);
writeFileSync(`${folder}${directory}/timeline.svg`, drawTimeline(results));
if (isDefault) writeSoakSection();
process.stdout.write(`${markdown}\nWritten to bench/${directory}\n`);
if (results.violations.length > 0) {
  process.stdout.write(
    `\nThere were violations. To repeat this run: npm run soak -- --seconds=${seconds} --seed=${seed}\n`,
  );
  process.exitCode = 1;
}
