import { Agent, createServer, get, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import compression from 'compression';
import connectApp from 'connect';
import express, { type RequestHandler } from 'express';
import express4 from 'express4';
import { requireScope, type TokenIntrospectionOptions } from '../../lib/index.js';
import { endWithToken, type StreamOptions } from '../../lib/streams/index.js';
import { createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, type Script } from '../support/endpoint.js';
import { serve } from '../support/serve.js';
import { openStream } from '../support/streams.js';
import { until } from '../support/until.js';

const LAST_EVENT = 'event: token-expired\ndata:\n\n';
const EVENT_STREAM = { 'Content-Type': 'text/event-stream' };

/** An app whose only route is behind the middleware, and the responses that the handler has got. */
async function start(
  handler: (req: IncomingMessage, res: ServerResponse) => unknown,
  options: Partial<TokenIntrospectionOptions> = {},
  script: Script = active({ exp: undefined }),
  ...before: RequestHandler[]
) {
  const endpoint = await createEndpoint(script);
  const authenticate = createAuthenticate(endpoint, options);
  const responses: ServerResponse[] = [];
  const errors: unknown[] = [];
  const app = express().disable('x-powered-by').set('env', 'test');
  app.use(...[...before, authenticate]);
  app.use(async (req, res) => {
    responses.push(res);
    await handler(req, res);
  });
  app.use(((error, _req, _res, next) => {
    errors.push(error);
    next(error);
  }) as express.ErrorRequestHandler);
  return { endpoint, authenticate, responses, errors, ...(await serve(app)) };
}

/** Starts an event stream, and sends one event. */
function streamEvents(options?: StreamOptions) {
  return (req: IncomingMessage, res: ServerResponse) => {
    if (!endWithToken(req, res, options)) return;
    res.writeHead(200, EVENT_STREAM);
    res.write('data: hello\n\n');
  };
}

/** Starts a download that never completes by itself. */
const download: RequestListener = (req, res) => {
  if (!endWithToken(req, res)) return;
  res.writeHead(200, { 'Content-Type': 'application/octet-stream' });
  res.write('first part');
};

describe('an event stream', () => {
  it('ends properly with the last event when its token is invalidated, and other streams go on', async () => {
    const { url, authenticate } = await start(streamEvents({ lastEvent: LAST_EVENT }));
    const [stream, other] = [await openStream(url, 'abc'), await openStream(url, 'def')];
    await authenticate.invalidate({ token: 'abc' });
    expect(await stream.end).toBe('end');
    expect(stream.text()).toBe(`data: hello\n\n${LAST_EVENT}`);
    expect(other.res.complete).toBe(false);
    await authenticate.invalidate({ sub: 'alice' });
    expect(await other.end).toBe('end');
  });

  it('ends at exp, not before', async () => {
    const clock = createClock();
    const { url } = await start(streamEvents(), { clock }, () => active({ exp: clock.seconds() + 10 }));
    const stream = await openStream(url);
    clock.advance(9.9);
    const later = await openStream(url, 'def');
    clock.advance(0.1);
    expect(await stream.end).toBe('end');
    expect(stream.text()).toBe('data: hello\n\n');
    expect(later.res.complete).toBe(false);
  });

  it('ends when a recheck finds its token inactive', async () => {
    const clock = createClock();
    const { url, endpoint } = await start(streamEvents(), { clock });
    const streams = [await openStream(url), await openStream(url), await openStream(url)];
    endpoint.script = { active: false };
    clock.advance(60);
    expect(await Promise.all(streams.map(({ end }) => end))).toEqual(['end', 'end', 'end']);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('ends when a guard that its request passed would now reject it', async () => {
    const clock = createClock();
    const guard = requireScope('write');
    const reasons: unknown[] = [];
    const { url, endpoint } = await start(
      (req, res) => guard(req, res, () => streamEvents({ onEnd: (...ended) => void reasons.push(ended) })(req, res)),
      { clock },
    );
    const stream = await openStream(url);
    endpoint.script = active({ exp: undefined, scope: 'read' });
    clock.advance(60);
    expect(await stream.end).toBe('end');
    expect(reasons).toEqual([['insufficient_scope', expect.objectContaining({ status: 403 })]]);
  });

  it('ends, and the operator is warned, when a function of the app throws during a recheck', async () => {
    const warnings: unknown[] = [];
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation((text) => void warnings.push(text));
    const clock = createClock();
    let isBroken = false;
    const satisfiesScope = () => {
      if (isBroken) throw new Error('of the app');
      return true;
    };
    const { url, endpoint } = await start(streamEvents(), { clock, scopes: ['read'], satisfiesScope });
    const stream = await openStream(url);
    isBroken = true;
    endpoint.script = active({ exp: undefined, jti: 'new' });
    clock.advance(60);
    expect(await stream.end).toBe('end');
    expect(warnings).toEqual([expect.stringContaining('checks the token of a response threw')]);
    warn.mockRestore();
  });

  it('ends with a reason when the middleware is closed', async () => {
    const reasons: unknown[] = [];
    const { url, authenticate } = await start(streamEvents({ onEnd: (reason) => void reasons.push(reason) }));
    const stream = await openStream(url);
    await authenticate.close();
    expect(await stream.end).toBe('end');
    expect(reasons).toEqual(['closed']);
  });

  it('leaves the connection open for the next request', async () => {
    const { url, authenticate } = await start(streamEvents());
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const read = () =>
      new Promise<{ socket: Socket; body: string }>((resolve, reject) => {
        get(url, { agent, headers: { authorization: 'Bearer abc' } }, async (res) => {
          const { socket } = res;
          void authenticate.invalidate({ token: 'abc' });
          let body = '';
          for await (const chunk of res) body += chunk;
          resolve({ socket, body });
        }).on('error', reject);
      });
    const [first, second] = [await read(), await read()];
    expect(first.body).toBe('data: hello\n\n');
    expect(second.body).toBe('data: hello\n\n');
    expect(second.socket).toBe(first.socket);
    agent.destroy();
  });

  it('ends behind compression, and the client can read all of it', async () => {
    const { url, authenticate } = await start(
      (req, res) => {
        streamEvents({ lastEvent: LAST_EVENT })(req, res);
        (res as ServerResponse & { flush(): void }).flush();
      },
      {},
      active(),
      compression({ filter: () => true, threshold: 0 }),
    );
    const response = await fetch(url, { headers: { authorization: 'Bearer abc', 'accept-encoding': 'gzip' } });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    await authenticate.invalidate({ token: 'abc' });
    expect(await response.text()).toBe(`data: hello\n\n${LAST_EVENT}`);
  });

  it('of a handler that keeps writing ends without an error in the process', async () => {
    const { url, authenticate, responses } = await start(streamEvents());
    const stream = await openStream(url);
    const invalidated = authenticate.invalidate({ token: 'abc' });
    // The stream has ended, and the handler cannot know it yet.
    responses[0]?.write('data: late\n\n');
    await invalidated;
    expect(await stream.end).toBe('end');
    expect(stream.text()).toBe('data: hello\n\n');
    responses[0]?.write('data: later\n\n');
  });

  it('under pipeline() ends, and destroys its source', async () => {
    const source = new PassThrough();
    const outcome = createDeferred<unknown>();
    const { url, authenticate } = await start((req, res) => {
      if (!endWithToken(req, res, { lastEvent: LAST_EVENT })) return;
      res.writeHead(200, EVENT_STREAM);
      source.write('data: hello\n\n');
      pipeline(source, res).then(() => outcome.resolve('done'), outcome.resolve);
    });
    const stream = await openStream(url);
    await until(() => stream.text() !== '');
    await authenticate.invalidate({ token: 'abc' });
    expect(await stream.end).toBe('end');
    expect(stream.text()).toBe(`data: hello\n\n${LAST_EVENT}`);
    await outcome.promise;
    expect(source.destroyed).toBe(true);
  });
});

it.each<[string, () => { use(...handlers: unknown[]): unknown }]>([
  ['Express 4', () => express4() as never],
  ['Connect', () => connectApp() as never],
])('a stream of %s ends with its token', async (_name, create) => {
  const authenticate = createAuthenticate(await createEndpoint(active()));
  const app = create();
  app.use(authenticate);
  app.use(streamEvents({ lastEvent: LAST_EVENT }));
  const { url } = await serve(app as never);
  const stream = await openStream(url);
  await authenticate.invalidate({ token: 'abc' });
  expect(await stream.end).toBe('end');
  expect(stream.text()).toBe(`data: hello\n\n${LAST_EVENT}`);
});

describe('a response of node:http whose headers are written at once', () => {
  it.each([
    ['an event stream ends properly', EVENT_STREAM, 'end'],
    ['a download is cut off', { 'Content-Type': 'text/csv' }, 'aborted'],
  ])('is recognized: %s', async (_title, headers, expected) => {
    const authenticate = createAuthenticate(await createEndpoint(active()));
    const { url } = await serve((req, res) =>
      authenticate(req, res, () => {
        if (endWithToken(req, res)) res.writeHead(200, headers).write('x');
      }),
    );
    const stream = await openStream(url);
    await authenticate.invalidate({ token: 'abc' });
    expect(await stream.end).toBe(expected);
  });
});

describe('a download', () => {
  it('is cut off, so that the client does not take a part for the whole', async () => {
    const { url, authenticate } = await start(download);
    const stream = await openStream(url);
    await authenticate.invalidate({ token: 'abc' });
    expect(await stream.end).toBe('aborted');
    expect(stream.text()).toBe('first part');
  });

  it('under pipeline() is cut off, and its source is destroyed', async () => {
    const source = Readable.from(
      (async function* () {
        for (;;) {
          await new Promise((resolve) => setImmediate(resolve));
          yield 'x';
        }
      })(),
    );
    const outcome = createDeferred<unknown>();
    const { url, authenticate } = await start((req, res) => {
      if (endWithToken(req, res)) pipeline(source, res).then(() => outcome.resolve('done'), outcome.resolve);
    });
    const stream = await openStream(url);
    await authenticate.invalidate({ token: 'abc' });
    expect(await stream.end).toBe('aborted');
    expect(await outcome.promise).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    expect(source.destroyed).toBe(true);
  });

  it('from a Web Stream is cut off, and its source is cancelled', async () => {
    const cancelled = createDeferred<unknown>();
    const outcome = createDeferred<unknown>();
    const { url, authenticate } = await start((req, res) => {
      if (!endWithToken(req, res)) return;
      const source = new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('first part')),
        cancel: cancelled.resolve,
      });
      source.pipeTo(Writable.toWeb(res)).then(() => outcome.resolve('done'), outcome.resolve);
    });
    const stream = await openStream(url);
    await until(() => stream.text() === 'first part');
    await authenticate.invalidate({ token: 'abc' });
    expect(await stream.end).toBe('aborted');
    await cancelled.promise;
    expect(await outcome.promise).not.toBe('done');
  });

  it('that ends before its token is complete', async () => {
    const { url, authenticate } = await start((req, res) => {
      if (endWithToken(req, res)) res.end('all of it');
    });
    const stream = await openStream(url);
    expect(await stream.end).toBe('end');
    expect(stream.text()).toBe('all of it');
    await authenticate.invalidate({ token: 'abc' });
  });
});

