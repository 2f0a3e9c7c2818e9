// An introspection endpoint with two active tokens, and a client that calls an app behind the middleware.
import { createServer } from 'node:http';

const TOKENS = {
  reader: { active: true, sub: 'alice', scope: 'reports:read' },
  other: { active: true, sub: 'bob', scope: 'other' },
};

async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

export async function createEndpoint() {
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    const token = new URLSearchParams(body).get('token');
    const status = token === 'doomed' ? 500 : 200;
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(JSON.stringify(TOKENS[token] ?? { active: false }));
  });
  const url = `${await listen(server)}/introspect`;

  /** Prints the responses that a client gets. */
  async function walk(app) {
    const api = createServer(app);
    const origin = await listen(api);
    for (const [path, token] of [
      ['/'],
      ['/', 'reader'],
      ['/', 'unknown'],
      ['/reports', 'reader'],
      ['/reports', 'other'],
      ['/', 'doomed'],
    ]) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(origin + path, { headers });
      const { status } = response;
      const told = status === 200 ? await response.text() : response.headers.get('www-authenticate');
      console.log(path, token ?? 'no token', status, told ?? `retry after ${response.headers.get('retry-after')}`);
    }
    for (const each of [api, server]) {
      each.close();
      each.closeAllConnections();
    }
  }

  return { url, walk };
}
