// Breadth-first search over all orders of events. A state is reached again by repeating its events from the start.
import { Worker } from 'node:worker_threads';

/** Paths that a worker gets at once. */
const BATCH = 64;

/** A short life of most objects makes a large young generation worth its memory. */
const WORKER_LIMITS = { maxYoungGenerationSizeMb: 32 };

/**
 * Explores until a violation is found, all states are known, or a limit is reached.
 *
 * @param folder the built library
 * @param limits limits of the world, and `events`: the longest path; `states` and `seconds`: when to stop
 * @returns the path to the first violation, if there is one. Breadth-first search makes it one of the shortest
 */
export async function explore(folder, limits, { workers = 1, report = () => {} } = {}) {
  const startedAt = Date.now();
  const seconds = () => (Date.now() - startedAt) / 1000;
  const seen = new Set();
  const names = new Map();
  const pool = Array.from({ length: workers }, () => startWorker(folder, limits));
  let frontier = [undefined];
  let paths = 0;
  let depth = 0;
  let violation;
  const isOver = () => violation !== undefined || seconds() > limits.seconds || seen.size >= limits.states;

  function intern(event) {
    if (!names.has(event)) names.set(event, event);
    return names.get(event);
  }

  async function run(worker, take, next) {
    for (let batch = take(); batch.length > 0 && !isOver(); batch = take()) {
      const results = await worker.reach(batch.map(pathOf));
      paths += results.length;
      for (const [index, result] of results.entries()) {
        if (result.violation !== undefined) violation ??= { path: pathOf(batch[index]), ...result };
        if (seen.has(result.digest)) continue;
        seen.add(result.digest);
        for (const event of result.events) next.push({ parent: batch[index], event: intern(event) });
      }
    }
  }

  for (; depth <= limits.events && frontier.length > 0 && !isOver(); depth++) {
    const next = [];
    let taken = 0;
    const take = () => {
      taken += BATCH;
      return frontier.slice(taken - BATCH, taken);
    };
    await Promise.all(pool.map((worker) => run(worker, take, next)));
    frontier = next;
    report({ depth, states: seen.size, seconds: seconds() });
  }
  const isComplete = !isOver();
  if (violation !== undefined) [violation.timeline] = await pool[0].reach([violation.path], true);
  await Promise.all(pool.map((worker) => worker.stop()));
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  return { states: seen.size, cpuSeconds, paths, depth: depth - 1, seconds: seconds(), isComplete, violation };
}

function pathOf(node) {
  const path = [];
  for (let step = node; step !== undefined; step = step.parent) path.unshift(step.event);
  return path;
}

/** Starts a thread that reaches states of the library in this folder. */
export function startWorker(folder, limits) {
  const worker = new Worker(new URL('worker.mjs', import.meta.url), {
    workerData: { folder, limits },
    resourceLimits: WORKER_LIMITS,
  });
  let settle;
  worker.on('message', (results) => settle.resolve(results));
  worker.on('error', (error) => settle.reject(error));
  return {
    reach: (paths, isTold = false) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        worker.postMessage({ paths, isTold });
      }),
    stop: () => worker.terminate(),
  };
}
