/** Fills a cache through the middleware, and measures the process. Run with --expose-gc. */
import { PerformanceObserver } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { handleCommands } from './commands.mjs';
import { createDispatcher } from './dispatcher.mjs';
import { library } from './packages.mjs';
import { collectRequests } from './requests.mjs';
import { introspectionResponse, randomToken } from './tokens.mjs';

const { values } = parseArgs({ options: { 'max-entries': { type: 'string' } } });
const maxEntries = values['max-entries'] === undefined ? undefined : Number(values['max-entries']);

const CONCURRENCY = 64;
/** Every so many new tokens, one is kept for later requests. */
const KEPT = 100;

const authenticate = library.tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: library.clientSecretBasic('reports-api', 'a-secret'),
  audience: false,
  // Several of these processes may share one core.
  timeoutMs: 60_000,
  dispatcher: createDispatcher(introspectionResponse),
  cache: { ttlSeconds: 3600, refreshAhead: false, ...(maxEntries !== undefined && { maxEntries }) },
});
const kept = [];

handleCommands({ fill, measureMemory, measureHits });
process.send({});

/** Sends new tokens. */
async function fill({ count }) {
  let remaining = count;
  const worker = async () => {
    while (remaining-- > 0) {
      const token = randomToken(43);
      if (remaining % KEPT === 0) kept.push(token);
      const authorization = `Bearer ${token}`;
      const req = { headers: { authorization }, rawHeaders: ['Authorization', authorization], method: 'GET' };
      await new Promise((resolve, reject) => authenticate(req, {}, (error) => (error ? reject(error) : resolve())));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return { entries: authenticate.stats().entries };
}

async function measureMemory() {
  await new Promise((resolve) => setTimeout(resolve, 50));
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heapUsed, arrayBuffers, rss };
}

/** Measures batches of cache hits. Returns the CPU nanoseconds per request of each batch, and the pauses of the garbage collector. */
async function measureHits({ rounds, batch }) {
  const pausesMs = [];
  const observer = new PerformanceObserver((list) =>
    pausesMs.push(...list.getEntries().map(({ duration }) => duration)),
  );
  observer.observe({ entryTypes: ['gc'] });
  const nanoseconds = [];
  for (let round = 0; round < rounds; round++) {
    const tokens = Array.from({ length: batch }, () => kept[Math.floor(Math.random() * kept.length)]);
    const { pairs, release } = await collectRequests(tokens);
    let accepted = 0;
    const before = process.cpuUsage();
    for (const [req, res] of pairs) authenticate(req, res, (error) => (accepted += error ? 0 : 1));
    const { user, system } = process.cpuUsage(before);
    release();
    if (accepted !== batch) throw new Error(`${accepted} of ${batch} requests were cache hits`);
    nanoseconds.push(((user + system) * 1000) / batch);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.disconnect();
  return { nanoseconds, pausesMs };
}
