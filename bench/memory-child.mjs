/** Fills one cache, through the middleware itself, and says what that took. Run with --expose-gc. */
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { library } from './packages.mjs';
import { introspectionResponse, randomToken } from './tokens.mjs';

const { values } = parseArgs({ options: { count: { type: 'string' }, 'max-entries': { type: 'string' } } });
const count = Number(values.count);
const maxEntries = values['max-entries'] === undefined ? undefined : Number(values['max-entries']);

const PARALLEL = 64;
const CHECKPOINTS = 10;

/** Answers at once, in memory: the network is not what is weighed. */
const dispatcher = {
  async request({ body }) {
    const token = new URLSearchParams(body).get('token');
    const bytes = Buffer.from(JSON.stringify(introspectionResponse(token)));
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json', 'content-length': String(bytes.length) },
      body: Readable.from([bytes], { objectMode: false }),
    };
  },
};

const authenticate = library.tokenIntrospection({
  endpoint: 'https://as.example.com/introspect',
  clientAuth: library.clientSecretBasic('reports-api', 'a-secret'),
  audience: false,
  dispatcher,
  cache: { ttlSeconds: 3600, ...(maxEntries !== undefined && { maxEntries }) },
});

await present(1000);
const empty = await weigh();
const course = [];
for (let part = 0; part < CHECKPOINTS; part++) {
  await present(count / CHECKPOINTS);
  course.push(await weigh());
}
process.on('message', ({ id }) => process.send({ id, empty, course, entries: authenticate.stats().entries }));
process.send({});

async function present(total) {
  let left = total;
  const worker = async () => {
    while (left-- > 0) {
      const authorization = `Bearer ${randomToken(43)}`;
      const req = { headers: { authorization }, rawHeaders: ['Authorization', authorization], method: 'GET' };
      await new Promise((resolve, reject) => authenticate(req, {}, (error) => (error ? reject(error) : resolve())));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

async function weigh() {
  await new Promise((resolve) => setTimeout(resolve, 50));
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heapUsed, arrayBuffers, rss };
}
process.on('disconnect', () => process.exit());
