import { channel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { metrics, trace } from '@opentelemetry/api';
import { CHANNELS } from '../../lib/diagnostics/channels.js';
import { requireScope } from '../../lib/index.js';
import { type InstrumentOptions, instrument } from '../../lib/opentelemetry/index.js';
import { createApi } from '../support/api.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { createTelemetry, instrumented, type Telemetry } from '../support/telemetry.js';
import { until } from '../support/until.js';

const WATCHED = [
  CHANNELS.decision,
  CHANNELS.cache,
  CHANNELS.circuit,
  CHANNELS.misconfiguration,
  ...['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((part) => `tracing:${CHANNELS.endpoint}:${part}`),
];

afterEach(() => {
  jest.restoreAllMocks();
});

const watched = () => WATCHED.filter((name) => channel(name).hasSubscribers);

/** Everything a backend is ever sent. */
async function exported(telemetry: Telemetry): Promise<string> {
  const spans = telemetry.spans().map(({ name, attributes, status, events, links }) => ({
    name,
    attributes,
    status,
    events,
    links,
  }));
  return inspect([await telemetry.metrics(), spans], { depth: 20 });
}

async function decisions(telemetry: Telemetry): Promise<number> {
  const points = await telemetry.points('token_introspection.decisions');
  return points.reduce((sum, { value }) => sum + value, 0);
}

describe('instrument()', () => {
  it('is what subscribes: importing it does not', () => {
    expect(watched()).toEqual([]);
  });

  it('feeds the global providers by default', async () => {
    const telemetry = createTelemetry();
    metrics.setGlobalMeterProvider(telemetry.meterProvider);
    trace.setGlobalTracerProvider(telemetry.tracerProvider);
    const stop = instrument();
    try {
      await createApi(await createEndpoint(active()))
        .get('a')
        .expect(200);
      expect(await decisions(telemetry)).toBe(1);
      expect(telemetry.spans()).toHaveLength(1);
    } finally {
      stop();
      metrics.disable();
      trace.disable();
    }
  });

  it('does no harm without an SDK', async () => {
    const stop = instrument();
    await createApi(await createEndpoint(active()))
      .get('a')
      .expect(200);
    stop();
  });

  it('names the package as what measures', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const endpoint = await createEndpoint(active());
    await createApi(endpoint).get('a').expect(200);
    expect(telemetry.spans()[0]?.instrumentationScope.name).toBe('express-token-introspection');
  });

  it('describes each metric, and gives it a unit', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    await createApi(await createEndpoint(active())).get('a');
    const all = Object.values(await telemetry.metrics());
    expect(all.length).toBeGreaterThan(3);
    expect(all.filter(({ description, unit }) => description === '' || unit === '')).toEqual([]);
  });
});

describe('what instrument() returns', () => {
  it('stops everything: no channel is watched, nothing is counted, traced or observed', async () => {
    const telemetry = createTelemetry();
    const api = createApi(await createEndpoint(active()));
    const stats = jest.spyOn(api.authenticate, 'stats');
    const stop = instrumented(telemetry, { middlewares: { api: api.authenticate } });
    expect(watched().length).toBeGreaterThan(4);
    await api.get('a').expect(200);
    await telemetry.metrics();
    expect(stats).toHaveBeenCalledTimes(1);
    stop();
    expect(watched()).toEqual([]);
    await api.get('b').expect(200);
    expect(await decisions(telemetry)).toBe(1);
    expect(telemetry.spans()).toHaveLength(1);
    expect(stats).toHaveBeenCalledTimes(1);
  });

  it('may be called twice, and while a call is under way', async () => {
    const telemetry = createTelemetry();
    const stop = instrumented(telemetry);
    const endpoint = await createEndpoint(async () => {
      stop();
      stop();
      return active();
    });
    await createApi(endpoint).get('a').expect(200);
    expect(telemetry.spans()).toEqual([]);
    expect(await telemetry.points('token_introspection.endpoint.duration')).toEqual([]);
  });

  it('leaves calls alone that began before it was there', async () => {
    const telemetry = createTelemetry();
    const onlyTracing = createTelemetry();
    instrumented(onlyTracing);
    const endpoint = await createEndpoint(() => {
      instrumented(telemetry);
      return active();
    });
    await createApi(endpoint).get('a').expect(200);
    expect(telemetry.spans()).toEqual([]);
    expect(await telemetry.points('token_introspection.endpoint.duration')).toEqual([]);
    expect(onlyTracing.spans()).toHaveLength(1);
  });
});

