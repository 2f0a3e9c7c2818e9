import type { ServerResponse } from 'node:http';
import timers, { setTimeout } from 'node:timers/promises';
import type { Agent } from 'undici';
import type { ClientAuth } from '../../lib/core/client-auth.js';
import { clientSecretBasic } from '../../lib/index.js';
import type { IntrospectionClientSettings } from '../../lib/introspection/client.js';
import { since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { type Asked, active, createEndpoint, type Endpoint, type Script } from '../support/endpoint.js';
import { createTestClient } from '../support/introspection-client.js';
import { bearerCredentials } from '../support/records.js';
import { recordWarnings } from '../support/warnings.js';

/** A client that signs with the number of the request. */
function createClient(endpoint: Pick<Endpoint, 'url'>, settings: Partial<IntrospectionClientSettings> = {}) {
  const signed: boolean[] = [];
  const clientAuth: ClientAuth = {
    identity: 'test',
    sign({ headers, refused }) {
      headers['x-signed'] = String(signed.push(refused));
    },
  };
  const { client, clock } = createTestClient(endpoint, { clientAuth, ...settings });
  return {
    calls: client.calls,
    signed,
    ask: () => client.lookup(bearerCredentials('abc'), since(clock)),
  };
}

/** Plays scripts in turn, and repeats the last one. */
function inTurn(...scripts: Script[]): Script {
  let turn = 0;
  return (asked, res, req) => {
    const script = scripts[Math.min(turn++, scripts.length - 1)];
    return typeof script === 'function' ? script(asked, res, req) : script;
  };
}

const status =
  (code: number, headers: Record<string, string> = {}): Script =>
  (_asked: Asked, res: ServerResponse) =>
    void res.writeHead(code, { 'content-type': 'application/json', ...headers }).end('{}');

const hangUp: Script = (_asked, res) => void res.destroy();
const breakOff: Script = (_asked, res) => {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  res.write('{"active":true', () => res.destroy());
};

describe('a retry', () => {
  it.each<[string, Script]>([
    ['hangs up', hangUp],
    ['answers 502', status(502)],
    ['answers 503', status(503)],
    ['answers 504', status(504)],
  ])('is sent once, newly signed, when the endpoint %s', async (_, script) => {
    const endpoint = await createEndpoint(inTurn(script, active()));
    const { ask, calls, signed } = createClient(endpoint);
    expect(await ask()).toMatchObject({ active: true });
    expect(endpoint.asked.map(({ headers }) => headers['x-signed'])).toEqual(['1', '2']);
    expect([calls(), signed]).toEqual([2, [false, false]]);
  });

  it.each<[string, Script, string]>([
    ['hangs up', hangUp, 'unreachable'],
    ['answers 502', status(502), 'server_error'],
    ['hangs up, then answers 503', inTurn(hangUp, status(503)), 'server_error'],
    ['answers 503, then hangs up', inTurn(status(503), hangUp), 'unreachable'],
    ['answers 503, then 401', inTurn(status(503), status(401)), 'client_rejected'],
    ['answers 401, then 503', inTurn(status(401), status(503)), 'server_error'],
    ['answers 401, then hangs up', inTurn(status(401), hangUp), 'unreachable'],
    ['answers 401', status(401), 'client_rejected'],
  ])('is sent at most once when the endpoint %s every time', async (_, script, code) => {
    recordWarnings();
    const endpoint = await createEndpoint(script);
    const { ask, calls } = createClient(endpoint);
    await expect(ask()).rejects.toMatchObject({ code });
    expect([endpoint.asked.length, calls()]).toEqual([2, 2]);
  });

  it.each<[string, Script, string]>([
    ['answers 500', status(500), 'server_error'],
    ['answers 501', status(501), 'server_error'],
    ['answers 429', status(429), 'rate_limited'],
    ['answers 503 and says when to come back', status(503, { 'retry-after': '1' }), 'server_error'],
    ['answers 502 and says when to come back', status(502, { 'retry-after': 'soon' }), 'server_error'],
    ['answers 400', status(400), 'client_rejected'],
    ['answers 403', status(403), 'client_rejected'],
    ['answers 404', status(404), 'bad_response'],
    ['redirects', status(307, { location: '/' }), 'bad_response'],
    ['answers nonsense', { active: 'yes' }, 'bad_response'],
    ['breaks off amid its answer', breakOff, 'unreachable'],
  ])('is not sent when the endpoint %s', async (_, script, code) => {
    recordWarnings();
    const endpoint = await createEndpoint(script);
    const { ask, calls } = createClient(endpoint);
    await expect(ask()).rejects.toMatchObject({ code });
    // After a 429 the circuit breaker asks about its own token.
    const [first, ...others] = endpoint.asked.map(({ form }) => form.get('token'));
    expect(others).not.toContain(first);
    expect([others.length, calls()]).toEqual(code === 'rate_limited' ? [1, 2] : [0, 1]);
  });

  it.each([active(), { active: false }])('is not sent after a response about the token: %#', async (script) => {
    const endpoint = await createEndpoint(script);
    await createClient(endpoint).ask();
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each([401, 502, 503])('is not sent after a %d that a normalizer handles', async (code) => {
    const endpoint = await createEndpoint(status(code));
    const normalizer = { statuses: new Set([code]), normalize: () => ({ active: false }), identity: undefined };
    expect(await createClient(endpoint, { normalizer }).ask()).toMatchObject({ active: false });
    expect(endpoint.asked).toHaveLength(1);
  });

  it('is sent after a 401 with new credentials, and sign() gets refused: true', async () => {
    const endpoint = await createEndpoint(inTurn(status(401), active()));
    const { ask, signed } = createClient(endpoint);
    expect(await ask()).toMatchObject({ active: true });
    expect(signed).toEqual([false, true]);
  });

  it('is not sent after a 401 with the same credentials', async () => {
    recordWarnings();
    const endpoint = await createEndpoint(status(401));
    const { ask } = createClient(endpoint, { clientAuth: clientSecretBasic('api', 'secret') });
    await expect(ask()).rejects.toMatchObject({ code: 'client_rejected' });
    expect(endpoint.asked).toHaveLength(1);
  });
});

describe('a failed connection', () => {
  const CODES = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND', 'EHOSTUNREACH'];

  function failing(code: string) {
    const request = jest.fn(async () => {
      throw Object.assign(new Error('hush'), { code });
    });
    return { request, dispatcher: { request: request as unknown as Agent['request'] } };
  }

  it.each([...CODES, 'ENETUNREACH', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT'])(
    'with %s causes one retry, and is reported with its code',
    async (code) => {
      const { request, dispatcher } = failing(code);
      const { ask, signed } = createClient({ url: 'https://as.example.com/' }, { dispatcher });
      await expect(ask()).rejects.toMatchObject({ code: 'unreachable', detail: code });
      expect([request.mock.calls.length, signed]).toEqual([2, [false, false]]);
    },
  );

  it.each(['CERT_HAS_EXPIRED', 'EPROTO', 'UND_ERR_ABORTED', 'UND_ERR_HEADERS_OVERFLOW'])(
    'with %s causes no retry',
    async (code) => {
      const { request, dispatcher } = failing(code);
      await expect(createClient({ url: 'https://as.example.com/' }, { dispatcher }).ask()).rejects.toMatchObject({
        code: 'unreachable',
      });
      expect(request.mock.calls).toHaveLength(1);
    },
  );
});

describe('the wait before a retry', () => {
  afterEach(() => jest.restoreAllMocks());

  /** Duration of each wait, in milliseconds. */
  async function waits(timeoutMs: number, draw: number, script: Script): Promise<unknown[]> {
    jest.spyOn(Math, 'random').mockReturnValue(draw);
    const wait = jest.spyOn(timers, 'setTimeout').mockResolvedValue(undefined);
    const endpoint = await createEndpoint(inTurn(script, active()));
    await createClient(endpoint, { timeoutMs }).ask();
    expect(endpoint.asked).toHaveLength(2);
    return wait.mock.calls.map(([delay]) => delay);
  }

  it.each<[string, number, number, Script, unknown[]]>([
    ['at most a tenth of the deadline', 900, 1, status(503), [90]],
    ['at most 100 milliseconds', 10_000, 1, status(503), [100]],
    ['proportional to the random number', 10_000, 0.25, status(503), [25]],
    ['zero for a random number of zero', 10_000, 0, status(503), [0]],
    ['also after a lost connection', 10_000, 1, hangUp, [100]],
  ])('is random: %s', async (_, timeoutMs, draw, script, expected) => {
    expect(await waits(timeoutMs, draw, script)).toEqual(expected);
  });

  it('is left out after a 401', async () => {
    expect(await waits(10_000, 1, status(401))).toEqual([]);
  });
});

describe('the deadline', () => {
  /** A lookup whose deadline passes during the wait for the retry. */
  async function lateRetry() {
    const wait = createDeferred();
    const spy = jest.spyOn(timers, 'setTimeout').mockReturnValue(wait.promise);
    const endpoint = await createEndpoint(status(503));
    const client = createClient(endpoint, { timeoutMs: 500 });
    await expect(client.ask()).rejects.toMatchObject({ code: 'timeout' });
    expect(spy).toHaveBeenCalledTimes(1);
    spy.mockRestore();
    wait.resolve();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return { ...client, endpoint };
  }

  it('ends the wait for a retry, and nothing is sent or counted afterwards', async () => {
    const { calls, endpoint } = await lateRetry();
    expect([endpoint.asked.length, calls()]).toEqual([1, 1]);
  });

  it('ends the wait for a retry, and nothing is signed afterwards', async () => {
    const { signed } = await lateRetry();
    expect(signed).toEqual([false]);
  });

  it('prevents a retry after a connection that is lost later', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const lost = createDeferred<never>();
    const dispatcher = { request: (() => lost.promise) as unknown as Agent['request'] };
    const { ask, signed } = createClient({ url: 'https://as.example.com/' }, { dispatcher, timeoutMs: 20 });
    await expect(ask()).rejects.toMatchObject({ code: 'timeout' });
    lost.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    await setTimeout(20);
    jest.restoreAllMocks();
    expect(signed).toEqual([false]);
  });

  it('covers both requests', async () => {
    const endpoint = await createEndpoint(inTurn(status(503), () => undefined));
    const start = performance.now();
    await expect(createClient(endpoint, { timeoutMs: 150 }).ask()).rejects.toMatchObject({ code: 'timeout' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(140);
    expect(endpoint.asked).toHaveLength(2);
  });
});
