/** One process of the soak: event streams and Socket.IO over the built library and a shared store. Run with --expose-gc. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { handleCommands } from '../commands.mjs';

const require = createRequire(import.meta.url);
const { noClientAuth, tokenIntrospection } = require('../../dist/index.js');
const { redisStore } = require('../../dist/redis/index.js');
const { socketAuthentication } = require('../../dist/socket-io/index.js');
const { endWithToken } = require('../../dist/streams/index.js');

const { endpoint, redisPort, ttlSeconds } = await new Promise((resolve) => process.once('message', resolve));

const client = createClient({ url: `redis://127.0.0.1:${redisPort}` });
client.on('error', () => {});
await client.connect();
const authenticate = tokenIntrospection({
  endpoint,
  clientAuth: noClientAuth(),
  audience: false,
  cache: { ttlSeconds, store: redisStore({ client }), secrets: ['a secret that only this soak uses'] },
});

const responses = new Set();
const server = createServer((req, res) => {
  authenticate(req, res, () => {
    if (!endWithToken(req, res, { lastEvent: 'event: token-ended\ndata:\n\n' })) return;
    responses.add(res);
    res.once('close', () => responses.delete(res));
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.write('data: hello\n\n');
  });
});
const io = new Server(server);
io.use(socketAuthentication(authenticate));
io.on('connection', (socket) => void socket.join('everybody'));

handleCommands({
  /** Reads the revocation log, so that later lookups use the cache. */
  async warmUp({ token }) {
    for (let calls = -1; calls !== authenticate.stats().endpointCalls; ) {
      calls = authenticate.stats().endpointCalls;
      await authenticate.introspect(token);
    }
    return {};
  },
  async invalidate({ target }) {
    await authenticate.invalidate(target);
    return {};
  },
  stats() {
    for (let round = 0; round < 4; round++) globalThis.gc();
    return {
      open: responses.size + io.of('/').sockets.size,
      heapBytes: process.memoryUsage().heapUsed,
      handles: process.getActiveResourcesInfo().length,
    };
  },
  cpu() {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1000 };
  },
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
