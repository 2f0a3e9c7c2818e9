import { WebSocket } from 'ws';
import { requireScope, tokenIntrospection } from '../../lib/index.js';
import { getSocketAuth, keepAuthenticated, reauthenticate } from '../../lib/websocket/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { active, json, type Script } from '../support/endpoint.js';
import { type Client, createSocketSetup as createSetup, type SocketServer } from '../support/sockets.js';
import { until } from '../support/until.js';

const TOKEN_REJECTED = [1008, 'invalid_token'];
const DOWN: Script = (_asked, res) => json(res, {}, 500);

let random: jest.SpyInstance<number, []>;

beforeEach(() => {
  random = jest.spyOn(Math, 'random');
});

afterEach(() => random.mockRestore());

/** Sends a message and waits for its echo. */
async function expectOpen({ socket, messages }: Client, text = 'still there'): Promise<void> {
  socket.send(text);
  await until(() => messages.includes(text));
}

/** Lets real time pass, for tests that show that nothing happens meanwhile. */
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function onlySocket({ wss }: SocketServer) {
  const [socket] = wss.clients;
  if (socket === undefined) throw new Error('There is no socket');
  return socket;
}

describe('a socket', () => {
  it('is closed with 1008 at exp, not before', async () => {
    const clock = createClock();
    const { server } = await createSetup(active({ exp: clock.seconds() + 1.25 }), { clock });
    const client = await server.connect('abc');
    clock.advance(1);
    await expectOpen(client);
    clock.advance(0.25);
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('accepted past exp, within the clock tolerance, is closed at the end of the tolerance', async () => {
    const clock = createClock();
    const { server } = await createSetup(active({ exp: clock.seconds() - 1 }), { clock, clockToleranceSeconds: 2 });
    const client = await server.connect('abc');
    clock.advance(0.75);
    await expectOpen(client);
    clock.advance(0.25);
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it.each([
    ['in a hundred years', 3_000_000_000],
    ['never', undefined],
  ])('stays open when exp is %s', async (_when, exp) => {
    const { server } = await createSetup(active({ exp }));
    const client = await server.connect('abc');
    for (const text of ['one', 'two', 'three']) await expectOpen(client, text);
  });

  it.each([{ token: 'abc' }, { sub: 'alice' }, { client_id: 'app' }, { sid: 'one' }, { jti: 'two' }])(
    'is closed at once when %j is invalidated, and other sockets stay open',
    async (criterion) => {
      const { authenticate, server } = await createSetup(({ form }) =>
        form.get('token') === 'abc'
          ? active({ sid: 'one', jti: 'two' })
          : active({ sub: 'bob', client_id: 'other', sid: 'three' }),
      );
      const [client, other] = await Promise.all([server.connect('abc'), server.connect('def')]);
      await authenticate.invalidate(criterion);
      expect(await client.closed).toEqual(TOKEN_REJECTED);
      await expectOpen(other);
    },
  );

  it('is closed when its token was invalidated before keepAuthenticated()', async () => {
    const { endpoint, authenticate, server } = await createSetup();
    const held = createDeferred<void>();
    server.http.removeAllListeners('upgrade');
    server.http.on('upgrade', async (req, socket, head) => {
      const auth = await authenticate.authenticateRequest(req);
      endpoint.script = { active: false };
      await authenticate.invalidate({ token: 'abc' });
      await held.promise;
      server.wss.handleUpgrade(req, socket, head, (upgraded) => keepAuthenticated(upgraded, auth));
    });
    held.resolve();
    const client = await server.connect('abc');
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('is closed within ttlSeconds when the token was revoked only at the authorization server', async () => {
    const clock = createClock();
    const { endpoint, server } = await createSetup(active({ exp: undefined }), { clock, cache: { ttlSeconds: 1 } });
    const client = await server.connect('abc');
    endpoint.script = { active: false };
    clock.advance(0.5);
    await expectOpen(client);
    expect(endpoint.asked).toHaveLength(1);
    clock.advance(0.5);
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('is rechecked by the whole policy of its middleware', async () => {
    const { endpoint, server } = await createSetup(active(), { cache: { ttlSeconds: 1 }, scopes: ['write'] });
    const client = await server.connect('abc');
    endpoint.script = active({ scope: 'read' });
    expect(await client.closed).toEqual([1008, 'insufficient_scope']);
  });

  it('stays open with the latest claims when a recheck passes', async () => {
    const { endpoint, authenticate, server } = await createSetup(active(), { cache: { ttlSeconds: 1 } });
    const client = await server.connect('abc');
    const socket = onlySocket(server);
    const before = getSocketAuth(socket);
    endpoint.script = active({ scope: 'read' });
    await until(() => getSocketAuth(socket).scope === 'read');
    expect(before.scope).toBe('read write');
    await until(() => endpoint.asked.length > 2);
    await expectOpen(client);
    await authenticate.invalidate({ sub: 'alice' });
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('is rechecked by one introspection request for all sockets of a token', async () => {
    const clock = createClock();
    const { endpoint, server } = await createSetup(active({ exp: undefined }), { clock, cache: { ttlSeconds: 1 } });
    const clients = [];
    for (let index = 0; index < 20; index++) clients.push(await server.connect('abc'));
    expect(endpoint.asked).toHaveLength(1);
    endpoint.script = active({ exp: undefined, scope: 'read' });
    clock.advance(1);
    await until(() => [...server.wss.clients].every((socket) => getSocketAuth(socket).scope === 'read'));
    expect(endpoint.asked).toHaveLength(2);
    await Promise.all(clients.map((client) => expectOpen(client)));
  });

  it('is rechecked at a random time in the last quarter of the lifetime', async () => {
    const clock = createClock();
    const { endpoint, server } = await createSetup(active({ exp: undefined }), { clock, cache: { ttlSeconds: 1 } });
    random.mockReturnValue(0.1);
    const late = await server.connect('late');
    random.mockReturnValue(0.9);
    await server.connect('early');
    const tokens = () => endpoint.asked.map(({ form }) => form.get('token'));
    clock.advance(0.875);
    await until(() => endpoint.asked.length > 2);
    // The timer of the other socket has run by then, too.
    await pause(1000);
    await expectOpen(late);
    expect(tokens()).toEqual(['late', 'early', 'early']);
    clock.advance(0.125);
    await until(() => endpoint.asked.length > 3);
    expect(tokens()).toEqual(['late', 'early', 'early', 'late']);
  });

  it.each([
    ['recheckSeconds', { recheckSeconds: 1 }, {}],
    ['recheckSeconds, shorter than ttlSeconds', { recheckSeconds: 1 }, { cache: { ttlSeconds: 300 } }],
    ['recheckSeconds, without a cache', { recheckSeconds: 1 }, { cache: false as const }],
  ])('is rechecked after %s', async (_title, keep, options) => {
    const { endpoint, server } = await createSetup(active(), options, keep);
    const client = await server.connect('abc');
    endpoint.script = { active: false };
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('causes one introspection request without a cache', async () => {
    const { endpoint, server } = await createSetup(active(), { cache: false });
    await expectOpen(await server.connect('abc'));
    expect(endpoint.asked).toHaveLength(1);
  });
});

describe('a socket when the wall clock is set, as when a suspended machine wakes,', () => {
  it('past exp receives and sends nothing more', async () => {
    const clock = createClock();
    const { server } = await createSetup(active({ exp: clock.seconds() + 1000 }), { clock });
    const client = await server.connect('abc');
    await expectOpen(client);
    clock.step(1000);
    client.socket.send('late');
    expect(await client.closed).toEqual(TOKEN_REJECTED);
    expect(client.messages).toEqual(['still there']);
  });

  it('past exp is closed by getSocketAuth(), which still returns the claims', async () => {
    const clock = createClock();
    const { server } = await createSetup(active({ exp: clock.seconds() + 1000 }), { clock });
    const client = await server.connect('abc');
    clock.step(1000);
    const socket = onlySocket(server);
    expect(getSocketAuth(socket).sub).toBe('alice');
    expect(socket.readyState).toBe(WebSocket.CLOSING);
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('past exp is closed even when it is idle', async () => {
    const clock = createClock();
    const { server } = await createSetup(active({ exp: clock.seconds() + 1000 }), { clock });
    const client = await server.connect('abc');
    clock.step(1000);
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('past the lifetime of its response is rechecked by one introspection request for all sockets of a token', async () => {
    const clock = createClock();
    const { endpoint, server } = await createSetup(active({ exp: undefined }), { clock });
    const clients = await Promise.all([...Array(20).keys()].map(() => server.connect('abc')));
    const before = endpoint.asked.length;
    clock.step(1000);
    await until(() => endpoint.asked.length > before);
    await Promise.all(clients.map((client) => expectOpen(client)));
    endpoint.script = { active: false };
    clock.step(1000);
    for (const { closed } of clients) expect(await closed).toEqual(TOKEN_REJECTED);
    expect(endpoint.asked.length).toBe(before + 2);
  });
});

describe('sockets of another library', () => {
  /** A socket that can only be closed. */
  function createSocket(members: object = {}) {
    const closed: unknown[] = [];
    const socket = {
      readyState: 1,
      close: (...closing: unknown[]) => void closed.push(closing),
      addEventListener() {},
      ...members,
    };
    return { socket, closed };
  }

  it.each([
    ['cannot be changed', () => Object.freeze(createSocket({ emit: () => true }).socket)],
    [
      'cannot be closed',
      () => {
        const fail = () => {
          throw new Error('of the socket');
        };
        return createSocket({ close: fail, terminate: fail }).socket;
      },
    ],
  ])('that %s keep no other socket open', async (_what, create) => {
    const { authenticate } = await createSetup();
    const auth = await authenticate.introspect('abc');
    const { socket, closed } = createSocket();
    keepAuthenticated(create(), auth);
    keepAuthenticated(socket, auth);
    await authenticate.invalidate({ token: 'abc' });
    expect(closed).toEqual([TOKEN_REJECTED]);
  });

  it('are closed when they cannot be watched', () => {
    const { socket, closed } = createSocket({ addEventListener: undefined });
    expect(() => keepAuthenticated(socket as never, {})).toThrow('no middleware created');
    expect(closed).toEqual([[1011, 'server_error']]);
  });
});

describe('a socket while the authorization server is down', () => {
  it('is closed with 1013 when a request would be answered 503, not before, and the app gets the error', async () => {
    const errors: unknown[] = [];
    const clock = createClock();
    const { endpoint, server } = await createSetup(
      active({ exp: undefined }),
      { clock, cache: { ttlSeconds: 1 } },
      { onError: (error) => errors.push(error) },
    );
    random.mockReturnValue(0.9);
    const client = await server.connect('abc');
    endpoint.script = DOWN;
    clock.advance(0.875);
    // The recheck fails while the cached response may still be used.
    await until(() => endpoint.asked.length > 1);
    await pause(200);
    await expectOpen(client);
    clock.advance(0.125);
    expect(await client.closed).toEqual([1013, 'temporarily_unavailable']);
    expect(errors).toMatchObject([{ code: 'server_error' }]);
  });

  it('stays open when the server recovers before the cached response expires', async () => {
    const clock = createClock();
    const { endpoint, server } = await createSetup(active({ exp: undefined }), { clock, cache: { ttlSeconds: 1 } });
    random.mockReturnValue(0.9);
    const client = await server.connect('abc');
    const socket = onlySocket(server);
    endpoint.script = DOWN;
    clock.advance(0.875);
    await until(() => endpoint.asked.length > 1);
    await pause(200);
    endpoint.script = active({ exp: undefined, scope: 'read' });
    clock.advance(0.125);
    await until(() => getSocketAuth(socket).scope === 'read');
    await expectOpen(client);
  });

  it('stays open as long as a stale response may be used, then is closed', async () => {
    const clock = createClock();
    const { endpoint, server } = await createSetup(active({ exp: undefined }), {
      clock,
      cache: { ttlSeconds: 1, staleIfErrorSeconds: 1.5 },
    });
    const client = await server.connect('abc');
    const fresh = getSocketAuth(onlySocket(server));
    endpoint.script = DOWN;
    clock.advance(1.25);
    await until(() => getSocketAuth(onlySocket(server)) !== fresh);
    await expectOpen(client);
    clock.advance(0.25);
    expect(await client.closed).toEqual([1013, 'temporarily_unavailable']);
  });

  it('is closed with 1008 when the token turns out to be revoked after the outage', async () => {
    const { endpoint, server } = await createSetup(active(), { cache: { ttlSeconds: 1, staleIfErrorSeconds: 60 } });
    const client = await server.connect('abc');
    endpoint.script = DOWN;
    await until(() => endpoint.asked.length > 3);
    endpoint.script = { active: false };
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });
});

describe('close() of the middleware', () => {
  it('closes its sockets with 1001', async () => {
    const decisions = recordDecisions();
    const { authenticate, server } = await createSetup();
    const clients = await Promise.all(['abc', 'def', 'abc'].map((token) => server.connect(token)));
    await authenticate.close();
    for (const { closed } of clients) expect(await closed).toEqual([1001, 'going_away']);
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted']);
  });

  it('closes a socket that is passed to keepAuthenticated() later with 1001 too', async () => {
    const { authenticate, server } = await createSetup(active(), { cache: false });
    server.http.removeAllListeners('upgrade');
    server.http.on('upgrade', async (req, socket, head) => {
      const auth = await authenticate.authenticateRequest(req);
      await authenticate.close();
      server.wss.handleUpgrade(req, socket, head, (upgraded) => keepAuthenticated(upgraded, auth));
    });
    expect(await (await server.connect('abc')).closed).toEqual([1001, 'going_away']);
  });
});

describe('a client that does not answer the close frame', () => {
  it('is disconnected, and its messages reach no listener', async () => {
    const { authenticate, server } = await createSetup();
    const client = await server.connect('abc');
    await expectOpen(client);
    const received: string[] = [];
    const socket = onlySocket(server);
    socket.on('message', (message) => received.push(String(message)));
    const gone = new Promise((resolve) => socket.on('close', resolve));
    await authenticate.invalidate({ token: 'abc' });
    // A client of `ws` would answer the close frame, so the bytes are written by hand: the text "late", masked with zeros.
    const raw = (client.socket as unknown as { _socket: import('node:net').Socket })._socket;
    raw.removeAllListeners('data');
    for (const name of ['message', 'later']) {
      socket.on('message', (message) => received.push(`${name} ${message}`));
      raw.write(Buffer.concat([Buffer.from([0x81, 0x84, 0, 0, 0, 0]), Buffer.from('late')]));
    }
    await gone;
    expect(received).toEqual([]);
    expect(getSocketAuth(socket).sub).toBe('alice');
  });
});

describe('a new token on an open socket', () => {
  it('replaces the old one, which no longer closes the socket', async () => {
    const clock = createClock();
    const { authenticate, server } = await createSetup(
      ({ form }) => active(form.get('token') === 'old' ? { exp: clock.seconds() + 1 } : { exp: undefined, jti: 'new' }),
      { clock },
    );
    const client = await server.connect('old');
    const socket = onlySocket(server);
    keepAuthenticated(socket, await authenticate.introspect('new'));
    expect(getSocketAuth(socket).jti).toBe('new');
    await authenticate.invalidate({ token: 'old' });
    clock.advance(1);
    await expectOpen(client);
    await authenticate.invalidate({ token: 'new' });
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('leaves no listener behind, however often it is replaced', async () => {
    const { authenticate, server } = await createSetup();
    await server.connect('abc');
    const socket = onlySocket(server);
    const before = socket.listenerCount('close');
    for (let index = 0; index < 10; index++) keepAuthenticated(socket, await authenticate.introspect(`token-${index}`));
    expect(socket.listenerCount('close')).toBe(before);
  });
});

describe('reauthenticate', () => {
  const byToken: Script = ({ form }) => {
    const token = form.get('token') ?? '';
    if (token === 'bad') return { active: false };
    return active({ exp: undefined, sub: token.startsWith('app') ? undefined : token.split('-')[0], jti: token });
  };

  it('replaces the token of an open socket by one of the same user', async () => {
    const { authenticate, server } = await createSetup(byToken);
    const client = await server.connect('alice-1');
    const socket = onlySocket(server);
    expect(await reauthenticate(socket, authenticate, 'alice-2')).toMatchObject({ jti: 'alice-2' });
    expect(getSocketAuth(socket).jti).toBe('alice-2');
    await authenticate.invalidate({ token: 'alice-1' });
    await expectOpen(client);
    await authenticate.invalidate({ token: 'alice-2' });
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('keeps the options of the socket', async () => {
    const clock = createClock();
    const { endpoint, authenticate, server } = await createSetup(byToken, { clock }, { recheckSeconds: 1 });
    const client = await server.connect('alice-1');
    await reauthenticate(onlySocket(server), authenticate, 'alice-2');
    endpoint.script = { active: false };
    clock.advance(1);
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it.each([
    ['alice-1', 'bad', 'inactive'],
    ['alice-1', 'bob-1', 'claim_mismatch'],
    ['app-1', 'app-2', 'claim_mismatch'],
  ])('of %s rejects the token %s, and keeps the old one', async (first, second, reason) => {
    const { authenticate, server } = await createSetup(byToken);
    const client = await server.connect(first);
    const socket = onlySocket(server);
    await expect(reauthenticate(socket, authenticate, second)).rejects.toMatchObject({ reason });
    expect(getSocketAuth(socket).jti).toBe(first);
    await expectOpen(client);
    await authenticate.invalidate({ token: first });
    expect(await client.closed).toEqual(TOKEN_REJECTED);
    await expect(reauthenticate(socket, authenticate, first)).rejects.toThrow();
  });

  it('fails for a socket that was not kept', async () => {
    const { authenticate } = await createSetup(byToken);
    await expect(reauthenticate({} as never, authenticate, 'alice-1')).rejects.toThrow('not passed to keepAuth');
  });
});

describe('keepAuthenticated', () => {
  it('closes a socket with 1011 and throws for claims that no middleware created', async () => {
    const { authenticate, server } = await createSetup();
    let thrown: unknown;
    server.wss.removeAllListeners('connection');
    server.wss.on('connection', (socket) => {
      try {
        keepAuthenticated(socket, { ...getSocketAuth(socket) });
      } catch (error) {
        thrown = error;
      }
    });
    const client = await server.connect('abc');
    expect(await client.closed).toEqual([1011, 'server_error']);
    expect(thrown).toMatchObject({ status: 500, message: expect.stringContaining('the very object') });
    await authenticate.invalidate({ token: 'abc' });
  });

  it.each([
    [{ recheckSeconds: 0 }, /Option "recheckSeconds" is 0; write a number/],
    [{ recheckSeconds: Number.NaN }, /Option "recheckSeconds"/],
    [{ recheckSeconds: '60' }, /Option "recheckSeconds" is a string/],
    [{ recheckSeconds: true }, /Option "recheckSeconds"/],
    [{ onError: 'log' }, /Option "onError"/],
    [{ recheckMs: 5 }, /Option "recheckMs" is not known here; write one of recheckSeconds, onError/],
  ])('throws for %j, and closes the socket', async (options, message) => {
    const { server } = await createSetup();
    const client = await server.connect('abc');
    const socket = onlySocket(server);
    expect(() => keepAuthenticated(socket, getSocketAuth(socket), options as never)).toThrow(message);
    expect(await client.closed).toEqual([1011, 'server_error']);
  });

  it('accepts the req.auth of a request and reruns the checks of its guards', async () => {
    const { endpoint, authenticate, server } = await createSetup(active(), { cache: { ttlSeconds: 1 } });
    const guard = requireScope('write');
    server.http.removeAllListeners('upgrade');
    server.http.on('upgrade', (req, socket, head) => {
      const res = {} as never;
      authenticate(req, res, () =>
        guard(req, res, () =>
          server.wss.handleUpgrade(req, socket, head, (upgraded) =>
            keepAuthenticated(upgraded, (req as { auth?: object }).auth as object),
          ),
        ),
      );
    });
    const client = await server.connect('abc');
    endpoint.script = active({ scope: 'read' });
    expect(await client.closed).toEqual([1008, 'insufficient_scope']);
  });

  it('does nothing for a socket that has closed', async () => {
    const decisions = recordDecisions();
    const { endpoint, authenticate, server } = await createSetup(active(), { cache: { ttlSeconds: 1 } });
    const client = await server.connect('abc');
    const socket = onlySocket(server);
    const auth = getSocketAuth(socket);
    client.socket.close();
    await new Promise((resolve) => socket.on('close', resolve));
    keepAuthenticated(socket, auth);
    await pause(1200);
    expect(endpoint.asked).toHaveLength(1);
    await authenticate.invalidate({ token: 'abc' });
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['accepted']);
  });

  it('publishes why it closed a socket, as a separate decision', async () => {
    const decisions = recordDecisions();
    const { authenticate, server } = await createSetup();
    const client = await server.connect('abc');
    await authenticate.invalidate({ sub: 'alice' });
    await client.closed;
    const tokenDigest = expect.stringMatching(/^[\w-]{12}$/);
    expect(decisions).toEqual([
      { outcome: 'accepted', by: 'webSocketUpgrade', tokenDigest },
      { outcome: 'rejected', by: 'keepAuthenticated', status: 401, reason: 'inactive', tokenDigest },
    ]);
  });

  it('does not ask again and again while the clock stands still', async () => {
    const clock = createClock();
    const { endpoint, server } = await createSetup(active({ exp: clock.seconds() + 1 }), { clock });
    const client = await server.connect('abc');
    await pause(1200);
    await expectOpen(client);
    clock.advance(1);
    expect(await client.closed).toEqual(TOKEN_REJECTED);
    expect(endpoint.asked).toHaveLength(1);
  });
});

describe('getSocketAuth', () => {
  it('throws for an unknown socket, and for one of another middleware', async () => {
    const { authenticate, server } = await createSetup();
    await server.connect('abc');
    const socket = onlySocket(server);
    expect(getSocketAuth(socket, authenticate)).toMatchObject({ sub: 'alice' });
    const other = tokenIntrospection({
      endpoint: 'https://as.example.com',
      clientAuth: { identity: 'a', sign() {} },
      audience: false,
    });
    expect(() => getSocketAuth(socket, other)).toThrow('another middleware');
    expect(() => getSocketAuth({ ...socket } as never)).toThrow('was not passed to keepAuthenticated()');
    await other.close();
  });
});
