/** Uses the built middleware until its circuit breaker is open, then closes it and does nothing else. */
const { createServer } = require('node:http');
const { once } = require('node:events');
const { subscribe } = require('node:diagnostics_channel');
const { clientSecretBasic, tokenIntrospection } = require('../../dist/index.js');

const HANG = process.argv[2] === 'hang';

subscribe('express-token-introspection:circuit', ({ state }) => console.log(`circuit ${state}`));

async function main() {
  let isDown = false;
  const server = createServer((_req, res) => {
    if (isDown && HANG) return;
    res.writeHead(isDown ? 503 : 200, { 'content-type': 'application/json' }).end('{"active":true}');
  });
  // Nothing except the middleware may keep the process alive.
  server
    .on('connection', (socket) => socket.unref())
    .listen(0, '127.0.0.1')
    .unref();
  await once(server, 'listening');
  const authenticate = tokenIntrospection({
    endpoint: `http://127.0.0.1:${server.address().port}/`,
    clientAuth: clientSecretBasic('api', 'secret'),
    audience: false,
    timeoutMs: 1000,
    cache: { ttlSeconds: 0.2, staleIfErrorSeconds: 60 },
  });
  const ask = (token) =>
    authenticate.introspect(token).then(
      ({ active }) => active,
      ({ code }) => code,
    );
  console.log(`known ${await ask('known')}`);
  isDown = true;
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map(ask));
  console.log(`then ${await ask('f')}`);
  const late = ask('known');
  await authenticate.close();
  await late;
  console.log(`closed ${await ask('g')}`);
}

main();
