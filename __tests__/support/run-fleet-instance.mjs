// Runs an API with the built library and a shared cache. The arguments are the introspection endpoint and the port of Redis. It prints
// its URL. Each line on standard input, `{"token":…}` or `{"sub":…}`, is passed to `invalidate()`.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { createClient } from 'redis';
import { noClientAuth, tokenIntrospection } from '../../dist/index.js';
import { redisStore } from '../../dist/redis/index.js';

const [endpoint, redisPort] = process.argv.slice(2);

const client = createClient({ url: `redis://127.0.0.1:${redisPort}` });
client.on('error', () => {});
await client.connect();

// The API starts when the log has been read.
const store = redisStore({ client });
let authenticate;
await new Promise((resolve) => {
  const follow = (reader) =>
    store.follow({
      ...reader,
      onCaughtUp(askedAt) {
        reader.onCaughtUp(askedAt);
        resolve();
      },
    });
  authenticate = tokenIntrospection({
    endpoint,
    clientAuth: noClientAuth(),
    audience: false,
    timeoutMs: 10_000,
    cache: { store: { ...store, follow }, secrets: ['a secret that is used by this test alone'] },
  });
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
