// Shares seeds among threads.
import { Worker } from 'node:worker_threads';

/** Seeds that a thread gets at once. */
const BATCH = 25;

/** A short life of most objects makes a large young generation worth its memory. */
const WORKER_LIMITS = { maxYoungGenerationSizeMb: 64 };

function startWorker(folder) {
  const worker = new Worker(new URL('worker.mjs', import.meta.url), {
    workerData: { folder },
    resourceLimits: WORKER_LIMITS,
  });
  let settle;
  worker.on('message', (results) => settle.resolve(results));
  worker.on('error', (error) => settle.reject(error));
  return {
    run: (seeds, isTold = false) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        worker.postMessage({ seeds, isTold });
      }),
    stop: () => worker.terminate(),
  };
}

/**
 * Runs seeds in threads, until all have run or one of them has broken a rule.
 *
 * @param folder the built library
 * @param seeds list of seeds
 * @param onResults is called with the results of each batch
 * @returns the result of the first seed that broke a rule, if one did; how many seeds ran; seconds and seconds of CPU time
 */
export async function runSeeds(folder, seeds, { workers, onResults = () => {} }) {
  const startedAt = process.hrtime.bigint();
  const startedCpu = process.cpuUsage();
  const pool = Array.from({ length: workers }, () => startWorker(folder));
  const violations = [];
  let taken = 0;
  let ran = 0;
  let events = 0;
  const totals = {};

  async function work(worker) {
    while (taken < seeds.length && violations.length === 0) {
      const batch = seeds.slice(taken, taken + BATCH);
      taken += batch.length;
      const results = await worker.run(batch);
      ran += results.length;
      for (const result of results) {
        events += result.events;
        for (const [name, count] of Object.entries(result.counts)) totals[name] = (totals[name] ?? 0) + count;
        if (result.violation !== undefined) violations.push(result);
      }
      onResults(results, ran);
    }
  }

  await Promise.all(pool.map(work));
  const { user, system } = process.cpuUsage(startedCpu);
  await Promise.all(pool.map((worker) => worker.stop()));
  const [violation] = violations.sort((one, other) => one.seed - other.seed);
  const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
  return { violation, seeds: ran, events, totals, seconds, cpuSeconds: (user + system) / 1e6 };
}

/** Runs one seed, and returns its timeline too. */
export async function tellSeed(folder, seed) {
  const worker = startWorker(folder);
  const [result] = await worker.run([seed], true);
  await worker.stop();
  return result;
}