describe('a client that does not read', () => {
  /** Far more than the operating system buffers. */
  const SIZE = 64 * 1024 * 1024;

  /** Opens a connection by hand, and reads only the first bytes of the response. */
  async function stall(port: number) {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer abc\r\n\r\n');
    await new Promise((resolve) => socket.once('readable', resolve));
    return socket;
  }

  it.each([
    ['an event stream', EVENT_STREAM, false],
    ['a download', { 'Content-Type': 'text/csv' }, false],
    ['a download that the handler has ended', { 'Content-Type': 'text/csv' }, true],
  ])('is cut off from %s', async (_what, headers, isEnded) => {
    const { port, authenticate, responses } = await start((req, res) => {
      if (!endWithToken(req, res, { lastEvent: LAST_EVENT })) return;
      res.writeHead(200, headers);
      res.write(Buffer.alloc(SIZE));
      if (isEnded) res.end();
    });
    const socket = await stall(port);
    await authenticate.invalidate({ token: 'abc' });
    await until(() => responses[0]?.closed === true);
    let received = 0;
    for await (const chunk of socket) received += chunk.length;
    expect(received).toBeLessThan(SIZE / 2);
  });
});

describe('a response that has not begun', () => {
  it('becomes a rejection with a challenge, and late writes of the handler are dropped', async () => {
    const late = createDeferred<void>();
    const failures: unknown[] = [];
    const { url, authenticate, responses } = await start((req, res) => {
      if (!endWithToken(req, res)) return;
      res.setHeader('Content-Type', 'text/csv');
      res.setHeader('Content-Length', 3);
      res.setHeader('Transfer-Encoding', 'chunked');
      late.promise
        .then(() => {
          (res as express.Response).status(200).set('X-Late', 'yes').json({ late: true });
          res.writeHead(200, { 'X-Late': 'yes' });
          res.write('late');
          res.end('late');
        })
        .catch((error) => failures.push(error));
    });
    const answer = fetch(url, { headers: { authorization: 'Bearer abc' } });
    await until(() => responses.length > 0);
    await authenticate.invalidate({ token: 'abc' });
    late.resolve();
    const response = await answer;
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ]);
    expect([response.headers.get('x-late'), response.headers.get('transfer-encoding')]).toEqual([null, null]);
    expect(await response.json()).toMatchObject({ error: 'invalid_token' });
    expect(failures).toEqual([]);
  });

  it('becomes 503 with Retry-After during an outage', async () => {
    const clock = createClock();
    const { url, endpoint, responses } = await start((req, res) => void endWithToken(req, res), {
      clock,
      cache: false,
    });
    const answer = fetch(url, { headers: { authorization: 'Bearer abc' } });
    await until(() => responses.length > 0);
    await endpoint.close();
    clock.advance(60);
    const response = await answer;
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  });
});

