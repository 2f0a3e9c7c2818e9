import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Agent, interceptors, MockAgent } from 'undici';
import type { TlsMaterial } from '../../lib/core/client-auth.js';
import { IntrospectionError } from '../../lib/core/errors.js';
import { type EndpointResponse, type HttpRequest, toEndpoint } from '../../lib/introspection/http.js';
import { createSendWithRetry, type RetrySettings } from '../../lib/introspection/retry.js';
import { createTransport, type TransportSettings } from '../../lib/introspection/transport.js';
import { SELF_SIGNED } from '../support/certificate.js';
import { type Certificate, createCertificate } from '../support/certificates.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { createEndpoint } from '../support/endpoint.js';
import { createRawServer, type RawRequest, response } from '../support/raw-server.js';
import { createTlsServer } from '../support/tls-server.js';
import { until } from '../support/until.js';

/** The helper below adds the endpoint. */
type Request = Omit<HttpRequest, 'endpoint'>;

const REQUEST: Request = { headers: { 'content-type': 'text/plain', 'x-a': '1' }, body: 'token=abc' };
const ACTIVE = '{"active":true}';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

type Settings = Partial<TransportSettings & Pick<RetrySettings, 'handledStatuses'>>;

/** A transport with the retry around it. */
function createClient(url: string, { handledStatuses, ...settings }: Settings = {}) {
  const endpoint = toEndpoint(new URL(url));
  const timeoutMs = settings.timeoutMs ?? 30_000;
  const transport = createTransport({
    timeoutMs,
    dispatcher: undefined,
    connect: undefined,
    readsBody: () => true,
    ...settings,
  });
  const sendWithRetry = createSendWithRetry({ transport, clock: createClock(), timeoutMs, handledStatuses });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= transport.close();
    return closed;
  };
  closing.push(close);
  return {
    close,
    calls: transport.calls,
    async post(
      prepare: (isUnauthorized: boolean) => Promise<Request> = async () => REQUEST,
    ): Promise<EndpointResponse> {
      const { response } = await transport.within((deadline) =>
        sendWithRetry(
          async (isUnauthorized) => ({ endpoint, ...(await prepare(isUnauthorized)) }),
          { tokenDigest: 'digest', background: false },
          deadline,
        ),
      );
      return response;
    },
  };
}

async function createRawClient(onRequest: (request: RawRequest) => void, settings: Settings = {}) {
  const server = await createRawServer(onRequest);
  return { server, ...createClient(`http://127.0.0.1:${server.port}/introspect?tenant=a`, settings) };
}

/** A connection is free one turn of the event loop after its response. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function outage(code: string, detail?: string) {
  return {
    name: 'IntrospectionError',
    status: 503,
    code,
    message: expect.stringMatching(new RegExp(`\\(${code}${detail === undefined ? '' : `, ${detail}`}\\)$`)),
  };
}

/** The two ways to send a request. They read the response with different code. */
const SENDERS: [name: string, createDispatcher: () => Agent | undefined][] = [
  ['over our own connections', () => undefined],
  ['through a dispatcher of the app', () => new Agent()],
];

