/**
 * npm run simulate [-- --seeds=10000 --from=1 --workers=2]    runs seeds; exits with code 1 when one of them breaks a rule
 * npm run simulate -- --seed=123 [--trace]                    runs one seed again, and prints its timeline
 * npm run simulate -- --repeat [--seeds=200]                  runs each seed twice, and compares the timelines
 * npm run simulate -- --plant [--bug=text] [--seeds=10000]    plants one bug after another, and finds each
 *
 * With --write, the result goes to results/simulate/ and docs/quality.md.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { withLibrary, withoutGuard } from './model/build.mjs';
import { PLANTED } from './simulate/planted.mjs';
import { runSeeds, tellSeed } from './simulate/pool.mjs';
import { writeResults } from './simulate/report.mjs';

const TEXTS = ['seeds', 'from', 'workers', 'seed'];
const FLAGS = ['trace', 'repeat', 'plant', 'write'];
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(TEXTS.map((name) => [name, { type: 'string' }])),
    bug: { type: 'string', multiple: true, default: [''] },
    ...Object.fromEntries(FLAGS.map((name) => [name, { type: 'boolean', default: false }])),
  },
});
const count = Number(values.seeds ?? 10_000);
const from = Number(values.from ?? 1);
const workers = Number(values.workers ?? availableParallelism());
const seeds = Array.from({ length: count }, (_, index) => from + index);
const words = process.argv.slice(2).filter((word) => word !== '--write');
const command = ['npm run simulate', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');

await withLibrary(values.plant ? plant : values.repeat ? repeat : values.seed ? runOne : runAll);

async function runAll(folder) {
  const { violation, ...result } = await runSeeds(folder, seeds, { workers });
  const { seconds, cpuSeconds, totals } = result;
  console.log(
    `${result.seeds} seeds in ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU time, ${workers} threads`,
  );
  console.log(`${result.events} events, ${totals.requests} requests, ${totals.calls} introspection requests`);
  if (violation !== undefined) fail(violation);
  if (values.write) writeResults({ run: { command, workers, isGood: violation === undefined, ...result } });
}

async function runOne(folder) {
  const result = await tellSeed(folder, Number(values.seed));
  if (values.trace) console.log(result.lines.join('\n'));
  console.log(`seed ${result.seed}: timeline ${result.digest}, ${result.violation ?? 'no rule is broken'}`);
  if (result.violation !== undefined) process.exitCode = 1;
}

/** Runs all seeds in one order, and then in the other order in new threads. A seed must lead to the same timeline. */
async function repeat(folder) {
  const digests = new Map();
  const keep = (results) => {
    for (const { seed, digest } of results) digests.set(seed, digest);
  };
  const different = [];
  const compare = (results) => {
    for (const { seed, digest } of results) if (digests.get(seed) !== digest) different.push(seed);
  };
  await runSeeds(folder, seeds, { workers, onResults: keep });
  await runSeeds(folder, [...seeds].reverse(), { workers, onResults: compare });
  console.log(`${digests.size} seeds ran twice, ${different.length} of them differently: ${different.join(' ')}`);
  if (different.length > 0 || digests.size < seeds.length) process.exitCode = 1;
}

async function plant(folder) {
  const planted = [];
  for (const bug of PLANTED.filter(({ guard }) => values.bug.some((text) => guard.includes(text)))) {
    const { violation, ...result } = await withoutGuard(folder, bug, () => runSeeds(folder, seeds, { workers }));
    const found = violation === undefined ? 'NOT FOUND' : `seed ${violation.seed}: ${violation.violation}`;
    console.log(`${bug.guard}: ${found} (${result.seeds} seeds, ${result.seconds.toFixed(1)} s)`);
    const file = `lib/${bug.file.replace(/js$/, 'ts')}`;
    planted.push({
      guard: bug.guard,
      file,
      seed: violation?.seed,
      violation: violation?.violation,
      seconds: result.seconds,
    });
    if (violation === undefined) process.exitCode = 1;
  }
  if (values.write) writeResults({ planted: { command, bugs: planted } });
}

function fail({ seed, lines }) {
  console.log(lines.join('\n'));
  console.log(`\nseed ${seed} breaks a rule. To repeat it: npm run simulate -- --seed=${seed} --trace`);
  process.exitCode = 1;
}
