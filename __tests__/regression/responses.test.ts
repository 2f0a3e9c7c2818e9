import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import request from 'supertest';
import {
  type Guard,
  IntrospectionError,
  requireFresh,
  requireScope,
  type TokenIntrospectionOptions,
} from '../../lib/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';
import { invalidationEndpoint } from '../../lib/signals/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { createDeferred } from '../support/deferred.js';
import { createDpopSetup } from '../support/dpop.js';
import { ORIGIN } from '../support/dpop-sender.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';

const FAILURE = new Error('of the response');
const fail = () => {
  throw FAILURE;
};

/** A minimal response object, and what was written to it. */
function createResponse() {
  const headers = new Map<string, unknown>();
  const sent: unknown[] = [];
  return {
    headers,
    sent,
    res: {
      statusCode: 200,
      getHeader: (name: string) => headers.get(name.toLowerCase()),
      setHeader: (name: string, value: unknown) => void headers.set(name.toLowerCase(), value),
      end(body?: Buffer) {
        sent.push(body === undefined ? undefined : String(body));
      },
    },
  };
}

function requestWith(authorization?: string, more: object = {}): IncomingMessage {
  const headers = authorization === undefined ? {} : { authorization };
  return { method: 'GET', url: '/', headers, rawHeaders: Object.entries(headers).flat(), ...more } as never;
}

/** Outcome of the middleware and the guards behind it: 'passed', 'answered', or the error given to next. */
function run(guards: readonly Guard[], req: IncomingMessage, res: object): Promise<unknown> {
  const { promise, resolve } = createDeferred<unknown>();
  const { end } = res as { end?: (body?: Buffer) => void };
  if (end !== undefined) {
    Object.assign(res, {
      end(body?: Buffer) {
        end(body);
        resolve('answered');
      },
    });
  }
  const step = ([guard, ...others]: readonly Guard[]): void => {
    if (guard === undefined) resolve('passed');
    else guard(req, res as ServerResponse, (error) => (error === undefined ? step(others) : resolve(error)));
  };
  step(guards);
  return promise;
}

async function authenticateWith(options: Partial<TokenIntrospectionOptions> = {}, script: Script = scripted) {
  return createAuthenticate(await createEndpoint(script), options);
}

const scripted: Script = ({ form }, res) => {
  if (form.get('token') === 'down') return json(res, {}, 500);
  return form.get('token') === 'good' ? active({ scope: 'read' }) : { active: false };
};

/** Every case in which the middleware or a guard writes a response. */
const WAYS: readonly (readonly [
  way: string,
  authorization: string | undefined,
  build: () => Promise<readonly Guard[]>,
])[] = [
  ['no token', undefined, async () => [await authenticateWith()]],
  ['a malformed token', 'Bearer a b', async () => [await authenticateWith()]],
  ['an unknown token', 'Bearer bad', async () => [await authenticateWith()]],
  [
    'a token without the scopes of the middleware',
    'Bearer good',
    async () => [await authenticateWith({ scopes: ['x'] })],
  ],
  [
    'no token after "optional", at a guard',
    undefined,
    async () => [await authenticateWith({ optional: true }), requireScope('x')],
  ],
  ['a good token, at a guard', 'Bearer good', async () => [await authenticateWith(), requireScope('x')]],
  [
    'a token that was revoked, at requireFresh',
    'Bearer good',
    async () => {
      let asked = 0;
      const script: Script = () => (asked++ === 0 ? active() : { active: false });
      const authenticate = await authenticateWith({}, script);
      await authenticate.introspect('good');
      return [authenticate, requireFresh({ maxAgeSeconds: 0 })];
    },
  ],
];

