import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import {
  clientSecretBasic,
  getAuthDetails,
  IntrospectionError,
  type IntrospectionErrorCode,
  requireFresh,
  requireScope,
  type TokenIntrospectionOptions,
} from '../../lib/index.js';
import { createApi, createAuthenticate } from '../support/api.js';
import { type RunningAuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js';
import { createClock } from '../support/clock.js';
import type { Model, Observation } from '../support/faults/model.mjs';
import type { Fault, FaultProxy } from '../support/faults/proxy.mjs';

const TIMEOUT_MS = 400;

let as: RunningAuthorizationServer;
let proxy: FaultProxy;
const proxies: FaultProxy[] = [];

beforeAll(async () => {
  as = await startAuthorizationServer();
}, 30_000);

beforeEach(async () => {
  // Hides the process warning about an HTML page. Another test checks it.
  jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  proxy = await startProxy();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(proxies.splice(0).map((started) => started.close()));
});

async function startProxy(): Promise<FaultProxy> {
  const { startFaultProxy } = await import('../support/faults/proxy.mjs');
  const started = await startFaultProxy(as.introspectionEndpoint);
  proxies.push(started);
  return started;
}

async function newToken(): Promise<string> {
  return (await as.issue({ scope: 'profile:read' })).access_token;
}

function optionsFor(overrides: Partial<TokenIntrospectionOptions> = {}): Partial<TokenIntrospectionOptions> {
  const { resourceServer, audience, issuer } = as;
  return {
    clientAuth: clientSecretBasic(resourceServer.clientId, resourceServer.clientSecret),
    audience,
    issuer,
    timeoutMs: TIMEOUT_MS,
    ...overrides,
  };
}

/** An API whose clock starts at the real time and moves only when the test advances it. */
function createApiWithClock(cache: TokenIntrospectionOptions['cache'] = {}, timeoutMs = TIMEOUT_MS) {
  const clock = createClock(Math.floor(Date.now() / 1000));
  return { clock, ...createApi(proxy, optionsFor({ clock, cache, timeoutMs })) };
}

describe('a fault of the authorization server', () => {
  it.each<[string, Fault, IntrospectionErrorCode]>([
    ['a closed port', { kind: 'refuse' }, 'unreachable'],
    ['a connection reset', { kind: 'reset' }, 'unreachable'],
    ['a response after the timeout', { kind: 'delay', ms: 3 * TIMEOUT_MS }, 'timeout'],
    ['a response that stops halfway', { kind: 'stall' }, 'timeout'],
    ['a response that is cut off halfway', { kind: 'truncate' }, 'unreachable'],
    ['a 500', { kind: 'status', status: 500 }, 'server_error'],
    ['a 502', { kind: 'status', status: 502 }, 'server_error'],
    ['a 503 with Retry-After', { kind: 'status', status: 503, retryAfterSeconds: 7 }, 'server_error'],
    ['a 429', { kind: 'status', status: 429 }, 'rate_limited'],
    ['a 429 with Retry-After', { kind: 'status', status: 429, retryAfterSeconds: 7 }, 'rate_limited'],
    ['an HTML page', { kind: 'html' }, 'bad_response'],
    ['no response', { kind: 'blackhole' }, 'timeout'],
  ])(
    '%s: serves cached tokens, responds with 503 for others, and recovers when the fault ends',
    async (_title, fault, code) => {
      const [known, unknown] = [await newToken(), await newToken()];
      const api = createApiWithClock();
      await api.get(known).expect(200);
      await proxy.set(fault);
      await api.get(known).expect(200);
      const response = await api.get(unknown).expect(503);
      expect(api.errors).toEqual([expect.objectContaining({ code })]);
      expect(response.headers).not.toHaveProperty('www-authenticate');
      expect(response.headers['retry-after']).toBe(
        String(('retryAfterSeconds' in fault && fault.retryAfterSeconds) || 1),
      );
      await proxy.set({ kind: 'pass' });
      api.clock.advance(8.4);
      await api.get(unknown).expect(200);
      await api.get('made-up').expect(401);
    },
  );

  it.each<[string, Fault, 200 | 503]>([
    ['a closed port', { kind: 'refuse' }, 200],
    ['no response', { kind: 'blackhole' }, 200],
    ['a 500', { kind: 'status', status: 500 }, 200],
    ['a 429', { kind: 'status', status: 429 }, 200],
    ['an HTML page, which is not an outage', { kind: 'html' }, 503],
  ])('%s: uses a stale response if staleIfErrorSeconds allows it', async (_title, fault, status) => {
    const known = await newToken();
    const [strict, lenient] = [
      createApiWithClock({ ttlSeconds: 10 }),
      createApiWithClock({ ttlSeconds: 10, staleIfErrorSeconds: 60 }),
    ];
    for (const api of [strict, lenient]) await api.get(known).expect(200);
    await proxy.set(fault);
    for (const { clock } of [strict, lenient]) clock.advance(10);
    await strict.get(known).expect(503);
    await lenient.get(known).expect(status);
    lenient.clock.advance(50);
    await lenient.get(known).expect(503);
  });

  it('uses no stale response after exp', async () => {
    const { access_token } = await as.issue({ scope: 'profile:read', ttlSeconds: 30 });
    const api = createApiWithClock({ ttlSeconds: 10, staleIfErrorSeconds: 600 });
    const { exp } = (await api.get(access_token).expect(200)).body.auth;
    await proxy.set({ kind: 'refuse' });
    api.clock.advance(exp - api.clock.seconds() - 0.001);
    await api.get(access_token).expect(200);
    api.clock.advance(0.001);
    await api.get(access_token).expect(503);
  });

  it('waits for responses that are slow but within the timeout', async () => {
    const api = createApiWithClock();
    await proxy.set({ kind: 'delay', ms: TIMEOUT_MS / 4 });
    await api.get(await newToken()).expect(200);
    await api.get('made-up').expect(401);
  });

  it('without a response: opens the circuit breaker after five tokens, and then only the request that sends the probe waits', async () => {
    const [known, unknown] = [await newToken(), await newToken()];
    // The probe takes up to half a second of the timeout, and the lookup of the client's token gets the rest.
    const api = createApiWithClock({}, 1000);
    await api.get(known).expect(200);
    await proxy.set({ kind: 'blackhole' });
    await Promise.all([1, 2, 3, 4, 5].map((number) => api.get(`made-up-${number}`).expect(503)));
    await Promise.all([unknown, 'made-up-6'].map((token) => api.get(token).expect(503)));
    await api.get(known).expect(200);
    api.clock.advance(1.2);
    await Promise.all([unknown, 'made-up-7', 'made-up-8'].map((token) => api.get(token).expect(503)));
    // The first token, the five that failed, the check with a random token, the probe, and one lookup after the probe.
    expect(proxy.exchanges.length).toBe(1 + 5 + 1 + 2);
    const codes = api.errors.map((error) => (error as IntrospectionError).code);
    expect(codes.filter((code) => code === 'timeout')).toHaveLength(6);
    expect(codes.filter((code) => code === 'circuit_open')).toHaveLength(4);
    await proxy.set({ kind: 'pass' });
    api.clock.advance(2.4);
    await api.get(unknown).expect(200);
  });

  it('with Retry-After: sends nothing until that time has passed', async () => {
    const unknown = await newToken();
    const api = createApiWithClock();
    await proxy.set({ kind: 'status', status: 429, retryAfterSeconds: 30 });
    await api.get(unknown).expect(503);
    await proxy.set({ kind: 'pass' });
    api.clock.advance(29.999);
    expect((await api.get(unknown).expect(503)).headers['retry-after']).toBe('1');
    expect(proxy.exchanges.length).toBe(2);
    api.clock.advance(0.001);
    await api.get(unknown).expect(200);
  });
});

const SEED = Number(process.env.FAULTS_SEED ?? 7);
const SECONDS = 7;

describe(`a schedule of faults, seed ${SEED}`, () => {
  const LIMITS = { timeoutMs: 300, ttlMs: 2000, toleranceMs: 1000 };
  const REQUESTS_PER_SECOND = 80;

  /** A server with the same routes as the soak test. */
  async function serveApi(endpoint: FaultProxy, staleMs: number) {
    const authenticate = createAuthenticate(
      endpoint,
      optionsFor({
        timeoutMs: LIMITS.timeoutMs,
        clockToleranceSeconds: LIMITS.toleranceMs / 1000,
        cache: { ttlSeconds: LIMITS.ttlMs / 1000, staleIfErrorSeconds: staleMs / 1000, inactiveTtlSeconds: 1 },
      }),
    );
    const handler: RequestHandler = (req, res) => void res.json({ stale: getAuthDetails(req).stale });
    const app = express();
    app.use(authenticate);
    app.get('/any', handler);
    app.get('/scope', requireScope('reports:read'), handler);
    app.get('/fresh', requireFresh({ maxAgeSeconds: 0 }), handler);
    app.use(((error, _req, res, next) => {
      if (!(error instanceof IntrospectionError)) return next(error);
      res.status(error.status).json({ error: error.code });
    }) as ErrorRequestHandler);
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      port: (server.address() as AddressInfo).port,
      close: () => new Promise((resolve) => server.close(resolve)),
    };
  }

  it('causes no wrong response, and no more introspection requests than allowed', async () => {
    const { createModel, createTokenRegistry } = await import('../support/faults/model.mjs');
    const { createClient } = await import('../support/faults/client.mjs');
    const { createRandom, createSchedule, pick } = await import('../support/faults/schedule.mjs');
    const random = createRandom(SEED);
    const registry = createTokenRegistry();
    const lag = monitorEventLoopDelay();
    lag.enable();
    const marginMs = () => 250 + lag.max / 1e6;

    const apis = await Promise.all(
      [0, 5000].map(async (staleMs) => {
        const proxy = await startProxy();
        const server = await serveApi(proxy, staleMs);
        const client = createClient(server.port, 20_000);
        const model: Model = createModel({ registry, limits: { ...LIMITS, staleMs, marginMs }, proxy });
        return { proxy, server, client, model };
      }),
    );
    const issue = async (ttlSeconds: number): Promise<string> => {
      const scope = pick(random, ['profile:read', 'profile:read reports:read']);
      const { access_token } = await as.issue({ scope, ttlSeconds });
      registry.issued(access_token, { scope, expiresAt: Math.floor(Date.now() / 1000 + ttlSeconds) * 1000 });
      return access_token;
    };
    const valid = await Promise.all(Array.from({ length: 12 }, () => issue(3600)));
    const toBeRevoked = await Promise.all(Array.from({ length: 12 }, () => issue(3600)));
    const shortLived = await Promise.all(Array.from({ length: 8 }, (_, index) => issue(2 + index)));

    const start = Date.now();
    const phases = createSchedule({
      seed: SEED,
      from: start + 500,
      until: start + SECONDS * 1000,
      timeoutMs: LIMITS.timeoutMs,
      troubleMs: [900, 1400],
      calmMs: [500, 1200],
    });
    // An outage that lasts longer than any cached response, so stale responses are used in it.
    const [from, until] = [start + SECONDS * 1000 + 500, start + SECONDS * 1000 + 500 + LIMITS.ttlMs + 500];
    phases.push({ fault: { kind: 'refuse' }, from, until, flaps: false });
    const seen: Observation[] = [];
    const pending: Promise<void>[] = [];
    const sendRequest = async ({ client, model }: (typeof apis)[number]): Promise<void> => {
      const chance = random();
      const token =
        chance < 0.4
          ? pick(random, valid)
          : chance < 0.7
            ? pick(random, [...toBeRevoked, ...shortLived])
            : `made-up-${random()}`;
      const path = pick(random, ['/any', '/any', '/any', '/any', '/scope', '/fresh']);
      const response = await client.get(path, token);
      const scope = path === '/scope' ? 'reports:read' : undefined;
      const observation = { token, scope, fresh: path === '/fresh', ...response };
      seen.push(observation);
      model.observe(observation);
    };
    const load = setInterval(() => {
      for (const api of apis) pending.push(sendRequest(api));
    }, 1000 / REQUESTS_PER_SECOND);
    const revocations = (async () => {
      for (const token of toBeRevoked) {
        await sleep(500);
        registry.revoking(token);
        await as.revoke(token);
        registry.revoked(token);
      }
    })();
    for (const phase of phases) {
      await sleep(Math.max(0, phase.from - Date.now()));
      Object.assign(phase, { from: Date.now() });
      await Promise.all(apis.map(({ proxy }) => proxy.set(phase.fault)));
      await sleep(Math.max(0, phase.until - Date.now()));
      await Promise.all(apis.map(({ proxy }) => proxy.set({ kind: 'pass' })));
      Object.assign(phase, { until: Date.now() });
    }
    await revocations;
    clearInterval(load);
    await Promise.all(pending);
    for (const { client, server, model } of apis) {
      client.close();
      await server.close();
      model.checkCalls(phases);
    }
    expect(apis.flatMap(({ model }) => model.violations)).toEqual([]);
    const statuses = new Set(seen.map(({ status }) => status));
    expect(statuses).toEqual(new Set([200, 401, 403, 503]));
    expect(seen.some(({ stale }) => stale)).toBe(true);
  }, 40_000);
});
