import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { type RunningAuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js';
import { createExampleProject, EXAMPLES } from '../support/example-project.js';
import { freePort } from '../support/free-port.js';
import { page } from '../support/pages.js';
import { describeWithRedis, startRedis } from '../support/redis-server.js';
import { attend, open, rejectionOf } from '../support/sockets.js';

const NAMES = readdirSync(EXAMPLES, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() && entry.name !== 'node_modules' ? [entry.name] : [],
);

/** Examples with one server and one route for requests with a bearer token. */
const APIS = ['express', 'express-typescript', 'express4-commonjs', 'fastify'];
const OTHERS = ['event-stream', 'mcp', 'redis', 'several-servers', 'socket-io', 'websocket'];

let as: RunningAuthorizationServer;

beforeAll(async () => {
  as = await startAuthorizationServer();
}, 30_000);

/** The values of `.env` for an app that asks this authorization server. */
function settings({ introspectionEndpoint, resourceServer: { clientId, clientSecret } } = as) {
  return { INTROSPECTION_ENDPOINT: introspectionEndpoint, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret };
}

async function issue(scope: string, server = as): Promise<string> {
  return (await server.issue({ scope })).access_token;
}

/** Status and challenge of a request with this token, if given. */
async function call(url: string, token?: string) {
  const response = await fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  return { status: response.status, challenge: response.headers.get('www-authenticate'), body: await response.json() };
}

async function expectProtected(url: string, body: object): Promise<void> {
  expect(await call(url)).toMatchObject({ status: 401, challenge: expect.stringMatching(/^Bearer realm="api"$/) });
  expect(await call(url, 'unknown')).toMatchObject({
    status: 401,
    challenge: expect.stringContaining('error="invalid_token"'),
  });
  expect(await call(url, await issue('profile:read'))).toMatchObject({
    status: 403,
    challenge: expect.stringMatching(/error="insufficient_scope".*, scope="reports:read"/),
  });
  expect(await call(url, await issue('reports:read'))).toMatchObject({ status: 200, body });
}

describe('the examples', () => {
  it('are all tested here', () => {
    expect([...APIS, ...OTHERS].sort()).toEqual([...NAMES].sort());
  });

  it.each(NAMES)('%s needs the versions that the library is tested with', (name) => {
    const { dependencies, devDependencies } = createExampleProject(name).manifest;
    const { version, ...root } = JSON.parse(page('package.json'));
    const tested = Object.values<string>({ ...root.dependencies, ...root.devDependencies });
    const { 'express-token-introspection': own, ...others } = dependencies;
    expect(own).toBe(`^${version}`);
    for (const range of Object.values({ ...others, ...devDependencies })) {
      expect(tested.map((each) => each.replace(/^npm:.+@/, ''))).toContain(range);
    }
  });

  it.each(APIS)('%s accepts a token with the scope, and rejects a request without', async (name) => {
    const port = await freePort();
    const app = await createExampleProject(name).start({ ...settings(), PORT: port });
    await app.line((line) => line === 'token introspection works');
    const body = name === 'express-typescript' ? [{ month: 'October', reader: 'alice' }] : { sub: 'alice' };
    await expectProtected(`http://127.0.0.1:${port}/api/reports`, body);
    expect(app.errorOutput()).toBe('');
  });

  it.each(APIS)('%s answers 503 in an outage, and says what is wrong at the start', async (name) => {
    const port = await freePort();
    const app = await createExampleProject(name).start({ ...settings(), CLIENT_SECRET: 'another', PORT: port });
    await app.line((line) => line.startsWith('token introspection fails (client_rejected): '));
    const { status } = await call(`http://127.0.0.1:${port}/api/reports`, await issue('reports:read'));
    expect(status).toBe(503);
  });

  it('several-servers asks the server that the path selects', async () => {
    const other = await startAuthorizationServer();
    const port = await freePort();
    const values = [['ACME', as] as const, ['BETA', other] as const].flatMap(([tenant, server]) => [
      [`${tenant}_ENDPOINT`, server.introspectionEndpoint],
      [`${tenant}_CLIENT_SECRET`, server.resourceServer.clientSecret],
    ]);
    const app = await createExampleProject('several-servers').start({ ...Object.fromEntries(values), PORT: port });
    await app.line((line) => line === 'acme: token introspection works');
    await app.line((line) => line === 'beta: token introspection works');
    const url = (tenant: string) => `http://127.0.0.1:${port}/${tenant}/reports`;
    await expectProtected(url('acme'), { tenant: 'acme', sub: 'alice' });
    expect(await call(url('beta'), await issue('reports:read', other))).toMatchObject({ body: { tenant: 'beta' } });
    expect((await call(url('beta'), await issue('reports:read'))).status).toBe(401);
    expect((await call(url('gamma'), await issue('reports:read'))).status).toBe(401);
  });

  it('websocket opens sockets only with a token that has the scope', async () => {
    const port = await freePort();
    await createExampleProject('websocket').start({ ...settings(), PORT: port });
    const url = `ws://127.0.0.1:${port}`;
    const client = await attend(open(url, await issue('reports:read')));
    const answer = new Promise((resolve) => client.socket.once('message', (message) => resolve(String(message))));
    client.socket.send('hello');
    expect(await answer).toBe('alice: hello');
    expect((await rejectionOf(open(url))).status).toBe(401);
    expect((await rejectionOf(open(url, await issue('profile:read')))).status).toBe(403);
  });

  it('event-stream sends events until the token ends', async () => {
    const port = await freePort();
    const app = await createExampleProject('event-stream').start({ ...settings(), PORT: port });
    const url = `http://127.0.0.1:${port}/api/events`;
    const { access_token } = await as.issue({ scope: 'reports:read', ttlSeconds: 3 });
    const response = await fetch(url, { headers: { authorization: `Bearer ${access_token}` } });
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^(?:data: \d{4}-.*\n\n)+event: token-ended\ndata:\n\n$/);
    expect((await fetch(url)).status).toBe(401);
    const scopeless = { authorization: `Bearer ${await issue('profile:read')}` };
    expect((await fetch(url, { headers: scopeless })).status).toBe(403);
    expect(app.errorOutput()).toBe('');
  });

  it('socket-io connects only a client with a token that has the scope', async () => {
    const port = await freePort();
    const project = createExampleProject('socket-io');
    await project.start({ ...settings(), PORT: port });
    const output = async (token: string) => {
      const client = project.run('client', token);
      return client.line((line) => line !== '');
    };
    expect(await output(await issue('reports:read'))).toBe('alice: hello');
    expect(await output('unknown')).toBe('not connected: invalid_token');
    expect(await output(await issue('profile:read'))).toBe('not connected: insufficient_scope');
  });

  it('mcp runs a tool only with its scope, and names its metadata without a token', async () => {
    const port = await freePort();
    const resource = `http://127.0.0.1:${port}/mcp`;
    const { CLIENT_SECRET } = settings();
    const values = { AUTHORIZATION_SERVER: as.issuer, CLIENT_SECRET, AUDIENCE: resource, PORT: port };
    const app = await createExampleProject('mcp').start(values);
    await app.line((line) => line === 'token introspection works');
    const callTool = async (scope?: string) => {
      const token = scope && (await as.issue({ scope, resource })).access_token;
      return fetch(resource, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(token && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'add_note', arguments: { text: 'remember' } },
        }),
      });
    };
    const [without, reader, writer] = [
      await callTool(),
      await callTool('files:read'),
      await callTool('files:read files:write'),
    ];
    expect([without.status, reader.status, writer.status]).toEqual([401, 403, 200]);
    expect(await writer.text()).toContain('added');
    const metadata = /resource_metadata="([^"]+)"/.exec(without.headers.get('www-authenticate') ?? '')?.[1] ?? '';
    expect(await (await fetch(metadata)).json()).toMatchObject({ resource, authorization_servers: [as.issuer] });
  });
});

describeWithRedis('the example redis', () => {
  it('shares responses and revocations between two processes', async () => {
    const redis = await startRedis();
    const [secret, invalidationSecret] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    const shared = {
      ...settings(),
      REDIS_URL: redis.url,
      CACHE_SECRET: secret,
      INVALIDATION_SECRET: invalidationSecret,
    };
    const ports = [await freePort(), await freePort()];
    const project = createExampleProject('redis');
    for (const port of ports) {
      const app = await project.start({ ...shared, PORT: port });
      await app.line((line) => line === 'token introspection works');
    }
    const [first = '', second = ''] = ports.map((port) => `http://127.0.0.1:${port}`);
    await expectProtected(`${first}/api/reports`, { sub: 'alice' });

    const token = await issue('reports:read');
    expect((await call(`${first}/api/reports`, token)).status).toBe(200);
    await as.revoke(token);
    expect((await call(`${second}/api/reports`, token)).status).toBe(200);
    const invalidation = await fetch(`${first}/invalidations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${invalidationSecret}` },
      body: new URLSearchParams({ token }),
    });
    expect(invalidation.status).toBe(200);
    expect((await call(`${second}/api/reports`, token)).status).toBe(401);
  });
});