describe('an introspection request', () => {
  it('is one POST to the path and query of the endpoint, with its headers and body', async () => {
    const { server, post } = await createRawClient(({ socket }) => socket.write(response(ACTIVE, { 'X-B': '2' })));
    expect(await post()).toEqual({
      status: 200,
      headers: { 'content-type': 'application/json', 'content-length': '15', 'x-b': '2' },
      body: ACTIVE,
    });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.head).toBe(
      [
        'POST /introspect?tenant=a HTTP/1.1',
        `host: 127.0.0.1:${server.port}`,
        'connection: keep-alive',
        'content-type: text/plain',
        'x-a: 1',
        'content-length: 9',
      ].join('\r\n'),
    );
    expect(server.requests[0]?.body).toBe('token=abc');
  });

  it('uses a connection that stays open for the next request', async () => {
    const { server, post } = await createRawClient(({ socket }) => socket.write(response(ACTIVE)));
    for (let i = 0; i < 3; i++) {
      await post();
      await turn();
    }
    expect([server.requests.length, server.sockets.length]).toEqual([3, 1]);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    const { server, post } = await createRawClient(({ socket }) =>
      socket.write(response('', { Location: '/elsewhere' }, `${status} Moved`)),
    );
    expect(await post()).toMatchObject({ status, body: '' });
    expect(server.requests).toHaveLength(1);
  });

  it('does not wait for a body that is not read', async () => {
    const readsBody = jest.fn<boolean, [status: number]>(() => false);
    const { server, post } = await createRawClient(
      ({ socket }) => socket.write(response('part', { 'Content-Length': '100' }, '401 Unauthorized')),
      { readsBody },
    );
    expect(await post()).toMatchObject({ status: 401, body: '' });
    expect(readsBody.mock.calls).toEqual([[401]]);
    await until(() => server.sockets[0]?.destroyed === true);
  });

  it('shares at most 64 connections with other requests', async () => {
    const waiting: RawRequest[] = [];
    let released = false;
    const { server, post } = await createRawClient((request) => {
      if (released) request.socket.write(response(ACTIVE));
      else waiting.push(request);
    });
    const replies = Array.from({ length: 100 }, () => post());
    await until(() => waiting.length === 64);
    for (let i = 0; i < 20; i++) await turn();
    expect([waiting.length, server.sockets.length]).toEqual([64, 64]);
    released = true;
    for (const { socket } of waiting) socket.write(response(ACTIVE));
    expect((await Promise.all(replies)).map(({ body }) => body)).toEqual(Array(100).fill(ACTIVE));
    expect([server.requests.length, server.sockets.length]).toEqual([100, 64]);
  });

  it('fails with unreachable and ECONNREFUSED, without the address, when nothing listens', async () => {
    const endpoint = await createEndpoint({});
    await endpoint.close();
    const { post } = createClient(endpoint.url);
    await expect(post()).rejects.toMatchObject(outage('unreachable', 'ECONNREFUSED'));
  });

  it('fails with unreachable when the server speaks no TLS', async () => {
    const endpoint = await createEndpoint({});
    const { post } = createClient(endpoint.url.replace('http:', 'https:'));
    await expect(post()).rejects.toMatchObject(outage('unreachable', '(ERR_SSL_\\w+|EPROTO)'));
  });
});

