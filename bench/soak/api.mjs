/** An Express app with the built library, in its own process. The process exits by itself after `close`. */
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  clientSecretBasic,
  getAuthDetails,
  IntrospectionError,
  requireFresh,
  requireScope,
  tokenIntrospection,
} from '../../dist/index.js';
import { express } from '../packages.mjs';

const { endpoint, issuer, audience, clientId, clientSecret, timeoutMs, clockToleranceSeconds, cache } =
  await new Promise((resolve) => process.once('message', resolve));

const circuit = [];
subscribe('express-token-introspection:circuit', (event) => circuit.push({ at: Date.now(), ...event }));

const authenticate = tokenIntrospection({
  endpoint,
  issuer,
  audience,
  clientAuth: clientSecretBasic(clientId, clientSecret),
  timeoutMs,
  clockToleranceSeconds,
  cache,
});
const app = express();
app.disable('x-powered-by');
app.use(authenticate);
const handler = (req, res) => {
  res.json({ stale: getAuthDetails(req).stale });
};
app.get('/any', handler);
app.get('/scope', requireScope('reports:read'), handler);
app.get('/fresh', requireFresh({ maxAgeSeconds: 0 }), handler);
app.use((error, _req, res, next) => {
  if (!(error instanceof IntrospectionError)) return next(error);
  return res.status(error.status).set(error.headers).json({ error: error.code });
});
const server = createServer(app);
server.listen(0, '127.0.0.1');
await once(server, 'listening');

const commands = {
  /** Memory, sockets and timers that are in use after garbage collection. */
  async measureResources() {
    for (let round = 0; round < 5; round++) {
      global.gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const handles = process.getActiveResourcesInfo();
    const count = (name) => handles.filter((handle) => handle === name).length;
    return {
      heapMegabytes: process.memoryUsage().heapUsed / 2 ** 20,
      sockets: count('TCPSocketWrap'),
      timers: count('Timeout'),
    };
  },
  readState: () => ({ circuit: circuit.splice(0), stats: authenticate.stats() }),
  async close() {
    server.close();
    server.closeIdleConnections();
    await authenticate.close();
  },
};

process.on('message', async ({ id, command }) => {
  const result = await commands[command]();
  process.send({ id, ...result }, () => {
    if (command === 'close') process.disconnect();
  });
});
process.send({ port: server.address().port });
