import type { ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { type ClientAuth, IntrospectionError, type IntrospectionErrorCode } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { SELF_SIGNED } from '../support/certificate.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';

const JSON_TYPE = { 'content-type': 'application/json' };

type Row = [title: string, script: Script, code: IntrospectionErrorCode, retryAfter?: string];

/** Failures of an endpoint that say nothing about the token: title, script, error code, and `Retry-After` unless it is 1. */
const REPLIES: readonly Row[] = [
  ['sends 500 with a body that says active', (_asked, res) => json(res, active(), 500), 'server_error'],
  ['sends 502', (_asked, res) => json(res, active(), 502), 'server_error'],
  ['sends 503', (_asked, res) => json(res, active(), 503), 'server_error'],
  ['sends 503 with seconds in Retry-After', withRetryAfter(503, '7'), 'server_error', '7'],
  ['sends 429', (_asked, res) => json(res, active(), 429), 'rate_limited'],
  ['sends 429 with seconds in Retry-After', withRetryAfter(429, '30'), 'rate_limited', '30'],
  ['names more than two minutes', withRetryAfter(429, '86400'), 'rate_limited', '120'],
  ['names no time at all', withRetryAfter(429, '0'), 'rate_limited', '1'],
  ['names a date long past', withRetryAfter(429, 'Wed, 21 Oct 2015 07:28:00 GMT'), 'rate_limited', '1'],
  ['names a date far off', withRetryAfter(503, 'Fri, 21 Oct 2095 07:28:00 GMT'), 'server_error', '120'],
  ['sends a Retry-After that is no time', withRetryAfter(503, 'soon'), 'server_error', '1'],
  ['sends 400', (_asked, res) => json(res, { error: 'invalid_request' }, 400), 'client_rejected'],
  ['sends 400 with broken JSON', raw(400, JSON_TYPE, '{"error":'), 'client_rejected'],
  ['sends 401', (_asked, res) => json(res, { error: 'invalid_client' }, 401), 'client_rejected'],
  ['sends 403', (_asked, res) => json(res, active(), 403), 'client_rejected'],
  [
    'is behind a firewall that sends 403',
    raw(403, { 'content-type': 'text/html' }, '<h1>Request blocked'),
    'unreachable',
  ],
  ['is behind a proxy that sends 400', raw(400, { 'content-type': 'text/plain' }, 'Use HTTPS'), 'unreachable'],
  ['sends 404', (_asked, res) => json(res, active(), 404), 'bad_response'],
  ['sends 201', (_asked, res) => json(res, active(), 201), 'bad_response'],
  ['sends 204', raw(204, {}, ''), 'bad_response'],
  ['sends 206', (_asked, res) => json(res, active(), 206), 'bad_response'],
  ['sends HTML', raw(200, { 'content-type': 'text/html' }, '<p>Sign in'), 'bad_response'],
  [
    'sends JSON with another media type',
    raw(200, { 'content-type': 'text/html' }, JSON.stringify(active())),
    'bad_response',
  ],
  ['sends without a type', raw(200, {}, JSON.stringify(active())), 'bad_response'],
  ['sends nothing', raw(200, JSON_TYPE, ''), 'bad_response'],
  ['sends half a JSON', raw(200, JSON_TYPE, JSON.stringify(active()).slice(0, -1)), 'bad_response'],
  ['sends JSON and more', raw(200, JSON_TYPE, `${JSON.stringify(active())}x`), 'bad_response'],
  [
    'sends text that is not UTF-8',
    raw(200, JSON_TYPE, Buffer.from('{"active":true,"sub":"\xff"}', 'latin1')),
    'bad_response',
  ],
  [
    'sends more than 256 kB',
    raw(200, JSON_TYPE, JSON.stringify(active({ x: 'x'.repeat(256 * 1024) }))),
    'bad_response',
  ],
  ['sends without end', endless, 'bad_response'],
  [
    'sends gzip',
    raw(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }, gzipSync(JSON.stringify(active()))),
    'bad_response',
  ],
  ['sends with another coding', raw(200, { ...JSON_TYPE, 'content-encoding': 'br' }, 'x'), 'bad_response'],
  ['sends JSON nested too deeply', raw(200, JSON_TYPE, nested(100_000)), 'bad_response'],
  ['closes the connection', (_asked, res) => void res.destroy(), 'unreachable'],
  ['closes the connection in the middle of its response', interrupted, 'unreachable'],
  ['never responds', () => undefined, 'timeout'],
  ['stalls in the middle of its response', stalled, 'timeout'],
];

