import { once } from 'node:events';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { BARE, INVALID_REQUEST, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { removeGuides, startGuide } from '../support/frameworks.js';
import { openStream } from '../support/streams.js';
import { until } from '../support/until.js';

const AUDIENCE = { aud: 'https://api.example.com' };

/** Introspection responses for the tokens of these tests. */
const ANSWERS: Readonly<Record<string, Script>> = {
  good: active({ ...AUDIENCE, scope: 'reports:read' }),
  weak: active({ ...AUDIENCE, scope: 'profile:read' }),
  stranger: active({ aud: 'https://other.example.com', scope: 'reports:read' }),
  bad: { active: false },
};

/** A token that expires in 2 seconds. */
const briefly = () => active({ ...AUDIENCE, scope: 'reports:read', exp: Math.floor(Date.now() / 1000) + 2 });

const PATIENCE_MS = 5000;

afterAll(removeGuides);

describe.each(['Fastify', 'Koa', 'NestJS', "Node's own server"])('the app of the guide for %s', (heading) => {
  let url: string;
  let read: () => string;

  const get = (authorization?: string, path = '/api/reports') =>
    fetch(`${url}${path}`, {
      headers: authorization === undefined ? {} : { authorization },
      // No request may hang.
      signal: AbortSignal.timeout(PATIENCE_MS),
    });

  beforeEach(async () => {
    const endpoint = await createEndpoint(({ form }, res) => {
      const token = form.get('token') ?? '';
      const answer = token === 'brief' ? briefly() : ANSWERS[token];
      if (answer === undefined) json(res, { why: 'db-12 is down' }, 500);
      return answer;
    });
    const guide = await startGuide(heading, endpoint.url);
    url = guide.url;
    read = () => guide.child.lines.join('\n') + guide.child.errorOutput();
  }, 30_000);

  it('answers like the middleware, and runs its handler only for a valid token with the scope', async () => {
    const seen: unknown[] = [];
    for (const [authorization, status, challenge] of [
      ['Bearer good', 200, null],
      ['Bearer good', 200, null],
      [undefined, 401, BARE],
      ['Basic YTpi', 401, BARE],
      ['Bearer a b', 400, INVALID_REQUEST],
      ['Bearer bad', 401, INVALID_TOKEN],
      ['Bearer stranger', 401, INVALID_TOKEN],
      ['Bearer weak', 403, insufficientScope('reports:read')],
      ['Bearer down', 503, null],
    ] as const) {
      const response = await get(authorization);
      const text = await response.text();
      expect([authorization, response.status, response.headers.get('www-authenticate')]).toEqual([
        authorization,
        status,
        challenge,
      ]);
      if (status === 200) {
        expect(JSON.parse(text)).toEqual({ sub: 'alice', scope: 'reports:read' });
      } else {
        expect(response.headers.get('cache-control')).toBe('no-store');
        expect(text).not.toContain('alice');
        expect(text).not.toContain('db-12');
      }
      if (status === 503) expect(response.headers.get('retry-after')).toBe('1');
      seen.push(status);
    }
    expect(seen).toHaveLength(9);
    for (const secret of ['good', 'weak', 'stranger', 'db-12']) expect(read()).not.toContain(secret);
  }, 30_000);

  it('ends an event stream when its token expires, and other streams go on', async () => {
    const other = await openStream(`${url}/api/events`, 'good');
    const stream = await openStream(`${url}/api/events`, 'brief');
    expect(await stream.end).toBe('end');
    expect([stream.status, stream.text()]).toEqual([200, expect.stringContaining('data: hello')]);
    expect(other.res.complete).toBe(false);
    expect((await get('Bearer weak', '/api/events')).status).toBe(403);
    expect(read()).not.toMatch(/Error/);
  }, 30_000);

  it('protects every spelling of the path', async () => {
    for (const path of [
      '/api//reports',
      '//api/reports',
      '/api/reports/',
      '/API/reports',
      '/%61pi/reports',
      '/api/./reports;a',
    ]) {
      const response = await get('Bearer bad', path);
      expect([401, 404]).toContain(response.status);
    }
  }, 30_000);
});

describe('the app of the guide for Socket.IO', () => {
  /** Opens one connection. Sockets can be opened on it one after another. */
  async function openConnection() {
    const endpoint = await createEndpoint(({ form }) => ANSWERS[form.get('token') ?? '']);
    const { url, child } = await startGuide('Socket.IO', endpoint.url);
    async function open() {
      const connection = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
      const packets: string[] = [];
      connection.on('message', (packet) => packets.push(String(packet))).on('error', () => {});
      await once(connection, 'open');
      return { connection, packets };
    }
    return { ...(await open()), child, open };
  }

  it('keeps the claims of a socket when another CONNECT of the same connection is rejected', async () => {
    const { connection, packets, child, open } = await openConnection();
    connection.send('40{"token":"good"}');
    await until(() => packets.includes('42["hello","alice"]'));
    const second = await open();
    // Both arrive in one chunk, before the first is announced.
    const { _socket: socket } = second.connection as unknown as { _socket: Socket };
    socket.cork();
    second.connection.send('40{"token":"good"}');
    second.connection.send('40{"token":"bad"}');
    socket.uncork();
    await until(() => child.process.exitCode !== null || second.packets.some((packet) => packet.startsWith('44')));
    await until(() => child.process.exitCode !== null || second.packets.includes('42["hello","alice"]'));
    second.connection.terminate();
    connection.terminate();
    expect(child.process.exitCode).toBe(null);
  }, 30_000);

  it.each([
    ['bad', 'The access token is not valid for this resource'],
    ['weak', 'does not grant what this resource requires'],
    [7, 'invalid_request'],
  ])(
    'rejects the token %j',
    async (token, message) => {
      const { connection, packets } = await openConnection();
      connection.send(`40${JSON.stringify({ token })}`);
      await until(() => packets.some((packet) => packet.startsWith('44')));
      connection.terminate();
      expect(packets.at(-1)).toContain(message);
      expect(packets.join()).not.toContain('hello');
    },
    30_000,
  );
});
