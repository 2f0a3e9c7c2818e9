// Runs an API with the built library, a shared cache and the handlers of signals. The argument is JSON: introspection `endpoint`, `redisPort`,
// the `issuer` and `audience` of signals, and for a poller `pollToken`. It prints its URL.
import { createServer } from 'node:http';
import { createClient } from 'redis';
import { noClientAuth, tokenIntrospection } from '../../dist/index.js';
import { redisStore } from '../../dist/redis/index.js';
import { backChannelLogout, pollSecurityEvents, securityEvents } from '../../dist/signals/index.js';

const { endpoint, redisPort, issuer, audience, secrets, pollToken } = JSON.parse(process.argv[2]);

const client = createClient({ url: `redis://127.0.0.1:${redisPort}` });
client.on('error', () => {});
await client.connect();

const authenticate = tokenIntrospection({
  endpoint,
  clientAuth: noClientAuth(),
  audience: false,
  cache: { store: redisStore({ client }), secrets },
});

const options = { authenticate, issuer, audience };
const handlers = {
  '/backchannel-logout': backChannelLogout(options),
  '/security-events': securityEvents(options),
  '/': authenticate,
};
const server = createServer((req, res) => {
  handlers[req.url](req, res, (error) => {
    if (error) res.statusCode = error.status ?? 500;
    res.end(req.auth?.sub);
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
  if (pollToken) pollSecurityEvents({ ...options, endpoint: `${issuer}/poll`, token: pollToken });
});