describe('when the endpoint', () => {
  it.each<Row>(REPLIES)(
    '%s, the client sees 503 and Retry-After, and nothing is cached',
    async (_title, script, code, retryAfter = '1') => {
      silenceWarnings();
      const endpoint = await createEndpoint(script);
      const clock = createClock(Date.now() / 1000);
      const api = createApi(endpoint, { clock, timeoutMs: code === 'timeout' ? 100 : 10_000 });
      const response = await api.get('any').expect(503);
      expect(response.headers['retry-after']).toBe(retryAfter);
      expect(response.headers['cache-control']).toBe('no-store');
      expect(response.headers['www-authenticate']).toBeUndefined();
      expect(api.errors).toEqual([expect.objectContaining({ code, status: 503, statusCode: 503 })]);
      expect(api.errors[0]).toBeInstanceOf(IntrospectionError);
      expect(api.reached()).toBe(0);
      expect(endpoint.asked.length).toBeLessThanOrEqual(2);
      expect(api.authenticate.stats().entries).toBe(0);
      endpoint.script = active();
      if (code === 'rate_limited' || retryAfter !== '1') {
        expect((await api.get('any').expect(503)).headers['retry-after']).toMatch(/^\d+$/);
        expect(api.errors.at(-1)).toMatchObject({ code: 'circuit_open' });
        clock.advance(Math.max(2, Number(retryAfter)));
      }
      await api.get('any').expect(200);
    },
  );

  it.each([301, 302, 303, 307, 308])('redirects with %d, the token is sent nowhere else', async (status) => {
    const other = await createEndpoint(active());
    const endpoint = await createEndpoint((_asked, res) => void res.writeHead(status, { location: other.url }).end());
    const api = createApi(endpoint);
    await api.get('any').expect(503);
    expect([endpoint.asked.length, other.asked.length]).toEqual([1, 0]);
    expect(api.errors).toEqual([expect.objectContaining({ code: 'bad_response' })]);
  });

  it('is not running, the client sees 503', async () => {
    const endpoint = await createEndpoint(active());
    await endpoint.close();
    const api = createApi(endpoint);
    expect((await api.get('any').expect(503)).headers['retry-after']).toBe('1');
    expect(api.errors).toEqual([expect.objectContaining({ code: 'unreachable' })]);
  });

  it('has no address, the client sees 503', async () => {
    const api = createApi({ url: 'https://as.invalid/introspect' }, { timeoutMs: 2000 });
    expect((await api.get('any').expect(503)).headers['retry-after']).toBe('1');
  });

  it('has an untrusted certificate, it receives nothing and the client sees 503', async () => {
    let asked = 0;
    const server = createTlsServer(SELF_SIGNED, (_req, res) => {
      asked++;
      json(res, active());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://localhost:${(server.address() as AddressInfo).port}/introspect`;
    const dispatcher = new Agent({ connect: { ca: SELF_SIGNED.cert } });
    try {
      const api = createApi({ url });
      await api.get('any').expect(503);
      expect(api.errors).toEqual([
        expect.objectContaining({ code: 'unreachable', message: expect.stringContaining('SELF_SIGNED') }),
      ]);
      expect(asked).toBe(0);
      await createApi({ url }, { dispatcher }).get('any').expect(200);
    } finally {
      await dispatcher.close();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('sends headers of its own, the client sees none of them', async () => {
    const headers = { 'set-cookie': 'as=1', 'www-authenticate': 'Basic realm="as"', 'x-powered-by': 'as' };
    for (const status of [200, 401, 500]) {
      silenceWarnings();
      const endpoint = await createEndpoint((_asked, res) => {
        res.writeHead(status, { ...JSON_TYPE, ...headers }).end(JSON.stringify(active()));
      });
      const response = await createApi(endpoint).get('any');
      expect(response.status).toBe(status === 200 ? 200 : 503);
      for (const name of Object.keys(headers)) expect(response.headers[name]).toBeUndefined();
    }
  });

  it('responds too late, its response is not used for the next request', async () => {
    const late: ServerResponse[] = [];
    const endpoint = await createEndpoint((_asked, res) => void late.push(res));
    const api = createApi(endpoint, { timeoutMs: 1000 });
    await api.get('first').expect(503);
    endpoint.script = ({ form }) => active({ sub: form.get('token') });
    for (const res of late) json(res, active({ sub: 'first' }));
    expect((await api.get('second').expect(200)).body.auth.sub).toBe('second');
  });

  it('has closed an idle connection, the request is retried once and the client notices nothing', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { cache: false });
    await api.get('any').expect(200);
    let requests = 0;
    endpoint.script = (_asked, res) => {
      if (++requests > 1) return active();
      res.destroy();
      return undefined;
    };
    await api.get('any').expect(200);
    expect(requests).toBe(2);
  });

  it.each([400, 401, 403])(
    'rejects our own credentials with %d, the operator is warned once and the client is not blamed',
    async (status) => {
      const warnings = silenceWarnings();
      const endpoint = await createEndpoint((_asked, res) => json(res, { error: 'invalid_client' }, status));
      const api = createApi(endpoint);
      for (const token of ['a', 'b', 'c']) {
        const response = await api.get(token).expect(503);
        expect(response.text + JSON.stringify(response.headers)).not.toMatch(/invalid_client|invalid_token/);
      }
      await nextTurn();
      expect(warnings()).toEqual(['CLIENT_REJECTED']);
    },
  );
});

describe('when the client authentication', () => {
  it.each<[string, ClientAuth['sign'], IntrospectionErrorCode]>([
    [
      'throws',
      () => {
        throw new Error('vault is locked: hunter2');
      },
      'credentials_unavailable',
    ],
    ['rejects', () => Promise.reject(new Error('vault is locked: hunter2')), 'credentials_unavailable'],
    ['never resolves', () => new Promise<void>(() => {}), 'timeout'],
  ])('%s, the client sees 503 and the endpoint is asked nothing', async (_title, sign, code) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, {
      clientAuth: { identity: 'own', sign },
      timeoutMs: code === 'timeout' ? 100 : 3000,
    });
    const response = await api.get('any').expect(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(api.errors).toEqual([expect.objectContaining({ code })]);
    expect(String((api.errors[0] as Error).stack)).not.toContain('hunter2');
    expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });
});

function withRetryAfter(status: number, value: string): Script {
  return (_asked, res) => void res.writeHead(status, { 'retry-after': value }).end();
}

function raw(status: number, headers: Record<string, string>, body: string | Buffer): Script {
  return (_asked, res) => void res.writeHead(status, headers).end(body);
}

function endless(_asked: unknown, res: ServerResponse): void {
  res.writeHead(200, JSON_TYPE).write('{"active":true,"x":"');
  const more = () => {
    while (!res.destroyed && res.write('x'.repeat(64 * 1024)));
  };
  res.on('drain', more);
  more();
}

function interrupted(_asked: unknown, res: ServerResponse): void {
  res.writeHead(200, { ...JSON_TYPE, 'content-length': '1000' });
  res.write('{"active":true', () => res.destroy());
}

function stalled(_asked: unknown, res: ServerResponse): void {
  res.writeHead(200, JSON_TYPE).write('{"active":true');
}

function nested(depth: number): string {
  return `{"active":true,"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
}

/** Keeps process warnings off the terminal and returns their codes. */
function silenceWarnings(): () => unknown[] {
  const codes: unknown[] = [];
  const spy = jest.spyOn(process, 'emitWarning').mockImplementation(((_message: string, options: { code?: string }) => {
    codes.push(options.code);
  }) as typeof process.emitWarning);
  restores.push(() => spy.mockRestore());
  return () => codes;
}

const restores: (() => void)[] = [];

afterEach(() => {
  for (const restore of restores.splice(0)) restore();
});