describe('two calls of instrument()', () => {
  it('feed each its own providers, and end each on its own', async () => {
    const [first, second] = [createTelemetry(), createTelemetry()];
    const stopFirst = instrumented(first);
    instrumented(second);
    const api = createApi(await createEndpoint(active()));
    await api.get('a').expect(200);
    stopFirst();
    await api.get('b').expect(200);
    expect([await decisions(first), await decisions(second)]).toEqual([1, 2]);
    expect([first.spans().length, second.spans().length]).toEqual([1, 2]);
  });

  it('count twice where they have the same', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    instrumented(telemetry);
    await createApi(await createEndpoint(active())).get('a');
    expect(await decisions(telemetry)).toBe(2);
  });
});

describe('nothing secret is exported', () => {
  const MARK = 'LEAK';
  const CREDENTIALS = Buffer.from('api:secret').toString('base64');

  it.each<[string, Script]>([
    ['a good answer', active({ sub: MARK, scope: MARK, aud: MARK, iss: MARK, username: MARK })],
    ['an inactive one', { active: false, sub: MARK }],
    ['an error with a text', (_asked, res) => json(res, { error: MARK, error_description: MARK }, 400)],
    ['a refusal', (_asked, res) => json(res, { error: MARK }, 401)],
    ['a page', (_asked, res) => res.writeHead(200, { 'content-type': 'text/html', 'x-as': MARK }).end(MARK)],
    ['a redirect', (_asked, res) => res.writeHead(307, { location: `http://${MARK}.test/` }).end()],
    ['a reset', (_asked, res) => void res.destroy()],
    ['a status line that is none', (_asked, res) => void res.socket?.end(`HTTP/1.1 ${MARK}\r\n\r\n`)],
    ['an answer that breaks off', (_asked, res) => void res.writeHead(200).write(MARK, () => res.destroy())],
  ])('about %s', async (_title, script) => {
    jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const telemetry = createTelemetry();
    const endpoint = await createEndpoint(
      typeof script === 'function' ? async (...of) => void (await script(...of)) : script,
    );
    const url = `${endpoint.url}?tenant=${MARK}`;
    const api = createApi({ url }, { audience: false }, requireScope('read'));
    instrumented(telemetry, { middlewares: { api: api.authenticate } });
    await api.get(`${MARK}-token`);
    await api.get(`${MARK} not a token`);
    const text = await exported(telemetry);
    expect(text).toContain('token_introspection.decisions');
    expect(text).toContain('token introspection');
    for (const secret of [MARK, CREDENTIALS, 'tenant']) expect(text).not.toContain(secret);
  });

  it('and no digest of a token, which would be another series for each', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const api = createApi(await createEndpoint(active()));
    for (let i = 0; i < 20; i++) await api.get(`token-${i}`).expect(200);
    expect(await telemetry.points('token_introspection.decisions')).toHaveLength(1);
    expect(await telemetry.points('token_introspection.endpoint.duration')).toHaveLength(1);
  });
});

describe('nothing is kept alive', () => {
  it('by a call that has ended, and by what has been stopped', async () => {
    const telemetry = createTelemetry();
    const collected: string[] = [];
    const registry = new FinalizationRegistry<string>((what) => collected.push(what));
    const watch = async () => {
      const middleware = {
        stats: () => ({ hits: 0, misses: 0, coalesced: 0, stale: 0, endpointCalls: 0, entries: 0 }),
      };
      registry.register(middleware, 'middleware');
      const { meterProvider, tracerProvider } = telemetry;
      const stop = instrument({ meterProvider, tracerProvider, middlewares: { api: middleware } });
      channel(`tracing:${CHANNELS.endpoint}:start`).subscribe(function once(call) {
        registry.register(call as object, 'call');
        channel(`tracing:${CHANNELS.endpoint}:start`).unsubscribe(once);
      });
      await createApi(await createEndpoint(active()))
        .get('a')
        .expect(200);
      await telemetry.metrics();
      stop();
    };
    await watch();
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    await until(() => {
      collectGarbage();
      return collected.length === 2;
    });
    expect(collected.sort()).toEqual(['call', 'middleware']);
  });
});

describe('wrong options', () => {
  it.each<[string, unknown, string]>([
    ['an unknown one', { middleware: {} }, 'Option "middleware" is an object'],
    ['a meter provider that is none', { meterProvider: {} }, 'Option "meterProvider" is an object'],
    ['a tracer provider that is none', { tracerProvider: null }, 'Option "tracerProvider" is null'],
    ['a middleware instead of some by name', { middlewares: () => {} }, 'Option "middlewares" is a function'],
    ['no middlewares', { middlewares: null }, 'Option "middlewares" is null'],
    ['what is no middleware', { middlewares: { api: undefined } }, 'Option "middlewares" is an object'],
  ])('are refused at once: %s', (_title, options, message) => {
    expect(() => instrument(options as InstrumentOptions)).toThrow(TypeError);
    expect(() => instrument(options as InstrumentOptions)).toThrow(message);
    expect(watched()).toEqual([]);
  });
});