describe('a response that throws when it is used', () => {
  it.each(WAYS)('reaches next(error) with %s', async (_way, authorization, build) => {
    const guards = await build();
    for (const member of ['getHeader', 'setHeader', 'end'] as const) {
      const { res } = createResponse();
      expect(await run(guards, requestWith(authorization), { ...res, [member]: fail })).toBe(FAILURE);
    }
  });

  it('reaches next(error) with a valid token by getToken, and req.auth is not set', async () => {
    const authenticate = await authenticateWith({ getToken: () => 'good' });
    for (const member of ['getHeader', 'setHeader'] as const) {
      const req = requestWith();
      expect(await run([authenticate], req, { ...createResponse().res, [member]: fail })).toBe(FAILURE);
      expect(req).not.toHaveProperty('auth');
    }
    expect(await run([authenticate], requestWith(), { ...createResponse().res, end: fail })).toBe('passed');
  });

  it('reaches next(error) with a DPoP nonce to send', async () => {
    const { sender, clock, endpoint } = await createDpopSetup();
    const authenticate = createAuthenticate(endpoint, { clock, dpop: { origin: ORIGIN, nonce: true } });
    const requestOf = async (nonce?: string) =>
      requestWith(undefined, {
        headers: {
          authorization: 'DPoP abc',
          dpop: await sender.proof('abc', clock, { claims: { htu: `${ORIGIN}/`, nonce } }),
        },
      });
    const first = createResponse();
    expect(await run([authenticate], await requestOf(), first.res)).toBe('answered');
    const nonce = String(first.headers.get('dpop-nonce'));
    clock.advance(200);
    const failing = { ...createResponse().res, setHeader: fail };
    expect(await run([authenticate], await requestOf(nonce), failing)).toBe(FAILURE);
  });

  it('loses the status and headers of the failed attempt, so that an error handler can respond', async () => {
    const authenticate = await authenticateWith();
    const app = createApp((_req, res, next) => {
      const { end } = res;
      res.end = () => {
        res.end = end;
        return fail();
      };
      next();
    }, authenticate as RequestHandler);
    const { status, headers } = await get(app, 'bad');
    expect([status, headers['www-authenticate'], app.errors]).toEqual([500, undefined, [FAILURE]]);
  });

  it('without next is answered 500, or closed when that fails too', async () => {
    const authenticate = await authenticateWith();
    const once = createServer((req, res) => {
      const { writeHead } = res;
      res.writeHead = (() => {
        res.writeHead = writeHead;
        return fail();
      }) as never;
      authenticate(req, res);
    });
    expect((await request(once).get('/').set('Authorization', 'Bearer bad')).text).toBe('{"error":"server_error"}');
    const always = createServer((req, res) => authenticate(req, Object.assign(res, { writeHead: fail })));
    for (const authorization of ['Bearer bad', 'Bearer down', 'Bearer a b']) {
      await expect(request(always).get('/').set('Authorization', authorization)).rejects.toThrow('socket hang up');
    }
  });

  it('does not hide an exception of the app’s error handling, which is called once', async () => {
    const authenticate = await authenticateWith({ optional: true });
    let calls = 0;
    const broken = () => {
      calls++;
      throw new Error('of the app');
    };
    const req = requestWith();
    await run([authenticate], req, createResponse().res);
    expect(() => requireScope('x')(req, { ...createResponse().res, end: fail } as never, broken)).toThrow('of the app');
    expect(() => requireScope('x')(requestWith(), createResponse().res as never, broken)).toThrow('of the app');
    expect(calls).toBe(2);
  });

  it.each(['onReject', 'nothing'])('reaches next(error) too where %s responds', async (who) => {
    const onReject: TokenIntrospectionOptions['onReject'] = (error, _req, res) => {
      res.writeHead(error.status).end();
    };
    const authenticate = await authenticateWith(who === 'onReject' ? { onReject } : {});
    const res = { ...createResponse().res, writeHead: fail, setHeader: fail };
    expect(await run([authenticate], requestWith('Bearer bad'), res)).toBe(FAILURE);
  });

  it('reaches next(error) of the metadata and of the invalidation endpoint, too', async () => {
    const authenticate = await authenticateWith({ audience: 'https://api.example.com', resourceMetadata: true });
    const url = '/.well-known/oauth-protected-resource';
    const issuer = { authorization_servers: ['https://as.example.com'] };
    const handlers = [
      protectedResourceMetadata(authenticate, issuer),
      protectedResourceMetadata(authenticate, issuer, {
        signed: async () => `a.${Buffer.from('{"iss":"a"}').toString('base64url')}.b`,
      }),
      invalidationEndpoint({ authenticate, secret: 'x'.repeat(32) }),
    ];
    for (const handler of handlers) {
      const res = { ...createResponse().res, setHeader: fail };
      expect(await run([handler], requestWith(undefined, { url }), res)).toBe(FAILURE);
    }
  });
});

