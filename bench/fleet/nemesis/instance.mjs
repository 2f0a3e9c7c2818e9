/** One process of the fleet for nemesis.mjs and topologies.mjs: node:http, the built library, and a store with any client and topology. */
import { subscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { handleCommands } from '../../commands.mjs';
import { library } from '../../packages.mjs';
import { machineTime, sleep } from '../time.mjs';
import { recordStalls } from './traffic.mjs';

const require = createRequire(new URL('../../../package.json', import.meta.url));
const { redisStore } = require('./dist/redis/index.js');

const task = await new Promise((resolve) => process.once('message', resolve));
let { offsetMs } = task;
let storeState = 'ok';
const stalls = recordStalls();
const counts = {};

subscribe('express-token-introspection:store', ({ state }) => {
  storeState = state;
  counts[`store ${state}`] = (counts[`store ${state}`] ?? 0) + 1;
});
subscribe('express-token-introspection:cache', ({ outcome }) => {
  counts[outcome] = (counts[outcome] ?? 0) + 1;
});
process.on('unhandledRejection', () => {
  counts.unhandled = (counts.unhandled ?? 0) + 1;
});

const client = createClient(task);
client.on('error', () => {});

/** Creates a client with default settings, without any that help in an outage. */
function createClient({ kind, topology, ports }) {
  const nodes = ports.map((port) => ({ host: '127.0.0.1', port }));
  if (kind.startsWith('redis')) {
    const { createClient: createSingle, createCluster, createSentinel } = require(kind);
    if (topology === 'sentinel') return createSentinel({ name: 'main', sentinelRootNodes: nodes });
    if (topology === 'cluster')
      return createCluster({ rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })) });
    return createSingle({ url: `redis://127.0.0.1:${ports[0]}` });
  }
  const { Cluster, Redis } = require(kind);
  if (topology === 'sentinel') return new Redis({ name: 'main', sentinels: nodes });
  if (topology === 'cluster') return new Cluster(nodes);
  return new Redis(nodes[0]);
}

/** Connects a node-redis client, and tries again if that fails. A cluster client that is down does not do so itself. */
async function connect() {
  if (!task.kind.startsWith('redis')) return;
  for (;;) {
    try {
      await client.connect();
      return;
    } catch {
      await sleep(300);
    }
  }
}
const connected = connect();

const authenticate = library.tokenIntrospection({
  endpoint: task.endpoint,
  clientAuth: library.noClientAuth(),
  audience: false,
  timeoutMs: task.timeoutMs,
  clock: { now: () => Date.now() + offsetMs, monotonic: () => performance.now() },
  cache: {
    ttlSeconds: task.ttlSeconds,
    store: redisStore({ client }),
    secrets: ['a secret that only this benchmark uses'],
  },
});

const server = createServer((req, res) => {
  authenticate(req, res, (error) => {
    if (error) res.statusCode = error.status ?? 500;
    res.end(error ? error.code : String(req.auth.asked_at));
  });
});
server.keepAliveTimeout = 60_000;

const commands = {
  async invalidate({ criteria }) {
    await authenticate.invalidate(criteria);
    return { storedAt: machineTime() };
  },
  async ready() {
    await Promise.race([connected, sleep(3000)]);
    await sleep(300);
    return {};
  },
  setClock({ ms }) {
    offsetMs = ms;
    return {};
  },
  readState: () => ({ storeState, counts, stalls, stats: authenticate.stats() }),
};

handleCommands(commands);
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
