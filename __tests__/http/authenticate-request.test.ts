import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AuthError, TokenIntrospection } from '../../lib/index.js';
import { createApi, createApp, get } from '../support/api.js';
import { BARE, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { CHALLENGES, createDpopSetup } from '../support/dpop.js';
import { ORIGIN } from '../support/dpop-sender.js';
import { active, createEndpoint } from '../support/endpoint.js';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A bare server that upgrades authenticated clients to another protocol and greets them there. */
async function serveUpgrades(authenticate: TokenIntrospection): Promise<number> {
  const server = createServer((_req, res) => void res.writeHead(426).end());
  server.on('upgrade', async (req: IncomingMessage, socket: Duplex) => {
    try {
      const { sub } = await authenticate.authenticateRequest(req);
      socket.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: greeting\r\n\r\nhello ${sub}`);
    } catch (error) {
      const { status, headers } = error as AuthError;
      const lines = Object.entries(headers).flatMap(([name, value]) =>
        [value].flat().map((item) => `${name}: ${item}`),
      );
      socket.end([`HTTP/1.1 ${status} Refused`, ...lines, 'Content-Length: 0', '', ''].join('\r\n'));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

interface Upgraded {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly greeting: string;
}

function upgrade(port: number, headers: Record<string, string>, path = '/socket'): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const upgradeHeaders = { connection: 'Upgrade', upgrade: 'greeting' };
    const sent = request({ port, host: '127.0.0.1', agent: false, path, headers: { ...upgradeHeaders, ...headers } });
    sent.on('upgrade', async (res, socket, head) => {
      let greeting = String(head);
      for await (const chunk of socket) greeting += chunk;
      resolve({ status: res.statusCode, headers: res.headers, greeting });
    });
    sent.on('response', (res) => resolve({ status: res.resume().statusCode, headers: res.headers, greeting: '' }));
    sent.on('error', reject).end();
  });
}

describe('authenticateRequest for an upgrade to another protocol', () => {
  it('accepts a client with a valid token and rejects others with the challenge of the middleware', async () => {
    const endpoint = await createEndpoint(({ form }) => (form.get('token') === 'abc' ? active() : { active: false }));
    const port = await serveUpgrades(createApi(endpoint).authenticate);
    expect(await upgrade(port, { authorization: 'Bearer abc' })).toMatchObject({
      status: 101,
      greeting: 'hello alice',
    });
    const refused = await upgrade(port, { authorization: 'Bearer def' });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, INVALID_TOKEN]);
    const anonymous = await upgrade(port, {});
    expect([anonymous.status, anonymous.headers['www-authenticate']]).toEqual([401, BARE]);
    expect(refused.headers['cache-control']).toBe('no-store');
  });

  it('answers 503 with the headers of an outage when the endpoint fails', async () => {
    const endpoint = await createEndpoint((_asked, res) => void res.writeHead(404).end());
    const warning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const port = await serveUpgrades(createApi(endpoint).authenticate);
    const { status, headers } = await upgrade(port, { authorization: 'Bearer abc' });
    expect([status, headers['retry-after'], headers['www-authenticate']]).toEqual([503, '1', undefined]);
    warning.mockRestore();
  });

  it('accepts a DPoP proof once and requires a nonce', async () => {
    const { sender, clock, endpoint } = await createDpopSetup();
    const port = await serveUpgrades(
      createApi(endpoint, { clock, dpop: { origin: ORIGIN, nonce: true } }).authenticate,
    );
    const headersWith = async (nonce?: unknown) => {
      const claims = { htu: `${ORIGIN}/socket`, nonce };
      return { authorization: 'DPoP abc', dpop: await sender.proof('abc', clock, { claims }) };
    };
    const first = await upgrade(port, await headersWith(), '/socket?room=1');
    expect([first.status, first.headers['www-authenticate']]).toEqual([401, CHALLENGES.nonce]);
    const headers = await headersWith(first.headers['dpop-nonce']);
    expect((await upgrade(port, headers, '/socket?room=1')).status).toBe(101);
    const again = await upgrade(port, headers);
    expect([again.status, again.headers['www-authenticate']]).toEqual([401, CHALLENGES.proof]);
  });
});

describe('authenticateRequest', () => {
  const requestWith = (authorization?: string) =>
    ({ method: 'GET', url: '/', headers: { authorization }, rawHeaders: [] }) as unknown as IncomingMessage;

  it('returns claims in an object of the caller’s own and does not change the request', async () => {
    const { authenticate } = createApi(await createEndpoint(active()));
    const req = requestWith('Bearer abc');
    const [first, second] = [await authenticate.authenticateRequest(req), await authenticate.authenticateRequest(req)];
    expect(first).toMatchObject({ active: true, sub: 'alice' });
    first.sub = 'mallory';
    expect(second.sub).toBe('alice');
    expect(req).not.toHaveProperty('auth');
  });

  it('shares the cache of the middleware', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    await api.get('abc').expect(200);
    await api.authenticate.authenticateRequest(requestWith('Bearer abc'));
    expect(endpoint.asked).toHaveLength(1);
  });

  it('rejects by the policy of the middleware, with its headers', async () => {
    const { authenticate } = createApi(await createEndpoint(active()), { scopes: ['admin'] });
    await expect(authenticate.authenticateRequest(requestWith('Bearer abc'))).rejects.toMatchObject({
      status: 403,
      reason: 'insufficient_scope',
      headers: { 'WWW-Authenticate': insufficientScope('admin'), 'Cache-Control': 'no-store' },
    });
    await expect(authenticate.authenticateRequest(requestWith('Bearer a b'))).rejects.toMatchObject({ status: 400 });
  });

  it('rejects a request without credentials, even with "optional"', async () => {
    const { authenticate } = createApi(await createEndpoint(active()), { optional: true });
    await expect(authenticate.authenticateRequest(requestWith())).rejects.toMatchObject({
      status: 401,
      reason: 'no_credentials',
    });
  });

  it('rejects and never throws when a function of the app throws', async () => {
    const failure = new Error('no cookie');
    const fail = () => {
      throw failure;
    };
    const { authenticate } = createApi(await createEndpoint(active()), { getToken: fail });
    await expect(authenticate.authenticateRequest(requestWith())).rejects.toBe(failure);
  });

  it('rejects once the middleware is closed', async () => {
    const { authenticate } = createApi(await createEndpoint(active()));
    await authenticate.close();
    await expect(authenticate.authenticateRequest(requestWith('Bearer abc'))).rejects.toMatchObject({ code: 'closed' });
  });

  it('lets the middleware accept the same proof on the same request', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const app = createApp(async (req, _res, next) => {
      await api.authenticate.authenticateRequest(req);
      next();
    }, api.authenticate);
    const proof = await sender.proof('abc', clock);
    await get(app).set({ authorization: 'DPoP abc', dpop: proof }).expect(200);
    await get(app).set({ authorization: 'DPoP abc', dpop: proof }).expect(401);
    expect(app.errors).toMatchObject([{ reason: 'dpop_proof_replayed' }]);
  });
});