describe('endWithToken', () => {
  it('returns false and sends the rejection when the token has ended before', async () => {
    const returned: boolean[] = [];
    const authenticate = createAuthenticate(await createEndpoint(active()));
    const { url } = await serve((req, res) =>
      authenticate(req, res, async () => {
        await authenticate.invalidate({ token: 'abc' });
        returned.push(endWithToken(req, res));
      }),
    );
    const response = await fetch(url, { headers: { authorization: 'Bearer abc' } });
    expect([response.status, returned]).toEqual([401, [false]]);
  });

  it('cuts a download off that began before the call, when the token had ended', async () => {
    const authenticate = createAuthenticate(await createEndpoint(active()));
    const { url } = await serve((req, res) =>
      authenticate(req, res, async () => {
        res.writeHead(200, { 'Content-Type': 'text/csv' });
        await new Promise((resolve) => res.write('x', resolve));
        await authenticate.invalidate({ token: 'abc' });
        endWithToken(req, res);
      }),
    );
    expect(await (await openStream(url)).end).toBe('aborted');
  });

  it('returns false for a client that has gone', async () => {
    const returned: boolean[] = [];
    const { url, responses } = await start(async (req, res) => {
      res.writeHead(200, EVENT_STREAM).write('x');
      await new Promise((resolve) => res.on('close', resolve));
      returned.push(endWithToken(req, res));
    });
    const { req } = await openStream(url);
    req.destroy();
    await until(() => returned.length > 0);
    expect([returned, responses[0]?.destroyed]).toEqual([[false], true]);
  });

  it.each<[string, (req: IncomingMessage, res: ServerResponse) => unknown, string]>([
    [
      'a response that it ends already',
      (req, res) => endWithToken(req, res) && endWithToken(req, res),
      'call it once for each response',
    ],
    [
      'a response that has ended',
      (req, res) => {
        res.end();
        endWithToken(req, res);
      },
      'call it before you stream',
    ],
    ['something that is no response', (req) => endWithToken(req, {} as never), 'pass req and res of the same request'],
    ['no response', (req) => endWithToken(req, undefined as never), 'pass req and res of the same request'],
    [
      'the response to another request',
      (req) => endWithToken(req, Object.create({ req: {}, end() {}, once() {}, getHeader() {}, destroy() {} })),
      'pass req and res of the same request',
    ],
    [
      'a request without authentication',
      (_req, res) => endWithToken({} as never, res),
      'mount tokenIntrospection() before it',
    ],
    ['an unknown option', (req, res) => endWithToken(req, res, { last: 'x' } as never), 'Option "last" is not known'],
    ['an event without its end', (req, res) => endWithToken(req, res, { lastEvent: 'data: x\n' }), '"lastEvent"'],
    ['a callback that is no function', (req, res) => endWithToken(req, res, { onEnd: 'x' as never }), '"onEnd"'],
  ])('throws an error that names the remedy for %s', async (_what, call, message) => {
    const errors: unknown[] = [];
    const { url } = await start((req, res) => {
      try {
        call(req, res);
      } catch (error) {
        errors.push(error);
      }
      res.end();
    });
    await fetch(url, { headers: { authorization: 'Bearer abc' } });
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining(message) })]);
  });

  it('publishes why a stream has ended, as a separate decision', async () => {
    const decisions = recordDecisions();
    const { url, authenticate } = await start(streamEvents());
    const stream = await openStream(url);
    await authenticate.invalidate({ token: 'abc' });
    await stream.end;
    expect(decisions).toMatchObject([
      { outcome: 'accepted', by: 'tokenIntrospection' },
      { outcome: 'rejected', by: 'endWithToken', status: 401, reason: 'inactive' },
    ]);
  });

  it('leaves nothing behind when clients disconnect', async () => {
    const decisions = recordDecisions();
    const { url, authenticate, responses, endpoint } = await start(streamEvents());
    const clients = [];
    for (let index = 0; index < 5; index++) clients.push(await openStream(url));
    for (const { req } of clients) req.destroy();
    await until(() => responses.every(({ closed }) => closed));
    await authenticate.invalidate({ token: 'abc' });
    expect(decisions.filter(({ outcome }) => outcome !== 'accepted')).toEqual([]);
    expect(endpoint.asked).toHaveLength(1);
  });
});

