import { requireScope } from '../../lib/index.js';
import { backChannelLogout, securityEvents } from '../../lib/signals/index.js';
import { createApi, createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint, json } from '../support/endpoint.js';
import {
  CLIENT,
  createRecorder,
  eventClaims,
  ISSUER,
  logoutClaims,
  postEvent,
  postLogout,
} from '../support/signals.js';
import { createTelemetry, instrumented, type Point } from '../support/telemetry.js';
import { createIssuerKey, signToken } from '../support/transmitter.js';
import { until } from '../support/until.js';

const PREFIX = 'token_introspection.';
const NOW = 1_800_000_000;

const quietly = () => jest.spyOn(process, 'emitWarning').mockImplementation(() => {});

afterEach(() => {
  jest.restoreAllMocks();
});

/** A point. The common prefix is removed from the names of its attributes. */
function short({ attributes, value }: Point): readonly [Record<string, unknown>, number] {
  const names = Object.entries(attributes).map(([name, of]) => [
    name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name,
    of,
  ]);
  return [Object.fromEntries(names), value];
}

describe('token_introspection.decisions', () => {
  it('counts decisions by outcome, author and reason', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const api = createApi(await createEndpoint(active()), { optional: true }, requireScope('admin'));
    await api.get('a').expect(403);
    await api.get('b').expect(403);
    await api.get().expect(401);
    expect((await telemetry.points('token_introspection.decisions')).map(short)).toEqual([
      [{ outcome: 'accepted', by: 'tokenIntrospection' }, 2],
      [{ outcome: 'rejected', by: 'requireScope', reason: 'insufficient_scope' }, 2],
      [{ outcome: 'anonymous', by: 'tokenIntrospection' }, 1],
      [{ outcome: 'rejected', by: 'requireScope', reason: 'no_credentials' }, 1],
    ]);
  });

  it('has the error code as the reason of an outage', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const api = createApi(await createEndpoint((_asked, res) => json(res, {}, 500)));
    await api.get('a').expect(503);
    expect((await telemetry.points('token_introspection.decisions')).map(short)).toEqual([
      [{ outcome: 'outage', by: 'tokenIntrospection', reason: 'server_error' }, 1],
    ]);
  });

  it('marks decisions with a stale response', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const clock = createClock(NOW);
    const endpoint = await createEndpoint({ active: true });
    const api = createApi(endpoint, { clock, cache: { ttlSeconds: 10, staleIfErrorSeconds: 60 } });
    await api.get('a').expect(200);
    clock.advance(11);
    endpoint.script = (_asked, res) => json(res, {}, 500);
    await api.get('a').expect(200);
    expect((await telemetry.points('token_introspection.decisions')).map(short)).toEqual([
      [{ outcome: 'accepted', by: 'tokenIntrospection' }, 1],
      [{ outcome: 'accepted', by: 'tokenIntrospection', stale: true }, 1],
    ]);
    expect((await telemetry.points('token_introspection.cache.events')).map(short)).toEqual([
      [{ outcome: 'miss' }, 2],
      [{ outcome: 'stale' }, 1],
    ]);
  });
});

describe('token_introspection.cache.events', () => {
  it('counts hits, misses and coalesced lookups', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const authenticate = createAuthenticate(await createEndpoint(active()));
    await Promise.all([authenticate.introspect('a'), authenticate.introspect('a'), authenticate.introspect('a')]);
    await authenticate.introspect('a');
    expect((await telemetry.points('token_introspection.cache.events')).map(short)).toEqual([
      [{ outcome: 'miss' }, 1],
      [{ outcome: 'coalesced' }, 2],
      [{ outcome: 'hit' }, 1],
    ]);
  });

  it('counts early refreshes, whose calls are measured as background calls', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.001);
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const clock = createClock(NOW);
    const endpoint = await createEndpoint({ active: true });
    const api = createApi(endpoint, { clock, cache: { ttlSeconds: 100, refreshAhead: true } });
    await api.get('a').expect(200);
    clock.advance(99);
    await api.get('a').expect(200);
    await until(() => endpoint.asked.length === 2);
    await api.authenticate.close();
    expect((await telemetry.points('token_introspection.cache.events')).map(short)).toEqual([
      [{ outcome: 'miss' }, 1],
      [{ outcome: 'hit' }, 1],
      [{ outcome: 'refresh' }, 1],
    ]);
    const calls = (await telemetry.points('token_introspection.endpoint.duration')).map(short);
    expect(calls.map(([{ background }, count]) => [background, count])).toEqual([
      [false, 1],
      [true, 1],
    ]);
  });
});

