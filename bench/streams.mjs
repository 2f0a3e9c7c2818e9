/**
 * npm run streams [-- --quick] [--seed=1] [--patience=1]
 *
 * Opens event streams and sockets on several processes, and revokes, expires and logs out their tokens by a schedule of the seed. A model
 * says which must be open. Exits with code 1 when a stream ended too early, too late or not properly, or left something behind. A full run
 * writes results/streams/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { renderStreamsReport } from './streams/report.mjs';
import { runSoak } from './streams/run.mjs';

const PLANS = {
  full: { processes: 4, streams: 1000, sockets: 200, tokens: 300, seconds: 60, ttlSeconds: 60, warmUps: 40 },
  quick: { processes: 2, streams: 60, sockets: 12, tokens: 36, seconds: 4, ttlSeconds: 2, warmUps: 4 },
};

/** The heap of a process may grow by this much, because Node compiles more code and collects statistics about it. */
const HEAP_KILOBYTES = 2000;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    patience: { type: 'string', default: '1' },
  },
});
const size = values.quick ? 'quick' : 'full';
const startedAt = performance.now();
const report = (line) => process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s  ${line}\n`);

const result = await runSoak({ ...PLANS[size], seed: Number(values.seed), patience: Number(values.patience) }, report);
result.violations = [
  ...new Set(result.faults),
  ...result.open.after.filter((open) => open > 0).map((open) => `${open} streams are left in a process`),
  ...result.handles.after
    .filter((handles, index) => handles > result.handles.before[index])
    .map((handles) => `${handles} handles are left in a process`),
  ...result.heapKilobytes
    .filter(({ before, after }) => after > before + HEAP_KILOBYTES)
    .map(({ before, after }) => `the heap of a process grew from ${before} to ${after} kB`),
];
const markdown = renderStreamsReport(result);
if (size === 'full') {
  const directory = fileURLToPath(new URL('results/streams/', import.meta.url));
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}results.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${directory}results.md`, markdown);
}
process.stdout.write(markdown);
process.exit(result.violations.length > 0 ? 1 : 0);