describe('onEnd', () => {
  it('may write to the response and end it, with the reason of the end', async () => {
    const reasons: unknown[] = [];
    const { url, authenticate } = await start((req, res) => {
      const isOpen = endWithToken(req, res, {
        onEnd(reason) {
          reasons.push(reason);
          res.end('and so on');
        },
      });
      if (isOpen) res.writeHead(200, { 'Content-Type': 'text/plain' }).write('first ');
    });
    const stream = await openStream(url);
    await authenticate.invalidate({ token: 'abc' });
    expect(await stream.end).toBe('end');
    expect([stream.text(), reasons]).toEqual(['first and so on', ['inactive']]);
  });

  it.each<[string, () => unknown]>([
    ['does nothing', () => {}],
    ['throws', () => JSON.parse('{')],
    ['rejects', () => Promise.reject(new Error('of the app'))],
    ['never settles', () => new Promise(() => {})],
  ])('that %s does not keep the response open', async (_what, onEnd) => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { url, authenticate } = await start((req, res) => {
      if (endWithToken(req, res, { onEnd })) res.writeHead(200, { 'Content-Type': 'text/csv' }).write('x');
    });
    const stream = await openStream(url);
    await authenticate.invalidate({ token: 'abc' });
    expect(await stream.end).toBe('aborted');
    warn.mockRestore();
  });
});

