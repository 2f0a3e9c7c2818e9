/** One process of the fleet: an Express app behind the built library, once with the shared store (`/`) and once without (`/alone`). */
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { createClient } from 'redis';
import { express, library } from '../packages.mjs';
import { AUDIENCE } from '../tokens.mjs';
import { machineTime, sleep } from './time.mjs';

const { redisStore } = createRequire(import.meta.url)('../../dist/redis/index.js');

const POLL_MS = 2;

const task = await new Promise((resolve) => process.once('message', resolve));
const { endpoint, redisPort, ttlSeconds, timeoutMs, offsetMs } = task;

let storeState = 'ok';
let storeFailures = 0;
const counts = {};
subscribe('express-token-introspection:store', ({ state }) => {
  storeState = state;
  if (state === 'failing') storeFailures++;
});
subscribe('express-token-introspection:cache', ({ outcome }) => {
  counts[outcome] = (counts[outcome] ?? 0) + 1;
});

const client = createClient({ url: `redis://127.0.0.1:${redisPort}` });
client.on('error', () => {});
const connected = client.connect().catch(() => {});

const common = {
  clientAuth: library.noClientAuth(),
  audience: AUDIENCE,
  timeoutMs,
  clock: { now: () => Date.now() + offsetMs, monotonic: () => performance.now() },
};
const shared = library.tokenIntrospection({
  ...common,
  endpoint: `${endpoint}/shared`,
  cache: { ttlSeconds, store: redisStore({ client }), secrets: ['a secret that is used by the rig alone'] },
});
const alone = library.tokenIntrospection({ ...common, endpoint: `${endpoint}/alone`, cache: { ttlSeconds } });

const app = express();
const answer = (_req, res) => res.json({ ok: true });
app.get('/', shared, answer);
app.get('/alone', alone, answer);
app.use((error, _req, res, _next) => {
  res.status(error.status ?? 500).end();
});

const orders = {
  async invalidate({ of }) {
    const startedAt = machineTime();
    await shared.invalidate(of);
    return { startedAt, toldAt: machineTime() };
  },
  /** Presents a token again and again until it is refused. */
  async watch({ token }) {
    let admittedAt = machineTime();
    while (await admits(token)) {
      admittedAt = machineTime();
      await sleep(POLL_MS);
    }
    return { admittedAt, refusedAt: machineTime() };
  },
  ping: () => ({}),
  /** Ends once the store can be read, the log too. */
  async ready() {
    await connected;
    await sleep(100);
    return {};
  },
  look: () => ({ storeState, storeFailures, counts, stats: shared.stats() }),
};

async function admits(token) {
  try {
    await shared.introspect(token);
    return true;
  } catch (error) {
    if (error instanceof library.AuthError) return false;
    throw error;
  }
}

process.on('message', async ({ id, order, ...of }) => {
  try {
    process.send({ id, ...(await orders[order](of)) });
  } catch (error) {
    process.send({ id, failure: String(error) });
  }
});
process.on('disconnect', () => process.exit());
const server = app.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
server.keepAliveTimeout = 60_000;
