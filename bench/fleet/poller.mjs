/** A process that polls security events, once it is told to, and invalidates over the shared store. */
import { createClient } from 'redis';
import { handleCommands } from '../commands.mjs';
import { entry, library } from '../packages.mjs';
import { AUDIENCE } from '../tokens.mjs';

const { redisStore } = entry('redis');
const { pollSecurityEvents } = entry('signals');

const { endpoint, redisPort, secrets, signals, pollEndpoint } = await new Promise((resolve) =>
  process.once('message', resolve),
);

const client = createClient({ url: `redis://127.0.0.1:${redisPort}` });
client.on('error', () => {});
await client.connect();
const authenticate = library.tokenIntrospection({
  endpoint: `${endpoint}/shared`,
  clientAuth: library.noClientAuth(),
  audience: AUDIENCE,
  cache: { store: redisStore({ client }), secrets },
});
handleCommands({
  poll() {
    pollSecurityEvents({ ...signals, authenticate, endpoint: pollEndpoint });
    return {};
  },
});
process.send({});
