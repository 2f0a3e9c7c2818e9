import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DefaultEventsMap, Server, type ServerOptions, type Socket as ServerSocket } from 'socket.io';
import { type Socket as ClientSocket, io as connectTo } from 'socket.io-client';
import { WebSocket } from 'ws';
import type { TokenIntrospectionOptions } from '../../lib/index.js';
import { getSocketAuth, type SocketAuthenticationOptions, socketAuthentication } from '../../lib/socket-io/index.js';
import { createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { until } from '../support/until.js';
import { recordWarnings } from '../support/warnings.js';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Client {
  readonly socket: ClientSocket;
  /** The events that the client has received, in order. */
  readonly events: unknown[][];
}

async function start(
  script: Script = active({ exp: undefined }),
  options: Partial<TokenIntrospectionOptions> = {},
  socketOptions: SocketAuthenticationOptions = {},
  serverOptions: Partial<ServerOptions> = {},
) {
  const endpoint = await createEndpoint(script);
  const authenticate = createAuthenticate(endpoint, options);
  const http = createServer();
  const io = new Server<DefaultEventsMap, DefaultEventsMap>(http, serverOptions);
  const received: unknown[] = [];
  const sockets: ServerSocket[] = [];
  io.use(socketAuthentication(authenticate, socketOptions));
  io.on('connection', (socket) => {
    sockets.push(socket);
    socket.join('news');
    socket.on('say', (text) => {
      received.push(text);
      socket.emit('echo', text);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  closing.push(() => io.close());
  const open = (auth: object, path = '', extraHeaders: Record<string, string> = {}) => {
    const socket = connectTo(`http://127.0.0.1:${port}${path}`, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      auth,
      extraHeaders,
    });
    closing.push(() => socket.disconnect());
    return socket;
  };
  async function connect(token: string, path?: string): Promise<Client> {
    const socket = open({ token }, path);
    const events: unknown[][] = [];
    socket.onAny((...event) => events.push(event));
    socket.on('disconnect', (reason) => events.push(['disconnect', reason]));
    await once(socket as never, 'connect');
    await until(() => sockets.some(({ id }) => id === socket.id) || path !== undefined);
    return { socket, events };
  }
  return { endpoint, authenticate, http, io, port, sockets, received, open, connect };
}

const refusal = (socket: ClientSocket) =>
  new Promise<Error & { data?: unknown }>((resolve, reject) => {
    socket.on('connect_error', resolve).on('connect', () => reject(new Error('It was accepted')));
  });

async function expectOpen({ socket, events }: Client, text = 'still there'): Promise<void> {
  socket.emit('say', text);
  await until(() => events.some(([name, said]) => name === 'echo' && said === text));
}

const ENDED = [
  ['authentication_ended', { error: 'invalid_token' }],
  ['disconnect', 'io server disconnect'],
];

describe('a socket of Socket.IO', () => {
  it('is authenticated by auth.token, and its claims are those of its own token', async () => {
    const { connect, sockets, authenticate } = await start(({ form }) => active({ sub: form.get('token') }));
    await connect('alice');
    await connect('bob');
    expect(sockets.map((socket) => getSocketAuth(socket).sub)).toEqual(['alice', 'bob']);
    expect(getSocketAuth(sockets[0] as ServerSocket, authenticate).sub).toBe('alice');
  });

  it('has a handshake whose copies do not contain the token', async () => {
    const { connect, sockets, io } = await start();
    await connect('a-secret-token');
    const [socket] = sockets as [ServerSocket];
    const [remote] = await io.fetchSockets();
    expect(JSON.stringify([remote?.handshake, { ...socket.handshake.auth }])).not.toContain('a-secret-token');
    expect(socket.handshake.auth.token).toBe('a-secret-token');
  });

  it('is authenticated by the header of its connection without auth.token', async () => {
    const { open, sockets } = await start();
    const socket = open({}, '', { authorization: 'Bearer abc' });
    await once(socket as never, 'connect');
    await until(() => sockets.length > 0);
    expect(getSocketAuth(sockets[0] as ServerSocket).sub).toBe('alice');
  });

  it.each<[string, object, Record<string, string>, string]>([
    ['a token that is not active', { token: 'bad' }, {}, 'invalid_token'],
    ['a token that is no text', { token: 7 }, {}, 'invalid_request'],
    ['a token without a scope', { token: 'weak' }, {}, 'insufficient_scope'],
    ['an outage', { token: 'down' }, {}, 'temporarily_unavailable'],
    ['no token', {}, {}, 'unauthorized'],
    [
      'a bad token in auth, although the header has a good one',
      { token: 'bad' },
      { authorization: 'Bearer abc' },
      'invalid_token',
    ],
  ])('is rejected for %s', async (_what, auth, headers, message) => {
    const decisions = recordDecisions();
    const { open, sockets } = await start(
      ({ form }, res) => {
        const token = form.get('token');
        if (token === 'down') json(res, {}, 500);
        else if (token === 'bad') return { active: false };
        else return active({ scope: token === 'weak' ? 'read' : 'read write' });
        return undefined;
      },
      { scopes: ['write'] },
    );
    const error = await refusal(open(auth, '', headers));
    expect(error.message).toBe(message);
    expect(JSON.stringify(error.data)).not.toContain('alice');
    expect(sockets).toHaveLength(0);
    expect(decisions).toMatchObject([{ by: 'socketAuthentication' }]);
    expect(decisions[0]?.outcome).not.toBe('accepted');
  });

  it('is told why and disconnected when its token is invalidated, and others stay connected', async () => {
    const { connect, authenticate, sockets } = await start();
    const [one, other] = [await connect('abc'), await connect('def')];
    await authenticate.invalidate({ token: 'abc' });
    await until(() => one.events.length === 2);
    expect(one.events).toEqual(ENDED);
    await expectOpen(other);
    expect(sockets.map(({ connected }) => connected)).toEqual([false, true]);
    await authenticate.invalidate({ sub: 'alice' });
    await until(() => other.events.length === 3);
  });

  it('is disconnected at exp, and when a recheck finds its token inactive', async () => {
    const clock = createClock();
    const { connect, endpoint } = await start(
      ({ form }) => active({ exp: form.get('token') === 'brief' ? clock.seconds() + 10 : undefined }),
      { clock },
    );
    const [brief, long] = [await connect('brief'), await connect('long')];
    clock.advance(10);
    await until(() => brief.events.length === 2);
    expect(brief.events).toEqual(ENDED);
    await expectOpen(long);
    endpoint.script = { active: false };
    clock.advance(60);
    await until(() => long.events.length === 3);
    expect(long.events.slice(1)).toEqual(ENDED);
  });

  it('is disconnected with temporarily_unavailable during an outage, and with going_away by close()', async () => {
    const errors: unknown[] = [];
    const clock = createClock();
    const { connect, endpoint, authenticate } = await start(
      active({ exp: undefined }),
      { clock },
      { onError: (error) => errors.push(error) },
    );
    const one = await connect('abc');
    await endpoint.close();
    clock.advance(60);
    await until(() => one.events.length === 2);
    expect(one.events[0]).toEqual(['authentication_ended', { error: 'temporarily_unavailable' }]);
    expect(errors).toMatchObject([{ name: 'IntrospectionError' }]);
    const second = await start();
    const other = await second.connect('abc');
    await second.authenticate.close();
    await until(() => other.events.length === 2);
    expect(other.events[0]).toEqual(['authentication_ended', { error: 'going_away' }]);
    await authenticate.close();
  });

  it('has left its rooms when it is told, so that no message to a room follows', async () => {
    const { connect, authenticate, io, sockets } = await start();
    const one = await connect('abc');
    const [socket] = sockets as [ServerSocket];
    const rooms: string[][] = [];
    socket.onAnyOutgoing((name) => {
      if (name !== 'authentication_ended') return;
      rooms.push([...socket.rooms]);
      io.to('news').emit('secret', 1);
      io.to(socket.id).emit('secret', 2);
    });
    socket.on('disconnect', () => socket.emit('secret', 3));
    await authenticate.invalidate({ token: 'abc' });
    socket.emit('secret', 4);
    io.emit('secret', 5);
    await until(() => one.events.length === 2);
    expect([rooms, one.events]).toEqual([[[]], ENDED]);
  });

  it('sends and receives nothing more, although the client keeps the connection open', async () => {
    const { port, authenticate, sockets, received } = await start();
    const raw = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
    const packets: string[] = [];
    raw.on('message', (packet) => packets.push(String(packet)));
    await once(raw, 'open');
    raw.send('40{"token":"abc"}');
    await until(() => sockets.length > 0);
    await authenticate.invalidate({ token: 'abc' });
    sockets[0]?.emit('secret');
    sockets[0]?.send('secret');
    raw.send('42["say","late"]');
    // Socket.IO closes the connection for an event to a namespace that has been disconnected.
    await once(raw, 'close');
    expect([packets.join(), received]).toEqual([expect.not.stringContaining('secret'), []]);
  });

  it('of another namespace on the same connection stays open', async () => {
    const { io, authenticate, open } = await start();
    io.of('/other').use(socketAuthentication(authenticate));
    const first = open({ token: 'abc' });
    await once(first as never, 'connect');
    const second = first.io.socket('/other', { auth: { token: 'def' } });
    second.connect();
    await once(second as never, 'connect');
    await authenticate.invalidate({ token: 'abc' });
    await once(first as never, 'disconnect');
    expect(second.connected).toBe(true);
    await authenticate.invalidate({ token: 'def' });
    await once(second as never, 'disconnect');
  });

  it('receives no event past exp, even before the timer has noticed', async () => {
    const clock = createClock();
    const { connect, received } = await start(active({ exp: clock.seconds() + 10 }), { clock });
    const one = await connect('abc');
    clock.advance(10);
    one.socket.emit('say', 'late');
    await until(() => one.events.length === 2);
    expect([received, one.events]).toEqual([[], ENDED]);
  });

  it('is disconnected at once when its token ends while another middleware runs', async () => {
    const { io, open, authenticate } = await start();
    const entered = createDeferred<void>();
    const left = createDeferred<void>();
    io.use((_socket, next) => {
      entered.resolve();
      left.promise.then(() => next());
    });
    const socket = open({ token: 'abc' });
    const events: unknown[] = [];
    socket.on('disconnect', (reason) => events.push(reason));
    await entered.promise;
    await authenticate.invalidate({ token: 'abc' });
    left.resolve();
    await until(() => events.length > 0);
    expect(events).toEqual(['io server disconnect']);
  });

  it('leaves no monitor behind when the client disconnects', async () => {
    const decisions = recordDecisions();
    const { connect, authenticate, sockets } = await start();
    const { socket } = await connect('abc');
    socket.disconnect();
    await until(() => sockets[0]?.connected === false);
    await authenticate.invalidate({ token: 'abc' });
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['accepted']);
  });

  it('is rejected if Socket.IO restores sockets, because then rooms and events would outlive their token', async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const warnings = recordWarnings();
    for (const connectionStateRecovery of [{}, { skipMiddlewares: false }]) {
      const { open, endpoint } = await start(active({ exp: undefined }), {}, { onError }, { connectionStateRecovery });
      expect((await refusal(open({ token: 'abc' }))).message).toBe('server_error');
      expect(endpoint.asked).toEqual([]);
    }
    const error = { message: expect.stringContaining('Leave out "connectionStateRecovery"') };
    expect(errors).toMatchObject([error, error]);
    expect(warnings.map(({ code }) => code)).toEqual(['CONNECTION_STATE_RECOVERY']);
  });

  it('that Socket.IO restores without middlewares is disconnected', async () => {
    const { io, connect } = await start();
    const { socket } = await connect('abc');
    const stranger = Object.assign(Object.create(io.sockets.sockets.get(socket.id as string) as object), {});
    const closed: unknown[] = [];
    Object.defineProperty(stranger, 'disconnect', { value: (all: unknown) => closed.push(all) });
    (io.of('/') as unknown as { emitReserved(event: string, socket: unknown): void }).emitReserved('connect', stranger);
    expect(closed).toEqual([true]);
  });
});

describe('reauthenticate', () => {
  const byToken: Script = ({ form }) => {
    const token = form.get('token') ?? '';
    if (token === 'bad') return { active: false };
    return active({ exp: undefined, sub: token.split('-')[0], jti: token });
  };

  it('replaces the token of an open socket, and the old one no longer ends it', async () => {
    const { connect, authenticate, sockets } = await start(byToken);
    const one = await connect('alice-1');
    expect(await one.socket.emitWithAck('reauthenticate', { token: 'alice-2' })).toEqual({});
    expect(getSocketAuth(sockets[0] as ServerSocket).jti).toBe('alice-2');
    await authenticate.invalidate({ jti: 'alice-1' });
    await expectOpen(one);
    await authenticate.invalidate({ jti: 'alice-2' });
    await until(() => one.events.length === 3);
    expect(one.events.slice(1)).toEqual(ENDED);
  });

  it.each([
    ['a token that is not active', { token: 'bad' }, 'invalid_token'],
    ['the token of another user', { token: 'bob-1' }, 'insufficient_scope'],
    ['no token', {}, 'invalid_request'],
    ['a value that is no object', null, 'invalid_request'],
  ])('keeps the old token for %s', async (_what, value, error) => {
    const { connect, sockets } = await start(byToken);
    const one = await connect('alice-1');
    expect(await one.socket.emitWithAck('reauthenticate', value)).toEqual({ error });
    expect(getSocketAuth(sockets[0] as ServerSocket).jti).toBe('alice-1');
    await expectOpen(one);
  });

  it('verifies one token of a socket at a time', async () => {
    const held = createDeferred<void>();
    const { connect, endpoint } = await start(byToken);
    const one = await connect('alice-1');
    endpoint.script = async (asked, res, req) => {
      await held.promise;
      return (byToken as (...args: unknown[]) => object)(asked, res, req);
    };
    const first = one.socket.emitWithAck('reauthenticate', { token: 'alice-2' });
    expect(await one.socket.emitWithAck('reauthenticate', { token: 'alice-3' })).toEqual({
      error: 'temporarily_unavailable',
    });
    held.resolve();
    expect(await first).toEqual({});
  });

  it('monitors nothing for a socket that was disconnected meanwhile', async () => {
    const held = createDeferred<void>();
    const decisions = recordDecisions();
    const { connect, endpoint, authenticate, sockets } = await start(byToken);
    const one = await connect('alice-1');
    endpoint.script = async (asked, res, req) => {
      await held.promise;
      return (byToken as (...args: unknown[]) => object)(asked, res, req);
    };
    one.socket.emit('reauthenticate', { token: 'alice-2' });
    await until(() => endpoint.asked.length === 2);
    one.socket.disconnect();
    await until(() => sockets[0]?.connected === false);
    held.resolve();
    await until(() => decisions.length === 2);
    await authenticate.invalidate({ jti: 'alice-2' });
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['accepted', 'rejected']);
  });
});

describe('socketAuthentication', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['no middleware', () => socketAuthentication({} as never), /write socketAuthentication\(authenticate\)/],
    ['an unknown option', () => socketAuthentication(FAKE, { on: 1 } as never), /Option "on" is not known/],
    ['an onError that is no function', () => socketAuthentication(FAKE, { onError: 1 } as never), /"onError"/],
  ])('throws for %s', (_what, call, message) => {
    expect(call).toThrow(message);
  });

  it('rejects claims that no middleware created, and hides errors of the app', async () => {
    const errors: unknown[] = [];
    const failure = new Error('secret of the app');
    const { io, open } = await start();
    const throwing = { authenticateRequest: () => Promise.reject(failure), introspect: () => Promise.reject(failure) };
    io.of('/app').use(socketAuthentication(throwing as never, { onError: (error) => errors.push(error) }));
    io.of('/made').use(socketAuthentication(FAKE));
    expect((await refusal(open({ token: 'abc' }, '/app'))).message).toBe('server_error');
    expect((await refusal(open({ token: 'abc' }, '/made'))).message).toBe('server_error');
    expect(errors).toEqual([failure]);
  });

  it('leaves an error of the app to getSocketAuth() for an unknown socket', async () => {
    const { io, authenticate, connect, sockets } = await start();
    expect(() => getSocketAuth({} as never)).toThrow('mount io.use(socketAuthentication(authenticate))');
    await connect('abc');
    const other = authenticate.with({ scopes: ['read'] });
    expect(() => getSocketAuth(sockets[0] as ServerSocket, other)).toThrow('another middleware');
    io.close();
  });
});

const FAKE = { authenticateRequest: async () => ({}), introspect: async () => ({}) } as never;
