/** The process of one sample. It serves the same app on two ports: without authentication, and with the target's middleware. */
import { createServer } from 'node:http';
import { express } from './packages.mjs';

const { host, target, context } = await new Promise((resolve) => process.once('message', resolve));
const middleware = (await import(`./targets/${target.module}.mjs`))[target.create](context);

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
const [bare, protectedUrl] = await Promise.all([listen(build([])), listen(build([middleware]))]);

process.on('message', ({ id }) => {
  const { user, system } = process.cpuUsage();
  process.send({ id, cpuMicros: user + system });
});
process.on('disconnect', () => process.exit());
process.send({ bare, protectedUrl });

function listen(server) {
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}/`));
  });
}