describe.each(SENDERS)('a response %s', (_, createDispatcher) => {
  const LIMIT = 256 * 1024;

  function createRawClientOf(onRequest: (request: RawRequest) => void) {
    return createRawClient(onRequest, { dispatcher: createDispatcher() });
  }

  it('may have a body of 256 kB', async () => {
    const { post } = await createRawClientOf(({ socket }) => socket.write(response('a'.repeat(LIMIT))));
    expect(await post()).toMatchObject({ status: 200, body: 'a'.repeat(LIMIT) });
  });

  it('is rejected when its body is one byte larger', async () => {
    const { post } = await createRawClientOf(({ socket }) => socket.write(response('a'.repeat(LIMIT + 1))));
    expect((await post()).body).toMatchObject(outage('bad_response', 'too large'));
  });

  it('is cancelled when its body does not end', async () => {
    const { server, post } = await createRawClientOf(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
      const flood = (): void => {
        while (!socket.destroyed && socket.write(`1000\r\n${'a'.repeat(0x1000)}\r\n`));
        if (!socket.destroyed) socket.once('drain', flood);
      };
      flood();
    });
    expect((await post()).body).toMatchObject(outage('bad_response', 'too large'));
    await until(() => server.sockets[0]?.destroyed === true);
  });

  it.each(['gzip', 'br', 'deflate', 'zstd', 'GZIP', 'gzip, identity', 'unknown'])(
    'is rejected with the content coding %s',
    async (coding) => {
      const { post } = await createRawClientOf(({ socket }) =>
        socket.write(response(ACTIVE, { 'Content-Encoding': coding })),
      );
      expect((await post()).body).toMatchObject(outage('bad_response', 'content coding'));
    },
  );

  it('may have the content coding identity', async () => {
    const { post } = await createRawClientOf(({ socket }) =>
      socket.write(response(ACTIVE, { 'Content-Encoding': 'identity' })),
    );
    expect((await post()).body).toBe(ACTIVE);
  });

  it('is read as UTF-8 across chunks', async () => {
    const bytes = Buffer.from('{"sub":"Žofie €"}');
    const { post } = await createRawClientOf(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`);
      for (const byte of bytes)
        socket.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]));
      socket.write('0\r\n\r\n');
    });
    expect((await post()).body).toBe('{"sub":"Žofie €"}');
  });

  it('is rejected when it is not UTF-8, and the next response is read', async () => {
    const { post } = await createRawClientOf(({ socket, number }) =>
      number === 1
        ? socket.write(Buffer.from(response('{"sub":"\u00ff\u00e2"}'), 'latin1'))
        : socket.write(response(ACTIVE)),
    );
    expect((await post()).body).toMatchObject(outage('bad_response', 'not UTF-8'));
    expect((await post()).body).toBe(ACTIVE);
  });

  it('leaves the connection usable after a rejection', async () => {
    const { post } = await createRawClientOf(({ socket, number }) =>
      socket.write(response(ACTIVE, number === 1 ? { 'Content-Encoding': 'gzip' } : {})),
    );
    await post();
    await turn();
    expect((await post()).body).toBe(ACTIVE);
  });
});

describe('a lost connection', () => {
  /** Requests with different bodies. */
  function createPrepare() {
    let prepared = 0;
    return jest.fn<Promise<Request>, []>(async () => ({ headers: {}, body: `attempt=${++prepared}` }));
  }

  it('causes one retry over a new connection, with a newly prepared request', async () => {
    const { server, post } = await createRawClient(({ socket, number }) =>
      number === 2 ? socket.resetAndDestroy() : socket.write(response(ACTIVE)),
    );
    const prepare = createPrepare();
    await post(prepare);
    await turn();
    expect((await post(prepare)).body).toBe(ACTIVE);
    expect(server.requests.map(({ body }) => body)).toEqual(['attempt=1', 'attempt=2', 'attempt=3']);
    expect(server.requests.map(({ socket }) => server.sockets.indexOf(socket))).toEqual([0, 0, 1]);
  });

  it('causes a retry when the server closed it in an orderly way, too', async () => {
    const { server, post } = await createRawClient(({ socket, number }) =>
      number === 2 ? socket.end() : socket.write(response(ACTIVE)),
    );
    await post();
    await turn();
    expect((await post()).body).toBe(ACTIVE);
    expect(server.requests).toHaveLength(3);
  });

  it('causes unreachable when the retry loses its connection, too', async () => {
    const { server, post } = await createRawClient(({ socket, number }) =>
      number === 1 ? socket.write(response(ACTIVE)) : socket.resetAndDestroy(),
    );
    const prepare = createPrepare();
    await post(prepare);
    await turn();
    await expect(post(prepare)).rejects.toMatchObject(outage('unreachable', '(ECONNRESET|UND_ERR_SOCKET|EPIPE)'));
    expect([server.requests.length, prepare.mock.calls.length]).toEqual([3, 3]);
  });

  it('causes no retry in the middle of a body', async () => {
    const { server, post } = await createRawClient(({ socket, number }) => {
      if (number === 1) socket.write(response(ACTIVE));
      else socket.write(response('{"active":', { 'Content-Length': '15' }), () => socket.resetAndDestroy());
    });
    await post();
    await turn();
    expect((await post()).body).toMatchObject(outage('unreachable', '\\w+'));
    expect(server.requests).toHaveLength(2);
  });

  it('is not involved when the request cannot be prepared', async () => {
    const { server, post } = await createRawClient(({ socket }) => socket.write(response(ACTIVE)));
    const prepare = jest
      .fn<Promise<Request>, []>()
      .mockRejectedValue(new IntrospectionError('credentials_unavailable'));
    await expect(post(prepare)).rejects.toMatchObject(outage('credentials_unavailable'));
    expect([server.requests.length, prepare.mock.calls.length]).toEqual([0, 1]);
  });
});

describe('credentials that get a 401', () => {
  const REFUSED = response('{}', {}, '401 Unauthorized');
  const readsBody = (status: number) => status !== 401;

  /** Handles the requests in order with `refusals`, and responds 200 to further ones. */
  async function createRefusing(refusals: readonly ((request: RawRequest) => unknown)[], settings: Settings = {}) {
    return createRawClient(
      (request) => {
        const refuse = refusals[request.number - 1];
        if (refuse === undefined) request.socket.write(response(ACTIVE));
        else refuse(request);
      },
      { readsBody, ...settings },
    );
  }

  /** Requests with different bodies. */
  function createPrepare() {
    let prepared = 0;
    return jest.fn<Promise<Request>, [refused: boolean]>(async () => ({ headers: {}, body: `attempt=${++prepared}` }));
  }

  const refuse = ({ socket }: RawRequest) => socket.write(REFUSED);
  const reset = ({ socket }: RawRequest) => socket.resetAndDestroy();
  const ignore = () => {};

  it('are prepared once more, and the request is sent again with new ones', async () => {
    const { server, post, calls } = await createRefusing([refuse]);
    const prepare = createPrepare();
    expect(await post(prepare)).toMatchObject({ status: 200, body: ACTIVE });
    expect(prepare.mock.calls).toEqual([[false], [true]]);
    expect(server.requests.map(({ body }) => body)).toEqual(['attempt=1', 'attempt=2']);
    expect(calls()).toBe(2);
  });

  it('may differ only in a header', async () => {
    const { post, calls } = await createRefusing([refuse]);
    const prepare = async (refused: boolean) => ({ headers: { 'x-a': refused ? '2' : '1' }, body: 'token=abc' });
    expect(await post(prepare)).toMatchObject({ status: 200 });
    expect(calls()).toBe(2);
  });

  it('cause no retry when they stay the same', async () => {
    const { server, post, calls } = await createRefusing([refuse, refuse]);
    const prepare = jest.fn<Promise<Request>, [refused: boolean]>(async () => ({
      headers: { ...REQUEST.headers },
      body: REQUEST.body,
    }));
    expect(await post(prepare)).toMatchObject({ status: 401, body: '' });
    expect(prepare.mock.calls).toEqual([[false], [true]]);
    expect([server.requests.length, calls()]).toEqual([1, 1]);
  });

  it('cause no second retry when the new ones get a 401, too', async () => {
    const { server, post, calls } = await createRefusing([refuse, refuse]);
    const prepare = createPrepare();
    expect(await post(prepare)).toMatchObject({ status: 401 });
    expect(prepare.mock.calls).toEqual([[false], [true]]);
    expect([server.requests.length, calls()]).toEqual([2, 2]);
  });

  it('cause no retry after a retry over a lost connection', async () => {
    const { server, post, calls } = await createRefusing([reset, refuse]);
    const prepare = createPrepare();
    expect(await post(prepare)).toMatchObject({ status: 401 });
    expect(prepare.mock.calls).toEqual([[false], [false]]);
    expect([server.requests.length, calls()]).toEqual([2, 2]);
  });

  it('are not prepared a third time when the retry loses its connection', async () => {
    const { server, post, calls } = await createRefusing([refuse, reset]);
    const prepare = createPrepare();
    await expect(post(prepare)).rejects.toMatchObject(outage('unreachable', '(ECONNRESET|UND_ERR_SOCKET|EPIPE)'));
    expect([server.requests.length, prepare.mock.calls.length, calls()]).toEqual([2, 2, 2]);
  });

  it('are not renewed when a normalizer handles the 401', async () => {
    const { server, post, calls } = await createRefusing([refuse], {
      handledStatuses: new Set([401]),
      readsBody: () => true,
    });
    const prepare = createPrepare();
    expect(await post(prepare)).toMatchObject({ status: 401, body: '{}' });
    expect([server.requests.length, prepare.mock.calls.length, calls()]).toEqual([1, 1, 1]);
  });

  it('cause an outage when new ones are unavailable', async () => {
    const { server, post, calls } = await createRefusing([refuse]);
    const prepare = async (refused: boolean) => {
      if (refused) throw new IntrospectionError('credentials_unavailable');
      return REQUEST;
    };
    await expect(post(prepare)).rejects.toMatchObject(outage('credentials_unavailable'));
    expect([server.requests.length, calls()]).toEqual([1, 1]);
  });

  it('do not extend the deadline, which covers the renewal', async () => {
    const { server, post, calls, close } = await createRefusing([refuse], { timeoutMs: 200 });
    const renewed = createDeferred<Request>();
    await expect(post((refused) => (refused ? renewed.promise : Promise.resolve(REQUEST)))).rejects.toMatchObject(
      outage('timeout'),
    );
    renewed.resolve({ headers: {}, body: 'late' });
    await close();
    expect([server.requests.length, calls()]).toEqual([1, 1]);
  });

  it('do not extend the deadline, which covers the second response', async () => {
    const { server, post, calls } = await createRefusing([refuse, ignore], { timeoutMs: 200 });
    const start = performance.now();
    await expect(post(createPrepare())).rejects.toMatchObject(outage('timeout'));
    expect(performance.now() - start).toBeLessThan(390);
    expect([server.requests.length, calls()]).toEqual([2, 2]);
  });
});

describe('TLS material from a function', () => {
  let first: Certificate;
  let second: Certificate;

  beforeAll(async () => {
    [first, second] = await Promise.all([createCertificate('client', 'first'), createCertificate('client', 'second')]);
  });

  const HEADERS = { 'content-type': 'application/json' };
  const trusting = (certificate: Certificate) => ({ ...certificate, ca: SELF_SIGNED.cert });

  it('is fetched for a new connection, and not for one that stays open', async () => {
    const server = await createTlsServer((res) => res.writeHead(200, HEADERS).end(ACTIVE));
    const connect = jest.fn(async () => trusting(first));
    const { post } = createClient(server.url, { connect });
    expect(connect).not.toHaveBeenCalled();
    for (let i = 0; i < 3; i++) {
      expect((await post()).body).toBe(ACTIVE);
      await turn();
    }
    expect([connect.mock.calls.length, server.connections()]).toEqual([1, 1]);
    expect(server.peers).toEqual(['first', 'first', 'first']);
  });

  it('is fetched again, so that the next connection presents a renewed certificate', async () => {
    const server = await createTlsServer((res) => res.writeHead(200, { ...HEADERS, connection: 'close' }).end(ACTIVE));
    let current = first;
    const connect = jest.fn(() => trusting(current));
    const { post } = createClient(server.url, { connect });
    expect((await post()).body).toBe(ACTIVE);
    current = second;
    expect((await post()).body).toBe(ACTIVE);
    expect([connect.mock.calls.length, server.connections()]).toEqual([2, 2]);
    expect(server.peers).toEqual(['first', 'second']);
  });

  it('is used by several new connections at once', async () => {
    const server = await createTlsServer((res) => setTimeout(() => res.writeHead(200, HEADERS).end(ACTIVE), 20));
    const connect = jest.fn(async () => trusting(first));
    const { post } = createClient(server.url, { connect });
    const replies = await Promise.all(Array.from({ length: 5 }, () => post()));
    expect(replies.map(({ body }) => body)).toEqual(Array(5).fill(ACTIVE));
    expect([connect.mock.calls.length, server.connections()]).toEqual([5, 5]);
  });

  it.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('the vault says hush');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the vault says hush'))],
    ['returns garbage', async () => ({ cert: 'hush', key: 'hush' }) as never],
    ['returns nothing', async () => ({ cert: 7, key: undefined }) as never],
  ])('is an outage without details when the function %s, and the next request calls it again', async (_, fail) => {
    const server = await createTlsServer((res) => res.writeHead(200, HEADERS).end(ACTIVE));
    const connect = jest.fn<unknown, []>(fail);
    const { post } = createClient(server.url, { connect: connect as TransportSettings['connect'] });
    const error: unknown = await post().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(outage('credentials_unavailable'));
    expect((error as Error).message).not.toContain('hush');
    expect(error).not.toHaveProperty('cause');
    expect([connect.mock.calls.length, server.connections()]).toEqual([1, 0]);
    connect.mockImplementation(async () => trusting(first));
    expect((await post()).body).toBe(ACTIVE);
    expect(server.peers).toEqual(['first']);
  });

  it('causes a timeout when it never comes, and does not prevent closing', async () => {
    const server = await createTlsServer((res) => res.writeHead(200, HEADERS).end(ACTIVE));
    const { post, close } = createClient(server.url, { connect: () => new Promise<never>(() => {}), timeoutMs: 40 });
    await expect(post()).rejects.toMatchObject(outage('timeout'));
    await close();
  });

  it('does not block later connections when it never came', async () => {
    const server = await createTlsServer((res) => res.writeHead(200, HEADERS).end(ACTIVE));
    const connect = jest.fn<Promise<TlsMaterial>, []>(() => new Promise<never>(() => {}));
    const { post } = createClient(server.url, { timeoutMs: 500, connect });
    const ask = () => post().catch((error: unknown) => error);
    const lost = await Promise.all(Array.from({ length: 64 }, ask));
    for (const error of lost) expect(error).toMatchObject(outage('timeout'));
    connect.mockImplementation(async () => trusting(first));
    expect(await ask()).toMatchObject({ body: ACTIVE });
  });

  it('causes unreachable when it does not trust the server', async () => {
    const server = await createTlsServer((res) => res.writeHead(200, HEADERS).end(ACTIVE));
    const { post } = createClient(server.url, { connect: async () => ({ ...first }) });
    await expect(post()).rejects.toMatchObject(outage('unreachable', '[A-Z_]+'));
  });

  it('replaces a certificate that got a 401, as soon as the function returns another', async () => {
    const server = await createTlsServer((res, peer) =>
      peer === 'second'
        ? res.writeHead(200, HEADERS).end(ACTIVE)
        : res.writeHead(401, { ...HEADERS, 'content-length': 2 }).end('{}'),
    );
    let current = first;
    const { post } = createClient(server.url, { connect: async () => trusting(current) });
    const ask = () => post();
    expect((await ask()).status).toBe(401);
    current = second;
    await turn();
    expect((await ask()).status).toBe(200);
  });

  /** Responds slowly, so that several connections open, and with 401 for any other certificate. */
  const accepting = (name: () => string, delayMs: number) => (res: ServerResponse, peer: string | undefined) =>
    void setTimeout(() => {
      if (peer === name()) res.writeHead(200, HEADERS).end(ACTIVE);
      else res.writeHead(401, { 'content-length': 0 }).end();
    }, delayMs);

  it('replaces older connections, though newer ones are in the same pool', async () => {
    let accepted = 'first';
    const server = await createTlsServer(accepting(() => accepted, 50));
    let current = first;
    const { post } = createClient(server.url, { connect: async () => trusting(current) });
    const ask = async () => {
      const reply = await post();
      await turn();
      return reply.status;
    };
    const underWay = ask();
    await until(() => server.connections() === 1);
    current = second;
    await Promise.all([underWay, ask()]);
    accepted = 'second';
    for (let i = 0; i < 4; i++) expect(await ask()).toBe(200);
  });

  it('is renewed once for many 401 responses, each of which causes a retry', async () => {
    let accepted = 'first';
    const server = await createTlsServer(accepting(() => accepted, 20));
    let current = first;
    const { post } = createClient(server.url, { connect: async () => trusting(current) });
    const burst = () => Promise.all(Array.from({ length: 20 }, () => post()));
    await burst();
    await turn();
    current = second;
    accepted = 'second';
    const before = server.connections();
    for (let i = 0; i < 2; i++) {
      expect((await burst()).map(({ status }) => status)).toEqual(Array(20).fill(200));
      await turn();
    }
    expect(server.connections() - before).toBeLessThanOrEqual(20);
  });
});

describe('the deadline', () => {
  const SOON = { timeoutMs: 40 };
  const never = new Promise<never>(() => {});

  it('covers connecting', async () => {
    const server = await createRawServer(() => {});
    // On a busy machine, it takes a while until the server sees the connection.
    const { post } = createClient(`https://127.0.0.1:${server.port}/`, { timeoutMs: 500 });
    await expect(post()).rejects.toMatchObject(outage('timeout'));
    expect(server.sockets.length).toBeGreaterThan(0);
  });

  it('covers the preparation: a request that is ready too late is not sent', async () => {
    const { server, post, calls } = await createRawClient(() => {}, SOON);
    let ready: () => void = () => {};
    const answer = post(async () => {
      await new Promise<void>((resolve) => {
        ready = resolve;
      });
      return REQUEST;
    });
    await expect(answer).rejects.toMatchObject(outage('timeout'));
    ready();
    for (let i = 0; i < 10; i++) await turn();
    expect([calls(), server.sockets.length]).toEqual([0, 0]);
  });

  it('is not awaited when a body is closed without an error', async () => {
    const body = new Readable({ read: () => void body.destroy() });
    const dispatcher = { request: async () => ({ statusCode: 200, headers: {}, body }) };
    const { post } = createClient('https://as.example.com/introspect', { dispatcher: dispatcher as never });
    expect((await post()).body).toMatchObject(outage('unreachable'));
  });

  it('covers the preparation, and the request is not sent afterwards', async () => {
    const { server, post, close } = await createRawClient(({ socket }) => socket.write(response(ACTIVE)), SOON);
    const prepared = createDeferred<Request>();
    await expect(post(() => prepared.promise)).rejects.toMatchObject(outage('timeout'));
    prepared.resolve(REQUEST);
    await close();
    expect(server.requests).toHaveLength(0);
  });

  it('covers the retry', async () => {
    const { server, post } = await createRawClient(({ socket, number }) => {
      if (number === 1) socket.resetAndDestroy();
    }, SOON);
    await expect(post()).rejects.toMatchObject(outage('timeout'));
    expect(server.requests.length).toBeLessThanOrEqual(2);
  });

  it('covers a dispatcher that ignores it, whose late response has no effect', async () => {
    const late = createDeferred<never>();
    const request = jest.fn(() => late.promise);
    const { post } = createClient('https://as.example.com/', { ...SOON, dispatcher: { request } });
    await expect(post()).rejects.toMatchObject(outage('timeout'));
    late.reject(Object.assign(new Error('late'), { code: 'ECONNRESET' }));
    await turn();
    expect(request).toHaveBeenCalledTimes(1);
  });

  describe.each(SENDERS)('%s', (_, createDispatcher) => {
    it('covers the headers, and closes the connection', async () => {
      const { server, post } = await createRawClient(() => {}, { ...SOON, dispatcher: createDispatcher() });
      await expect(post()).rejects.toMatchObject(outage('timeout'));
      await until(() => server.sockets[0]?.destroyed === true);
      expect(server.requests).toHaveLength(1);
    });

    it('covers a body that stops, and closes the connection', async () => {
      const { server, post } = await createRawClient(
        ({ socket }) => socket.write(response('{"active":', { 'Content-Length': '15' })),
        { ...SOON, dispatcher: createDispatcher() },
      );
      await expect(post()).rejects.toMatchObject(outage('timeout'));
      await until(() => server.sockets[0]?.destroyed === true);
    });

    it('covers a body that arrives slowly without end', async () => {
      const { post } = await createRawClient(
        ({ socket }) => {
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
          const drip = setInterval(() => socket.write('1\r\n \r\n'), 5);
          socket.on('close', () => clearInterval(drip));
        },
        { ...SOON, dispatcher: createDispatcher() },
      );
      await expect(post()).rejects.toMatchObject(outage('timeout'));
    });
  });

  it('of one request does not affect others', async () => {
    const answers: RawRequest[] = [];
    const { post } = await createRawClient((request) => answers.push(request), SOON);
    const patient = post(() => never).catch((error: unknown) => error);
    const reply = post();
    await until(() => answers.length === 1);
    answers[0]?.socket.write(response(ACTIVE));
    expect((await reply).body).toBe(ACTIVE);
    expect(await patient).toMatchObject(outage('timeout'));
  });
});

