import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock, TokenIntrospectionOptions } from '../../lib/index.js';
import { getSocketAuth, type KeepOptions, keepAuthenticated, webSocketUpgrade } from '../../lib/websocket/index.js';
import { createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { createSocketSetup as createSetup, type SocketServer, serveSockets } from '../support/sockets.js';
import { until } from '../support/until.js';
import { recordWarnings } from '../support/warnings.js';

const TOKEN_REJECTED = [1008, 'invalid_token'];

/** A clock that advances by one millisecond each time it is read, and can be set. */
function createTickingClock(): Clock & { set(ms: number): void } {
  let now = 1_800_000_000_000;
  return {
    now: () => now++,
    monotonic: () => now++ - 1_799_999_000_000,
    set(ms) {
      now = ms;
    },
  };
}

function onlySocket({ wss }: SocketServer): WebSocket {
  const [socket] = wss.clients;
  if (socket === undefined) throw new Error('There is no socket');
  return socket;
}

/** A socket that is an emitter like those of `ws`, without a network. */
function createSocket(members: object = {}) {
  const closed: unknown[] = [];
  const socket = Object.assign(new EventEmitter(), {
    readyState: 1,
    close(...closing: unknown[]) {
      socket.readyState = 2;
      closed.push(closing);
    },
    addEventListener() {},
    ...members,
  });
  return { socket, closed };
}

/** An upgrade that yields the given socket. */
function upgradeTo(socket: ReturnType<typeof createSocket>['socket'], onConnection: () => void = () => {}) {
  const connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  return {
    connection,
    server: {
      handleUpgrade: (_req: unknown, _socket: unknown, _head: unknown, done: (given: typeof socket) => void) =>
        done(socket),
      emit: () => onConnection(),
    },
  };
}

const requestWith = (token: string) =>
  ({
    headers: { authorization: `Bearer ${token}` },
    rawHeaders: [],
    method: 'GET',
    url: '/',
  }) as unknown as IncomingMessage;

describe('a clock that advances on each reading', () => {
  it('leaves every accepted message its claims, however close the token is to expiry', async () => {
    const EXP = 1_800_000_000 + 100;
    const clock = createTickingClock();
    const authenticate = createAuthenticate(await createEndpoint(active({ exp: EXP })), { clock });
    const auth = await authenticate.introspect('abc');
    let heard = 0;
    for (let left = 0; left < 40; left++) {
      clock.set(EXP * 1000 - 200);
      const { socket, closed } = createSocket();
      const claims: unknown[] = [];
      keepAuthenticated(socket, auth);
      socket.on('message', () => {
        for (let reading = 0; reading < 3; reading++) claims.push(getSocketAuth(socket).sub);
      });
      clock.set(EXP * 1000 - left);
      socket.emit('message', 'x');
      socket.emit('message', 'y');
      heard += claims.length;
      expect(claims).toEqual(claims.map(() => 'alice'));
      clock.set(EXP * 1000);
      expect(socket.emit('message', 'late')).toBe(false);
      expect(closed).toEqual([TOKEN_REJECTED]);
    }
    expect(heard).toBeGreaterThan(0);
  });

  it('announces no socket that was closed meanwhile, and keeps the claims of announced ones', async () => {
    const EXP = 1_800_000_000 + 100;
    const clock = createTickingClock();
    const authenticate = createAuthenticate(await createEndpoint(active({ exp: EXP })), {
      clock,
      clockToleranceSeconds: 0,
    });
    await authenticate.introspect('abc');
    const seen = { announced: 0, refused: 0, rejected: 0 };
    for (let left = 0; left < 60; left++) {
      clock.set(EXP * 1000 - left);
      const { socket, closed } = createSocket();
      let announced = false;
      const { connection, server } = upgradeTo(socket, () => {
        expect(closed).toEqual([]);
        announced = true;
        expect(getSocketAuth(socket).sub).toBe('alice');
      });
      const decisions = recordDecisions();
      webSocketUpgrade(authenticate, server)(requestWith('abc'), connection, Buffer.alloc(0));
      await until(() => decisions.length > 0);
      await new Promise((resolve) => setImmediate(resolve));
      if (announced) seen.announced++;
      else if (closed.length > 0) seen.refused++;
      else seen.rejected++;
      if (!announced && closed.length > 0) expect(closed).toEqual([TOKEN_REJECTED]);
      socket.readyState = 3;
      socket.removeAllListeners();
    }
    expect(seen.announced).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
    expect(seen.rejected).toBeGreaterThan(0);
  });
});

describe('a listener that still runs when its socket is closed', () => {
  it('has the claims that its message was accepted with, and sends nothing more', async () => {
    const { authenticate, server } = await createSetup();
    const [work, done] = [createDeferred(), createDeferred<unknown>()];
    server.wss.on('connection', (socket) => {
      socket.on('message', async () => {
        await work.promise;
        done.resolve(getSocketAuth(socket, authenticate).sub);
        socket.send('too late');
      });
    });
    const client = await server.connect('abc');
    client.socket.send('hello');
    await until(() => client.messages.length === 1);
    await authenticate.invalidate({ token: 'abc' });
    work.resolve();
    expect(await done.promise).toBe('alice');
    expect(await client.closed).toEqual(TOKEN_REJECTED);
    expect(client.messages).toEqual(['hello']);
  });

  it('has them after a wrong call of keepAuthenticated(), too', async () => {
    const { server } = await createSetup();
    const client = await server.connect('abc');
    const socket = onlySocket(server);
    expect(() => keepAuthenticated(socket, { sub: 'mallory' })).toThrow('no middleware created');
    expect(getSocketAuth(socket).sub).toBe('alice');
    expect(await client.closed).toEqual([1011, 'server_error']);
  });

  it('cannot reopen the socket with another token', async () => {
    const { authenticate, server } = await createSetup();
    const client = await server.connect('abc');
    const socket = onlySocket(server);
    await authenticate.invalidate({ token: 'abc' });
    expect(keepAuthenticated(socket, await authenticate.introspect('another'))).toBe(false);
    expect(await client.closed).toEqual(TOKEN_REJECTED);
  });

  it('has them when the client disconnected before keepAuthenticated()', async () => {
    const { authenticate } = await createSetup();
    const { socket } = createSocket({ readyState: 3 });
    expect(keepAuthenticated(socket, await authenticate.introspect('abc'))).toBe(false);
    expect(getSocketAuth(socket).sub).toBe('alice');
  });
});

describe('a socket that is closed before it is announced', () => {
  /** An upgrade request followed by a frame of 0xFF bytes, which violates the protocol. */
  const UPGRADE_AND_BAD_FRAME = Buffer.concat([
    Buffer.from(
      'GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    ),
    Buffer.from([0xff, 0xff, 0, 0]),
  ]);

  async function refuseUpgrade(options: Partial<TokenIntrospectionOptions>, refuse: (given: WebSocket) => void) {
    const authenticate = createAuthenticate(await createEndpoint(active()), options);
    const http = createServer();
    const wss = new WebSocketServer({ noServer: true });
    const failures: unknown[] = [];
    const ended = createDeferred<void>();
    const announced = jest.fn();
    http.on(
      'upgrade',
      webSocketUpgrade(authenticate, {
        handleUpgrade(req, socket, head, done) {
          wss.handleUpgrade(req, socket, head, (upgraded) => {
            const { emit } = upgraded;
            upgraded.emit = (name: string | symbol, ...more: unknown[]) => {
              try {
                return Reflect.apply(emit, upgraded, [name, ...more]);
              } catch (error) {
                failures.push(error);
                return false;
              }
            };
            upgraded.once('close', () => ended.resolve());
            refuse(upgraded);
            if (options.cache === false) authenticate.invalidate({ sub: 'alice' });
            done(upgraded);
          });
        },
        emit: announced,
      }),
    );
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const client = connect((http.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
    client.resume().write(UPGRADE_AND_BAD_FRAME);
    await ended.promise;
    client.destroy();
    http.close();
    expect(announced).not.toHaveBeenCalled();
    return failures;
  }

  it('does not end the process by a frame that violates the protocol, after an invalidation', async () => {
    expect(await refuseUpgrade({ cache: false }, () => {})).toEqual([]);
  });

  it('does not end the process by such a frame when keepAuthenticated() fails', async () => {
    const refuse = (upgraded: WebSocket) => {
      const { addEventListener } = upgraded;
      upgraded.addEventListener = () => {
        upgraded.addEventListener = addEventListener;
        throw new Error('not yet');
      };
    };
    expect(await refuseUpgrade({}, refuse)).toEqual([]);
  });
});

describe('an invalidation that overtakes an upgrade', () => {
  const NAMED = [{ token: 'abc' }, { sub: 'alice' }, { client_id: 'app' }, { sid: 's' }, { jti: 'j' }];
  const CACHES = [false, { ttlSeconds: 0 }, { ttlSeconds: 60 }] as const;

  it.each(CACHES.flatMap((cache) => NAMED.map((of) => [cache, of] as const)))(
    'closes the socket at once with cache: %j, by %j, and does not announce it',
    async (cache, of) => {
      const held = createDeferred();
      const { endpoint, authenticate, server } = await createSetup(
        async () => {
          await held.promise;
          return active({ sid: 's', jti: 'j' });
        },
        { cache },
      );
      const announced = jest.fn();
      server.wss.on('connection', announced);
      const connecting = server.connect('abc');
      await until(() => endpoint.asked.length === 1);
      await authenticate.invalidate(of);
      held.resolve();
      expect(await (await connecting).closed).toEqual(TOKEN_REJECTED);
      expect(announced).not.toHaveBeenCalled();
      expect(endpoint.asked).toHaveLength(1);
    },
  );

  it.each(CACHES)('closes no socket of a later lookup or another token (cache: %j)', async (cache) => {
    const held = createDeferred();
    const { endpoint, authenticate, server } = await createSetup(
      async () => {
        await held.promise;
        return active();
      },
      { cache },
    );
    await authenticate.invalidate({ token: 'abc' });
    const connecting = server.connect('abc');
    await until(() => endpoint.asked.length === 1);
    await authenticate.invalidate({ token: 'def' });
    await authenticate.invalidate({ sub: 'bob' });
    held.resolve();
    const client = await connecting;
    client.socket.send('still there');
    await until(() => client.messages.length > 0);
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each(CACHES)(
    'closes the socket when it comes between the check and keepAuthenticated() (cache: %j)',
    async (cache) => {
      const { authenticate } = await createSetup(active(), { cache });
      const auth = await authenticate.introspect('abc');
      await authenticate.invalidate({ sub: 'alice' });
      const { socket, closed } = createSocket();
      expect(keepAuthenticated(socket, auth)).toBe(false);
      expect(closed).toEqual([TOKEN_REJECTED]);
    },
  );

  it('closes no socket whose response is still cached, after more invalidations than the process remembers', async () => {
    const { authenticate } = await createSetup(active());
    const auth = await authenticate.introspect('abc');
    for (let index = 0; index < 10_100; index++) void authenticate.invalidate({ sub: `other-${index}` });
    const { socket, closed } = createSocket();
    expect(keepAuthenticated(socket, auth)).toBe(true);
    expect(closed).toEqual([]);
    socket.readyState = 3;
    await authenticate.close();
  });
});

describe('an exception in a timer or event of the library', () => {
  const TOLD = 'CALLBACK_FAILED';
  const FAILURE = new Error('of the app');
  const fail = () => {
    throw FAILURE;
  };

  it.each<[string, KeepOptions['onError'], number]>([
    ['throws', fail, 1],
    ['returns a promise that is rejected', (async () => fail()) as KeepOptions['onError'], 0],
  ])(
    'an onError that %s does not end the process, and the operator is warned once an hour',
    async (_how, onError, times) => {
      const warnings = recordWarnings();
      const unhandled = jest.fn();
      process.on('unhandledRejection', unhandled);
      const { endpoint, server } = await createSetup(active(), { cache: { ttlSeconds: 1 } }, { onError });
      const client = await server.connect('abc');
      endpoint.script = (_asked, res) => void res.writeHead(500).end();
      expect(await client.closed).toEqual([1013, 'temporarily_unavailable']);
      expect((await server.rejected('other')).status).toBe(503);
      await new Promise((resolve) => setImmediate(resolve));
      process.off('unhandledRejection', unhandled);
      expect(unhandled).not.toHaveBeenCalled();
      expect(warnings.filter(({ code }) => code === TOLD)).toHaveLength(times);
      expect(JSON.stringify(warnings)).not.toContain('of the app');
    },
  );

  it.each(['now', 'monotonic'] as const)('a clock whose %s() throws closes the socket', async (reading) => {
    const clock = createClock();
    const errors: unknown[] = [];
    const { endpoint, server } = await createSetup(
      active({ exp: undefined }),
      { clock, cache: { ttlSeconds: 1 } },
      { onError: (error) => errors.push(error) },
    );
    const client = await server.connect('abc');
    clock.advance(0.9);
    jest.spyOn(clock, reading).mockImplementation(fail);
    client.socket.send('hello');
    expect(await client.closed).toEqual([1011, 'server_error']);
    expect(errors).toEqual([FAILURE]);
    expect(endpoint.asked.length).toBeLessThanOrEqual(2);
  });

  it('an authenticateRequest of the app that throws synchronously is answered 500', async () => {
    const errors: unknown[] = [];
    const server = await serveSockets({ authenticateRequest: fail }, { onError: (error) => errors.push(error) });
    expect([(await server.rejected('abc')).status, errors]).toEqual([500, [FAILURE]]);
  });

  it('a socket that cannot be watched is closed, reported and not announced', async () => {
    const { authenticate } = await createSetup();
    const { socket, closed } = createSocket({ addEventListener: undefined });
    const announced = jest.fn();
    const { connection, server } = upgradeTo(socket, announced);
    const errors: unknown[] = [];
    const listener = webSocketUpgrade(authenticate, server, { onError: (error) => errors.push(error) });
    listener(requestWith('abc'), connection, Buffer.alloc(0));
    await until(() => errors.length > 0);
    expect([closed, announced.mock.calls]).toEqual([[[1011, 'server_error']], []]);
    expect(errors).toEqual([expect.any(TypeError)]);
  });
});