describe('token_introspection.endpoint.duration', () => {
  it('is measured in seconds by server, status and attempt', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const endpoint = await createEndpoint(active());
    await createApi(endpoint).get('a').expect(200);
    await createApi(endpoint).get('a').expect(200);
    const { 'token_introspection.endpoint.duration': duration } = await telemetry.metrics();
    expect(duration?.unit).toBe('s');
    expect(duration?.points.map(short)).toEqual([
      [
        {
          'http.request.method': 'POST',
          'http.response.status_code': 200,
          'server.address': '127.0.0.1',
          'server.port': Number(new URL(endpoint.url).port),
          attempt: 1,
          background: false,
        },
        2,
      ],
    ]);
  });

  it.each([
    ['http://localhost/introspect', 'localhost', 80],
    ['https://as.example.com/introspect?tenant=t', 'as.example.com', 443],
    ['https://[::1]:8443/introspect', '[::1]', 8443],
  ])('names host and port of %s', async (url, address, port) => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const dispatcher = { request: () => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNABORTED' })) };
    await createApi({ url }, { dispatcher }).get('a').expect(503);
    const [point] = await telemetry.points('token_introspection.endpoint.duration');
    expect(point?.attributes).toMatchObject({ 'server.address': address, 'server.port': port });
  });

  it.each([
    ['500', active, 500],
    ['401', active, 401],
    ['302', active, 302],
  ])('has the error.type %s for a response with that status', async (type, body, status) => {
    quietly();
    const telemetry = createTelemetry();
    instrumented(telemetry);
    await createApi(await createEndpoint((_asked, res) => json(res, body(), status)))
      .get('a')
      .expect(503);
    const [point] = await telemetry.points('token_introspection.endpoint.duration');
    expect(point?.attributes).toMatchObject({ 'http.response.status_code': status, 'error.type': type });
  });

  it('measures a lost connection and the retry separately', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    let first = true;
    const endpoint = await createEndpoint((_asked, res) => {
      if (!first) return active();
      first = false;
      res.destroy();
      return undefined;
    });
    await createApi(endpoint).get('a').expect(200);
    const points = (await telemetry.points('token_introspection.endpoint.duration')).map(short);
    expect(points).toEqual([
      [expect.objectContaining({ attempt: 1, 'error.type': 'unreachable' }), 1],
      [expect.objectContaining({ attempt: 2, 'http.response.status_code': 200 }), 1],
    ]);
    expect(points[0]?.[0]).not.toHaveProperty('http.response.status_code');
    expect(points[1]?.[0]).not.toHaveProperty('error.type');
  });

  it('has the error.type timeout, with or without a status', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const endpoint = await createEndpoint((asked, res) => {
      if (asked.form.get('token') === 'half') {
        res.writeHead(200, { 'content-type': 'application/json' }).write('{');
      }
    });
    const api = createApi(endpoint, { timeoutMs: 50 });
    await api.get('silent').expect(503);
    await api.get('half').expect(503);
    await api.authenticate.close();
    await until(() => endpoint.asked.length === 2);
    const points = (await telemetry.points('token_introspection.endpoint.duration')).map(short);
    expect(points).toEqual([
      [expect.objectContaining({ 'error.type': 'timeout' }), 1],
      [expect.objectContaining({ 'error.type': 'timeout', 'http.response.status_code': 200 }), 1],
    ]);
  });

  it('has the error.type unreachable and the status when the response breaks off', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const endpoint = await createEndpoint((_asked, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': '99' }).write('{', () => {
        res.destroy();
      });
    });
    await createApi(endpoint).get('a').expect(503);
    expect((await telemetry.points('token_introspection.endpoint.duration')).map(short)).toEqual([
      [expect.objectContaining({ 'error.type': 'unreachable', 'http.response.status_code': 200 }), 1],
    ]);
  });
});

