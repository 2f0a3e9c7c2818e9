// One process of a fleet: an API behind the built library, with a shared cache. Takes the introspection endpoint and the port of
// Redis as arguments, prints its URL, then obeys `{"token":…}` or `{"sub":…}` on standard input by invalidating that everywhere.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { createClient } from 'redis';
import { noClientAuth, tokenIntrospection } from '../../dist/index.js';
import { redisStore } from '../../dist/redis.js';

const [endpoint, redisPort] = process.argv.slice(2);

const client = createClient({ url: `redis://127.0.0.1:${redisPort}` });
client.on('error', () => {});
await client.connect();

const authenticate = tokenIntrospection({
  endpoint,
  clientAuth: noClientAuth(),
  audience: false,
  cache: { store: redisStore({ client }), secrets: ['a secret that is used by this test alone'] },
});

const server = createServer((req, res) => {
  authenticate(req, res, (error) => {
    if (error) res.statusCode = error.status ?? 500;
    res.end(req.auth?.sub);
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));

let orders = 0;
for await (const line of createInterface({ input: process.stdin })) {
  await authenticate.invalidate(JSON.parse(line));
  orders++;
  console.log(JSON.stringify({ told: orders }));
}