describe('close', () => {
  it('waits for responses that are pending', async () => {
    const asked: RawRequest[] = [];
    const { server, post, close } = await createRawClient((request) => asked.push(request));
    const reply = post();
    await until(() => asked.length === 1);
    let closed = false;
    const closing = close().then(() => {
      closed = true;
    });
    await turn();
    expect(closed).toBe(false);
    asked[0]?.socket.write(response(ACTIVE));
    expect((await reply).body).toBe(ACTIVE);
    await closing;
    expect(closed).toBe(true);
    await until(() => server.open() === 0);
  });

  it('waits for a request that is being prepared, and for its response', async () => {
    const { post, close } = await createRawClient(({ socket }) => socket.write(response(ACTIVE)));
    const prepared = createDeferred<Request>();
    const reply = post(() => prepared.promise);
    const closed = close();
    await turn();
    prepared.resolve(REQUEST);
    expect((await reply).body).toBe(ACTIVE);
    await closed;
  });
});

describe('a dispatcher of the app', () => {
  const ORIGIN = 'https://as.example.com:8443';
  const QUESTION = { path: '/introspect?tenant=a', method: 'POST', body: 'token=abc', headers: { 'x-a': '1' } };

  function createMocked(settings: Settings = {}) {
    const agent = new MockAgent();
    agent.disableNetConnect();
    const client = createClient(`${ORIGIN}/introspect?tenant=a`, { dispatcher: agent, ...settings });
    return { agent, endpoint: agent.get(ORIGIN), ...client };
  }

  it('replaces our own pool, and is not closed', async () => {
    const { agent, endpoint, post, close } = createMocked();
    endpoint
      .intercept(QUESTION)
      .reply(200, ACTIVE, { headers: { 'content-type': 'application/json' } })
      .times(2);
    expect(await post()).toEqual({ status: 200, headers: { 'content-type': 'application/json' }, body: ACTIVE });
    await close();
    const { statusCode } = await agent.request({ origin: ORIGIN, ...QUESTION, method: 'POST' });
    expect(statusCode).toBe(200);
    await agent.close();
  });

  it('gets headers of its own for each request, which it may change', async () => {
    const seen: unknown[] = [];
    const request = async ({ headers }: { headers: Record<string, string> }) => {
      seen.push({ ...headers });
      headers['x-proxy'] = 'a';
      throw new Error('stop');
    };
    const { post } = createMocked({ dispatcher: { request } as never });
    const prepared = async () => REQUEST;
    for (let count = 0; count < 2; count++) await expect(post(prepared)).rejects.toMatchObject(outage('unreachable'));
    expect(seen).toEqual([REQUEST.headers, REQUEST.headers]);
  });

  it('causes one retry when it resets the connection', async () => {
    const { endpoint, post } = createMocked();
    endpoint.intercept(QUESTION).replyWithError(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    endpoint.intercept(QUESTION).reply(200, ACTIVE);
    expect((await post()).body).toBe(ACTIVE);
  });

  it.each([
    ['a certificate', Object.assign(new Error('hush'), { code: 'CERT_HAS_EXPIRED' }), 'CERT_HAS_EXPIRED'],
    ['TLS', Object.assign(new Error('hush'), { code: 'EPROTO' }), 'EPROTO'],
  ])('causes no retry when %s fails, and only its code is shown', async (_, failure, code) => {
    const { endpoint, post } = createMocked();
    endpoint.intercept(QUESTION).replyWithError(failure);
    endpoint.intercept(QUESTION).reply(200, ACTIVE);
    const error: unknown = await post().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(outage('unreachable', code));
    expect((error as Error).message).not.toContain('hush');
    expect(error).not.toHaveProperty('cause');
  });

  it.each([
    ['without a code', new Error('hush')],
    ['with a code that is no name', Object.assign(new Error('hush'), { code: 'token hush refused' })],
    ['with a code that is no text', Object.assign(new Error('hush'), { code: { hush: 1 } })],
    ['that is no error', 'hush'],
    ['that is null', null],
  ])('shows nothing of an error %s', async (_, failure) => {
    const { post } = createMocked({ dispatcher: { request: () => Promise.reject(failure) } });
    await expect(post()).rejects.toMatchObject({
      ...outage('unreachable'),
      message: 'Token introspection failed: no connection, or it broke before the response was complete (unreachable)',
    });
  });

  it('is not trusted when it followed a redirect', async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    const endpoint = agent.get(ORIGIN);
    endpoint.intercept(QUESTION).reply(307, '', { headers: { location: `${ORIGIN}/elsewhere` } });
    endpoint.intercept({ ...QUESTION, path: '/elsewhere' }).reply(200, ACTIVE);
    const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: 1 }));
    const { post } = createMocked({ dispatcher });
    await expect(post()).rejects.toMatchObject(outage('bad_response', 'redirect'));
  });
});
