import { connect } from 'node:net';
import { AuthError } from '../../lib/index.js';
import { getSocketAuth, webSocketUpgrade } from '../../lib/websocket/index.js';
import { createAuthenticate } from '../support/api.js';
import { BARE, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { CHALLENGES, createDpopSetup } from '../support/dpop.js';
import { ORIGIN } from '../support/dpop-sender.js';
import { active, createEndpoint, json } from '../support/endpoint.js';
import { serveSockets } from '../support/sockets.js';
import { until } from '../support/until.js';

const UPGRADE = [
  'GET /socket HTTP/1.1',
  'Host: api.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Authorization: Bearer abc',
];

describe('webSocketUpgrade', () => {
  it('accepts a valid token, and the socket has its claims from the start', async () => {
    const endpoint = await createEndpoint(active());
    const server = await serveSockets(createAuthenticate(endpoint));
    const subs: unknown[] = [];
    server.wss.on('connection', (socket, req) => subs.push([getSocketAuth(socket).sub, req.url]));
    const { socket, messages } = await server.connect('abc');
    socket.send('hello');
    await until(() => messages.length > 0);
    expect([subs, messages]).toEqual([[['alice', '/socket']], ['hello']]);
  });

  it.each([
    ['401 without credentials', undefined, 401, BARE, {}],
    ['400 for a malformed token', 'a b', 400, /error="invalid_request"/, { error: 'invalid_request' }],
    ['401 invalid_token for an inactive token', 'bad', 401, INVALID_TOKEN, { error: 'invalid_token' }],
  ])('answers %s', async (_title, token, status, challenge, body) => {
    const endpoint = await createEndpoint({ active: false });
    const server = await serveSockets(createAuthenticate(endpoint));
    const response = await server.rejected(token);
    expect(response.status).toBe(status);
    expect(response.headers['www-authenticate']).toMatch(challenge);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.headers.connection).toBe('close');
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(response.body)).toMatchObject(body);
    expect(server.wss.clients.size).toBe(0);
  });

  it('answers 403 insufficient_scope and names the scope', async () => {
    const endpoint = await createEndpoint(active());
    const server = await serveSockets(createAuthenticate(endpoint, { scopes: ['admin'] }));
    const { status, headers } = await server.rejected('abc');
    expect([status, headers['www-authenticate']]).toEqual([403, insufficientScope('admin')]);
  });

  it('answers 503 with Retry-After in an outage, and passes the error to the app', async () => {
    const endpoint = await createEndpoint((_asked, res) => json(res, { why: 'database' }, 500));
    const errors: unknown[] = [];
    const server = await serveSockets(createAuthenticate(endpoint), { onError: (error) => errors.push(error) });
    const { status, headers, body } = await server.rejected('abc');
    expect([status, headers['retry-after'], headers['www-authenticate']]).toEqual([503, '1', undefined]);
    expect(JSON.parse(body)).toEqual({ error: 'temporarily_unavailable' });
    expect(errors).toMatchObject([{ code: 'server_error' }]);
  });

  it('answers 500 when a function of the app throws, and reveals nothing', async () => {
    const failure = new Error('cookie jar is broken');
    const errors: unknown[] = [];
    const fail = () => {
      throw failure;
    };
    const authenticate = createAuthenticate(await createEndpoint(active()), { getToken: fail });
    const server = await serveSockets(authenticate, { onError: (error) => errors.push(error) });
    const { status, body } = await server.rejected('abc');
    expect([status, JSON.parse(body), errors]).toEqual([500, { error: 'server_error' }, [failure]]);
  });

  it('answers 500 when the claims were not created by the middleware', async () => {
    const authenticate = createAuthenticate(await createEndpoint(active()));
    const errors: unknown[] = [];
    const server = await serveSockets(
      { authenticateRequest: async (req) => ({ ...(await authenticate.authenticateRequest(req)) }) },
      { onError: (error) => errors.push(error) },
    );
    expect((await server.rejected('abc')).status).toBe(500);
    expect(errors).toMatchObject([{ message: expect.stringContaining('the very object') }]);
  });

  it('answers 500 when an error of the app would inject a header', async () => {
    const error = Object.assign(new AuthError('inactive'), {
      headers: { 'WWW-Authenticate': 'Bearer\r\nSet-Cookie: a=b' },
    });
    const server = await serveSockets({ authenticateRequest: () => Promise.reject(error) });
    const { status, headers } = await server.rejected('abc');
    expect([status, headers['set-cookie']]).toEqual([500, undefined]);
  });

  it('sends both challenges, one header each, and a nonce, and accepts a proof once', async () => {
    const { sender, clock, endpoint } = await createDpopSetup();
    const authenticate = createAuthenticate(endpoint, { clock, dpop: { origin: ORIGIN, nonce: true } });
    const server = await serveSockets(authenticate);
    const headersWith = async (nonce?: unknown) => ({
      authorization: 'DPoP abc',
      dpop: await sender.proof('abc', clock, { claims: { htu: `${ORIGIN}/socket`, nonce } }),
    });
    const first = await server.rejected(undefined, await headersWith());
    expect([first.status, first.headers['www-authenticate']]).toEqual([401, CHALLENGES.nonce]);
    const headers = await headersWith(first.headers['dpop-nonce']);
    await server.connect(undefined, headers);
    const again = await server.rejected(undefined, headers);
    expect([again.status, again.headers['www-authenticate']]).toEqual([401, CHALLENGES.proof]);
  });

  it('leaves no connection behind after a rejection, though its client does not hang up', async () => {
    const endpoint = await createEndpoint({ active: false });
    const { port, http } = await serveSockets(createAuthenticate(endpoint));
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    // More than is read before the response: unread data would reset the connection and lose the response.
    socket.write(`${UPGRADE.join('\r\n')}\r\n\r\n${'x'.repeat(500_000)}`);
    let response = '';
    socket.setEncoding('latin1').on('data', (text) => {
      response += text;
    });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('end', resolve));
    expect(response).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(response.match(/\r\n\r\n/g)).toHaveLength(1);
    const connections = () => new Promise<number>((resolve) => http.getConnections((_error, count) => resolve(count)));
    while ((await connections()) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
  });

  it.each(['good', 'bad'])('ends quietly when the client disconnects early: a %s token', async (token) => {
    const held = createDeferred<void>();
    const endpoint = await createEndpoint(async () => {
      await held.promise;
      return token === 'good' ? active() : { active: false };
    });
    const decisions = recordDecisions();
    const server = await serveSockets(createAuthenticate(endpoint));
    const connected = jest.fn();
    server.wss.on('connection', connected);
    const gone = new Promise<void>((resolve) => {
      server.http.on('upgrade', (_req, socket) => socket.on('close', resolve));
    });
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`${UPGRADE.join('\r\n')}\r\n\r\n`);
    await until(() => endpoint.asked.length === 1);
    socket.resetAndDestroy();
    // A paused connection notices the disconnect when it is written to or read.
    held.resolve();
    await until(() => decisions.length === 1);
    await gone;
    expect(server.wss.clients.size).toBe(0);
  });
});

describe('the arguments of webSocketUpgrade', () => {
  it.each([
    [[undefined, undefined], /Option "authenticate" is missing; write webSocketUpgrade/],
    [['authenticate', undefined], /Option "server" is missing; write a WebSocket server/],
    [['authenticate', 'server', { recheckSeconds: 86_401 }], /Option "recheckSeconds" is 86401/],
  ])('throw when they are wrong: %j', async (args, message) => {
    const known: Record<string, unknown> = {
      authenticate: createAuthenticate(await createEndpoint(active())),
      server: { handleUpgrade() {}, emit() {} },
    };
    const given = args.map((arg) => (typeof arg === 'string' ? known[arg] : arg));
    expect(() => webSocketUpgrade(...(given as Parameters<typeof webSocketUpgrade>))).toThrow(message);
  });
});