describe('token_introspection.circuit', () => {
  const states = (points: readonly Point[]) =>
    Object.fromEntries(points.map((point) => [short(point)[0]['circuit.state'], point.value]));

  it('shows the state, and counts openings by reason', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const clock = createClock(NOW);
    const endpoint = await createEndpoint((_asked, res) => json(res, {}, 500));
    const api = createApi(endpoint, { clock });
    const state = async () => states(await telemetry.points('token_introspection.circuit.state'));
    expect(await state()).toEqual({ closed: 1, half_open: 0, open: 0 });
    for (const token of 'abcde') await api.get(token).expect(503);
    expect(await state()).toEqual({ closed: 0, half_open: 0, open: 1 });
    expect((await telemetry.points('token_introspection.circuit.openings')).map(short)).toEqual([
      [{ reason: 'server_error' }, 1],
    ]);
    clock.advance(60);
    let duringProbe: unknown;
    endpoint.script = async () => {
      duringProbe ??= await state();
      return { active: true };
    };
    await api.get('f').expect(200);
    expect(duringProbe).toEqual({ closed: 0, half_open: 1, open: 0 });
    expect(await state()).toEqual({ closed: 1, half_open: 0, open: 0 });
  });
});

describe('token_introspection.misconfigurations', () => {
  it('counts by code', async () => {
    quietly();
    const telemetry = createTelemetry();
    instrumented(telemetry);
    await createApi(await createEndpoint((_asked, res) => json(res, {}, 401)))
      .get('a')
      .expect(503);
    expect((await telemetry.points('token_introspection.misconfigurations')).map(short)).toEqual([
      [{ code: 'CLIENT_REJECTED' }, 1],
    ]);
  });
});

describe('token_introspection.signals', () => {
  it('counts by handler, outcome, kind of event and reason', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const key = createIssuerKey();
    const options = { authenticate: createRecorder(), issuer: ISSUER, audience: CLIENT, keys: key.publicKey };
    const now = Math.floor(Date.now() / 1000);
    const events = securityEvents(options);
    await postEvent(events, await signToken(key, { typ: 'secevent+jwt' }, eventClaims(now)));
    await postEvent(events, 'no token');
    await postLogout(backChannelLogout(options), await signToken(key, { typ: 'logout+jwt' }, logoutClaims(now)));
    expect((await telemetry.points('token_introspection.signals')).map(short)).toEqual([
      [{ outcome: 'applied', by: 'securityEvents', event: 'session-revoked' }, 1],
      [{ outcome: 'rejected', by: 'securityEvents', reason: 'malformed_token' }, 1],
      [{ outcome: 'applied', by: 'backChannelLogout' }, 1],
    ]);
  });
});

describe('metrics of a named middleware', () => {
  it('show entries and lookups under its name', async () => {
    const telemetry = createTelemetry();
    const endpoint = await createEndpoint(active());
    const [api, admin] = [createApi(endpoint), createApi(endpoint)];
    instrumented(telemetry, { middlewares: { api: api.authenticate, admin: admin.authenticate } });
    for (const token of ['a', 'b', 'b', 'b']) await api.get(token).expect(200);
    const metrics = await telemetry.metrics();
    expect(metrics['token_introspection.cache.entries']?.points.map(short)).toEqual([
      [{ middleware: 'api' }, 2],
      [{ middleware: 'admin' }, 0],
    ]);
    expect(metrics['token_introspection.cache.lookups']?.points.map(short)).toEqual([
      [{ middleware: 'api', outcome: 'hit' }, 2],
      [{ middleware: 'api', outcome: 'miss' }, 2],
      [{ middleware: 'admin', outcome: 'hit' }, 0],
      [{ middleware: 'admin', outcome: 'miss' }, 0],
    ]);
  });

  it('count failures for tokens of clients while the endpoint responds for a random token', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const endpoint = await createEndpoint(({ form }, res) =>
      form.get('token')?.startsWith('odd') ? json(res, {}, 500) : json(res, { active: false }),
    );
    const api = createApi(endpoint);
    for (const token of 'abcde') await api.get(`odd-${token}`).expect(503);
    expect((await telemetry.points('token_introspection.circuit.token_failures')).map(short)).toEqual([
      [{ reason: 'server_error' }, 1],
    ]);
    expect(await telemetry.points('token_introspection.circuit.openings')).toEqual([]);
  });
});
