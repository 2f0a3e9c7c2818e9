/**
 * Calls middlewares directly with real requests, and measures the CPU time of the process and the memory they allocate. All targets of the
 * task are in this process. Run with --expose-gc.
 */
import { handleCommands } from './commands.mjs';
import { shuffle } from './figures.mjs';
import { collectRequests } from './requests.mjs';

const CONCURRENT_MISSES = 50;
const HARNESS_BATCH = 1000;
const COMPILER_PAUSE_MS = 300;
const TIME_LIMIT_MS = 10_000;

const { targets, context, tokens, harnessRounds } = await new Promise((resolve) => process.once('message', resolve));
for (const target of targets) {
  const { [target.create]: create } = await import(`./targets/${target.module}.mjs`);
  target.createMiddleware = () => create(context);
}

handleCommands({ prepare, measureRounds });
process.send({});

/**
 * Warms up the code that collects requests, so that its compilation is not counted as work of a target. Then creates the middlewares, and
 * sends each token once through each, so that later requests are cache hits.
 */
async function prepare() {
  for (let round = 0; round < harnessRounds; round++) {
    await measure((_req, _res, next) => next(), tokensFor('opaque', HARNESS_BATCH, round));
  }
  await new Promise((resolve) => setTimeout(resolve, COMPILER_PAUSE_MS));
  for (const target of targets) {
    target.middleware = target.createMiddleware();
    const presented = tokens[target.token];
    for (let start = 0; start < presented.length; start += CONCURRENT_MISSES) {
      await measure(target.middleware, presented.slice(start, start + CONCURRENT_MISSES));
    }
  }
  return {};
}

/** Measures one batch of each target in each round, in random order. Returns the results of the batches by target. */
async function measureRounds({ rounds, batch }) {
  const samples = Object.fromEntries(targets.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, token, middleware } of shuffle(targets)) {
      samples[name].push(await measure(middleware, tokensFor(token, batch, round)));
    }
  }
  return { samples };
}

function tokensFor(kind, batch, round) {
  return Array.from({ length: batch }, (_, index) => tokens[kind][(round * batch + index) % tokens[kind].length]);
}

/** Sends all requests at once, and waits until the middleware has accepted all of them. Returns figures per request. */
async function measure(middleware, presented) {
  const { pairs, release } = await collectRequests(presented);
  let accepted = 0;
  let onAllAccepted;
  let onRejected;
  const areAllAccepted = new Promise((resolve, reject) => {
    onAllAccepted = resolve;
    onRejected = reject;
  });
  const next = (error) => {
    if (error) onRejected(error);
    else if (++accepted === pairs.length) onAllAccepted();
  };
  globalThis.gc();
  const { heapUsed } = process.memoryUsage();
  const before = process.cpuUsage();
  for (const [req, res] of pairs) middleware(req, res, next);
  if (accepted < pairs.length) await withTimeLimit(areAllAccepted);
  const { user, system } = process.cpuUsage(before);
  const bytes = (process.memoryUsage().heapUsed - heapUsed) / pairs.length;
  release();
  return { nanoseconds: ((user + system) * 1000) / pairs.length, bytes };
}

/** A middleware that rejects a request calls no `next`. */
async function withTimeLimit(promise) {
  let timer;
  const limit = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('not all requests were accepted')), TIME_LIMIT_MS);
  });
  await Promise.race([promise, limit]);
  clearTimeout(timer);
}
