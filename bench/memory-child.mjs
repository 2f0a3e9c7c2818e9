/** Fills a cache through the middleware, and sends the memory that the process uses meanwhile. Run with --expose-gc. */
import { parseArgs } from 'node:util';
import { createDispatcher } from './dispatcher.mjs';
import { library } from './packages.mjs';
import { introspectionResponse, randomToken } from './tokens.mjs';

const { values } = parseArgs({ options: { count: { type: 'string' }, 'max-entries': { type: 'string' } } });
const count = Number(values.count);
const maxEntries = values['max-entries'] === undefined ? undefined : Number(values['max-entries']);

const CONCURRENCY = 64;
const CHECKPOINTS = 10;

const authenticate = library.tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: library.clientSecretBasic('reports-api', 'a-secret'),
  audience: false,
  dispatcher: createDispatcher(introspectionResponse),
  cache: { ttlSeconds: 3600, ...(maxEntries !== undefined && { maxEntries }) },
});

await present(1000);
const empty = await measureMemory();
const checkpoints = [];
for (let part = 0; part < CHECKPOINTS; part++) {
  await present(count / CHECKPOINTS);
  checkpoints.push(await measureMemory());
}
process.on('message', ({ id }) => process.send({ id, empty, checkpoints, entries: authenticate.stats().entries }));
process.send({});

async function present(total) {
  let remaining = total;
  const worker = async () => {
    while (remaining-- > 0) {
      const authorization = `Bearer ${randomToken(43)}`;
      const req = { headers: { authorization }, rawHeaders: ['Authorization', authorization], method: 'GET' };
      await new Promise((resolve, reject) => authenticate(req, {}, (error) => (error ? reject(error) : resolve())));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

async function measureMemory() {
  await new Promise((resolve) => setTimeout(resolve, 50));
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heapUsed, arrayBuffers, rss };
}
process.on('disconnect', () => process.exit());