describe('a response whose headers were sent before the middleware', () => {
  const servers: ReturnType<typeof createServer>[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  const flush: RequestHandler = (_req, res, next) => {
    res.flushHeaders();
    next();
  };
  const read = async (url: string, headers: Record<string, string>) =>
    (await fetch(url, { headers, signal: AbortSignal.timeout(5000) })).text();

  it.each(['Bearer bad', undefined])('ends with the connection when Authorization is %p', async (authorization) => {
    const passed: unknown[] = [];
    const handled = jest.fn();
    const app = express()
      .set('env', 'test')
      .use(flush, await authenticateWith(), handled);
    const onError: ErrorRequestHandler = (error, _req, _res, next) => {
      passed.push(error.reason);
      next(error);
    };
    const http = createServer(app.use(onError));
    servers.push(http);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    await expect(read(url, authorization === undefined ? {} : { authorization })).rejects.toThrow('terminated');
    expect(passed).toEqual([authorization === undefined ? 'no_credentials' : 'inactive']);
    expect(handled).not.toHaveBeenCalled();
  });

  it('is cut off without an error handler', async () => {
    const authenticate = await authenticateWith();
    const http = createServer((req, res) => {
      res.flushHeaders();
      authenticate(req, res);
    });
    servers.push(http);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    await expect(read(url, { authorization: 'Bearer bad' })).rejects.toThrow('terminated');
  });
});

describe('a minimal response object', () => {
  it('receives the rejection', async () => {
    const { res, headers, sent } = createResponse();
    expect(await run([await authenticateWith()], requestWith('Bearer bad'), res)).toBe('answered');
    expect([res.statusCode, headers.get('www-authenticate')]).toEqual([401, INVALID_TOKEN]);
    expect(sent).toEqual([expect.stringContaining('"invalid_token"')]);
  });

  it('receives no body for HEAD', async () => {
    const { res, headers, sent } = createResponse();
    await run([await authenticateWith()], requestWith('Bearer bad', { method: 'HEAD' }), res);
    expect([res.statusCode, sent, headers.get('content-length')]).toEqual([401, [undefined], 95]);
  });

  it('gets Cache-Control: private, unless it has a Cache-Control', async () => {
    const authenticate = await authenticateWith({ getToken: () => 'good' });
    const [plain, marked] = [createResponse(), createResponse()];
    marked.res.setHeader('Cache-Control', 'no-store');
    for (const { res } of [plain, marked]) expect(await run([authenticate], requestWith(), res)).toBe('passed');
    expect(plain.headers.get('cache-control')).toBe('private');
    expect(marked.headers.get('cache-control')).toBe('no-store');
  });
});

describe('a response that cannot be written', () => {
  it.each(WAYS)('passes the rejection to next with %s', async (_way, authorization, build) => {
    const error = await run(await build(), requestWith(authorization), {});
    expect(error).toMatchObject({ name: 'AuthError', headers: { 'WWW-Authenticate': expect.anything() } });
  });

  it('accepts a valid token, by getToken too, and passes an outage on', async () => {
    expect(await run([await authenticateWith()], requestWith('Bearer good'), {})).toBe('passed');
    expect(await run([await authenticateWith({ getToken: () => 'good' })], requestWith(), {})).toBe('passed');
    expect(await run([await authenticateWith()], requestWith('Bearer down'), {})).toBeInstanceOf(IntrospectionError);
  });
});

describe('socket.io with claims in socket.data', () => {
  it('keeps the claims of one namespace when another rejects a CONNECT of the same connection', async () => {
    const authenticate = await authenticateWith();
    const http = createServer();
    const server = new Server(http);
    const heard: unknown[] = [];
    for (const namespace of [server.of('/'), server.of('/other')]) {
      namespace.use(async (socket, next) => {
        try {
          socket.data.auth = await authenticate.introspect(socket.handshake.auth.token);
        } catch (error) {
          next(error as Error);
          return;
        }
        next();
      });
      namespace.on('connection', (socket) => {
        socket.on('ask', (reply: () => void) => {
          heard.push(socket.data.auth.sub);
          reply();
        });
      });
    }
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const first = io(url, { transports: ['websocket'], auth: { token: 'good' } });
    try {
      await first.emitWithAck('ask');
      const other = first.io.socket('/other', { auth: { token: 'bad' } }).connect();
      const { promise, resolve } = createDeferred<string>();
      other.on('connect_error', (error) => resolve(error.message));
      expect(await promise).toContain('not valid');
      await first.emitWithAck('ask');
      expect(heard).toEqual(['alice', 'alice']);
    } finally {
      first.disconnect();
      await server.close();
    }
  });
});

describe('socket.io', () => {
  async function serveIo(prepare: (server: Server) => void) {
    const http = createServer();
    const server = new Server(http);
    prepare(server);
    const subs: unknown[] = [];
    server.on('connection', (socket) => {
      subs.push((socket.request as { auth?: { sub?: string } }).auth?.sub);
      socket.emit('welcome');
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    /** Resolves to 'welcome', or to the message of the rejection. */
    async function connect(token: string | undefined, transport: 'websocket' | 'polling'): Promise<string> {
      const client = io(url, {
        transports: [transport],
        reconnection: false,
        forceNew: true,
        ...(token !== undefined && { extraHeaders: { authorization: `Bearer ${token}` } }),
      });
      const { promise, resolve } = createDeferred<string>();
      client.on('welcome', () => resolve('welcome'));
      client.on('connect_error', (error) => resolve(error.message));
      try {
        return await promise;
      } finally {
        client.disconnect();
      }
    }
    return { connect, subs, close: () => new Promise<void>((resolve) => void server.close(() => resolve())) };
  }

  const TRANSPORTS = ['websocket', 'polling'] as const;

  it.each(TRANSPORTS)('with io.engine.use(authenticate) accepts only valid tokens: %s', async (transport) => {
    const authenticate = await authenticateWith();
    const { connect, subs, close } = await serveIo(({ engine }) => engine.use(authenticate));
    try {
      for (const token of ['bad', undefined, 'a b', 'down']) expect(await connect(token, transport)).toMatch(/error/);
      expect(await connect('good', transport)).toBe('welcome');
      expect(subs).toEqual(['alice']);
    } finally {
      await close();
    }
  });

  it.each(TRANSPORTS)('with getToken behind io.engine.use() accepts only valid tokens: %s', async (transport) => {
    const authenticate = await authenticateWith({ getToken: ({ headers }) => headers.authorization?.slice(7) });
    const { connect, subs, close } = await serveIo(({ engine }) => engine.use(authenticate));
    try {
      expect(await connect('bad', transport)).toMatch(/error/);
      expect(await connect('good', transport)).toBe('welcome');
      expect(subs).toEqual(['alice']);
    } finally {
      await close();
    }
  });

  it.each(TRANSPORTS)('with a wrapper for io.use() tells clients why they are rejected: %s', async (transport) => {
    const authenticate = await authenticateWith();
    const { connect, subs, close } = await serveIo((server) => {
      const wrap = (guard: Guard) => (socket: { readonly request: IncomingMessage }, next: (error?: Error) => void) =>
        guard(socket.request, {} as ServerResponse, (error) => next(error as Error | undefined));
      server.use(wrap(authenticate)).use(wrap(requireScope('read')));
    });
    try {
      expect(await connect('bad', transport)).toBe('The access token is not valid for this resource');
      expect(await connect(undefined, transport)).toBe('Authentication is required');
      expect(await connect('down', transport)).toMatch(/^Token introspection failed/);
      expect(await connect('good', transport)).toBe('welcome');
      expect(subs).toEqual(['alice']);
    } finally {
      await close();
    }
  });
});

describe('a header hook of the app that needs req.auth', () => {
  const hook: RequestHandler = (req, res, next) => {
    const { writeHead } = res;
    res.writeHead = ((...more: [number]) => {
      res.writeHead = writeHead;
      res.setHeader('X-User', (req as { auth?: { sub: string } }).auth?.sub ?? fail());
      return writeHead.apply(res, more);
    }) as never;
    next();
  };

  it.each([[undefined], ['bad'], ['a b']])(
    'is answered 500 with token %p, in every way of responding',
    async (token) => {
      const app = createApp(hook, (await authenticateWith()) as RequestHandler);
      await get(app, token).expect(500);
      expect([app.errors, app.reached()]).toEqual([[FAILURE], 0]);
    },
  );

  it('sees the claims of a valid token', async () => {
    const app = createApp(hook, (await authenticateWith()) as RequestHandler);
    expect((await get(app, 'good').expect(200)).headers['x-user']).toBe('alice');
    const strict = createApp((await authenticateWith({ scopes: ['x'] })) as RequestHandler);
    expect((await get(strict, 'good').expect(403)).headers['www-authenticate']).toBe(insufficientScope('x'));
  });
});
