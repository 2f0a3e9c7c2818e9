/** Serves the same app on several ports: without authentication, and with the middleware of each target. */
import { createServer } from 'node:http';
import { express } from './packages.mjs';

const { host, targets, context } = await new Promise((resolve) => process.once('message', resolve));

const hosts = {
  express(middlewares) {
    const app = express();
    app.get('/', ...middlewares, (_req, res) => {
      res.json({ ok: true });
    });
    app.use((error, _req, res, _next) => {
      res.status(error.status ?? 500).end();
    });
    return createServer(app);
  },
  http([middleware]) {
    const respond = (res) => {
      res.setHeader('content-type', 'application/json');
      res.end('{"ok":true}');
    };
    if (middleware === undefined) return createServer((_req, res) => respond(res));
    return createServer((req, res) => {
      middleware(req, res, (error) => {
        if (error) res.statusCode = error.status ?? 500;
        respond(res);
      });
    });
  },
};

const build = hosts[host];
const bare = await listen(build([]));
const urls = {};
for (const { name, module, create } of targets) {
  const { [create]: createMiddleware } = await import(`./targets/${module}.mjs`);
  urls[name] = await listen(build([createMiddleware(context)]));
}

process.on('message', ({ id }) => {
  const { user, system } = process.cpuUsage();
  process.send({ id, cpuMicros: user + system });
});
process.on('disconnect', () => process.exit());
process.send({ bare, urls });

function listen(server) {
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}/`));
  });
}
