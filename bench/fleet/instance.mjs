/** One process of the fleet: an Express app with the built library, with the shared store at `/` and without it at `/unshared`. */
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { createClient } from 'redis';
import { handleCommands } from '../commands.mjs';
import { entry, express, library } from '../packages.mjs';
import { AUDIENCE } from '../tokens.mjs';
import { machineTime, sleep } from './time.mjs';

const { redisStore } = createRequire(import.meta.url)('../../dist/redis/index.js');

const POLL_MS = 2;

const task = await new Promise((resolve) => process.once('message', resolve));
const { endpoint, redisPort, ttlSeconds, timeoutMs, offsetMs, signals } = task;

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
  cache: { ttlSeconds, store: redisStore({ client }), secrets: ['a secret that only this benchmark uses'] },
});
const unshared = library.tokenIntrospection({ ...common, endpoint: `${endpoint}/unshared`, cache: { ttlSeconds } });

const app = express();
let sentAt;
if (signals !== undefined) {
  const { backChannelLogout, securityEvents } = entry('signals');
  const options = { authenticate: shared, ...signals };
  app.post(['/backchannel-logout', '/security-events'], (_req, res, next) => {
    res.once('finish', () => {
      sentAt = machineTime();
    });
    next();
  });
  app.post('/backchannel-logout', backChannelLogout(options));
  app.post('/security-events', securityEvents(options));
}
const respond = (_req, res) => res.json({ ok: true });
app.get('/', shared, respond);
app.get('/unshared', unshared, respond);
app.use((error, _req, res, _next) => {
  res.status(error.status ?? 500).end();
});

const commands = {
  async invalidate({ criteria }) {
    const startedAt = machineTime();
    await shared.invalidate(criteria);
    return { startedAt, storedAt: machineTime() };
  },
  /** Checks a token every 2 ms until it is rejected. */
  async watch({ token }) {
    let acceptedAt = machineTime();
    while (await accepts(token)) {
      acceptedAt = machineTime();
      await sleep(POLL_MS);
    }
    return { acceptedAt, rejectedAt: machineTime() };
  },
  ping: () => ({}),
  /** When the last response to a signal was sent. */
  readSent: () => ({ sentAt }),
  /** Resolves when the store and its revocation log can be read. */
  async ready() {
    await connected;
    await sleep(100);
    return {};
  },
  readState: () => ({ storeState, storeFailures, counts, stats: shared.stats() }),
};

async function accepts(token) {
  try {
    await shared.introspect(token);
    return true;
  } catch (error) {
    if (error instanceof library.AuthError) return false;
    throw error;
  }
}

handleCommands(commands);
const server = app.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
server.keepAliveTimeout = 60_000;