describe('pipelined requests', () => {
  async function startPipeline() {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    const responses: ServerResponse[] = [];
    const server = createServer((req, res) =>
      authenticate(req, res, () => {
        responses.push(res);
        if (!endWithToken(req, res)) return;
        res.writeHead(200, { 'Content-Type': req.url === '/events' ? 'text/event-stream' : 'text/csv' });
        res.write(`${req.url}\n\n`);
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let received = '';
    socket.on('data', (data) => {
      received += data;
    });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const send = (path: string, token: string) =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    const close = () => {
      socket.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    };
    return { authenticate, endpoint, responses, socket, send, received: () => received, closed, close };
  }

  it('are answered one after the other: the second one begins when the stream before it ends', async () => {
    const { authenticate, responses, send, received, close } = await startPipeline();
    send('/events', 'abc');
    send('/csv', 'def');
    await until(() => responses.length === 2 && received().includes('/events'));
    expect(received()).not.toContain('/csv');
    await authenticate.invalidate({ token: 'abc' });
    await until(() => received().includes('/csv'));
    await close();
  });

  it('send nothing of a waiting download whose token has ended', async () => {
    const { authenticate, responses, send, received, closed, close } = await startPipeline();
    send('/events', 'abc');
    send('/csv', 'def');
    await until(() => responses.length === 2 && received().includes('/events'));
    await authenticate.invalidate({ token: 'def' });
    await authenticate.invalidate({ token: 'abc' });
    await closed;
    expect(received()).not.toContain('/csv');
    await close();
  });

  it('leave no monitor behind when the client disconnects', async () => {
    const decisions = recordDecisions();
    const { authenticate, responses, socket, send, close } = await startPipeline();
    for (let index = 0; index < 15; index++) send('/events', 'abc');
    await until(() => responses.length === 15);
    const warn = jest.spyOn(process, 'emitWarning');
    socket.destroy();
    await until(() => responses[0]?.closed === true);
    await authenticate.invalidate({ token: 'abc' });
    expect(decisions.filter(({ outcome }) => outcome !== 'accepted')).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
    await close();
    warn.mockRestore();
  });
});
