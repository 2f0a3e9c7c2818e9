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

/** Everything that is exported to a backend. */
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
  it('subscribes only when it is called, not when it is imported', () => {
    expect(watched()).toEqual([]);
  });

  it('uses the global providers by default', async () => {
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

  it('changes nothing without an SDK', async () => {
    const stop = instrument();
    await createApi(await createEndpoint(active()))
      .get('a')
      .expect(200);
    stop();
  });

  it('names the package as the instrumentation scope', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const endpoint = await createEndpoint(active());
    await createApi(endpoint).get('a').expect(200);
    expect(telemetry.spans()[0]?.instrumentationScope.name).toBe('express-token-introspection');
  });

  it('gives each metric a description and a unit', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    await createApi(await createEndpoint(active())).get('a');
    const all = Object.values(await telemetry.metrics());
    expect(all.length).toBeGreaterThan(3);
    expect(all.filter(({ description, unit }) => description === '' || unit === '')).toEqual([]);
  });
});

describe('the function that instrument() returns', () => {
  it('stops all counting, tracing and observing', async () => {
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

  it('may be called twice, and during a call of the endpoint', async () => {
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

  it('ignores calls that began before instrument()', async () => {
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
  it('use their own providers and stop separately', async () => {
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

  it('count everything twice with the same provider', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    instrumented(telemetry);
    await createApi(await createEndpoint(active())).get('a');
    expect(await decisions(telemetry)).toBe(2);
  });
});

describe('exported data', () => {
  const LEAK = 'LEAK';
  const CREDENTIALS = Buffer.from('api:secret').toString('base64');

  it.each<[string, Script]>([
    ['an active response', active({ sub: LEAK, scope: LEAK, aud: LEAK, iss: LEAK, username: LEAK })],
    ['an inactive response', { active: false, sub: LEAK }],
    ['an error with a text', (_asked, res) => json(res, { error: LEAK, error_description: LEAK }, 400)],
    ['rejected credentials', (_asked, res) => json(res, { error: LEAK }, 401)],
    ['a page', (_asked, res) => res.writeHead(200, { 'content-type': 'text/html', 'x-as': LEAK }).end(LEAK)],
    ['a redirect', (_asked, res) => res.writeHead(307, { location: `http://${LEAK}.test/` }).end()],
    ['a reset', (_asked, res) => void res.destroy()],
    ['an invalid status line', (_asked, res) => void res.socket?.end(`HTTP/1.1 ${LEAK}\r\n\r\n`)],
    ['a response that breaks off', (_asked, res) => void res.writeHead(200).write(LEAK, () => res.destroy())],
  ])('holds no secret after %s', async (_title, script) => {
    jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const telemetry = createTelemetry();
    const endpoint = await createEndpoint(
      typeof script === 'function' ? async (...args) => void (await script(...args)) : script,
    );
    const url = `${endpoint.url}?tenant=${LEAK}`;
    const api = createApi({ url }, { audience: false }, requireScope('read'));
    instrumented(telemetry, { middlewares: { api: api.authenticate } });
    await api.get(`${LEAK}-token`);
    await api.get(`${LEAK} not a token`);
    const text = await exported(telemetry);
    expect(text).toContain('token_introspection.decisions');
    expect(text).toContain('token introspection');
    for (const secret of [LEAK, CREDENTIALS, 'tenant']) expect(text).not.toContain(secret);
  });

  it('holds no token digest, because each would be a series of its own', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const api = createApi(await createEndpoint(active()));
    for (let i = 0; i < 20; i++) await api.get(`token-${i}`).expect(200);
    expect(await telemetry.points('token_introspection.decisions')).toHaveLength(1);
    expect(await telemetry.points('token_introspection.endpoint.duration')).toHaveLength(1);
  });
});

describe('memory', () => {
  it('is released after a call has ended, and after instrument() is stopped', async () => {
    const telemetry = createTelemetry();
    const collected: string[] = [];
    const registry = new FinalizationRegistry<string>((name) => collected.push(name));
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

describe('invalid options', () => {
  it.each<[string, unknown, string]>([
    ['an unknown one', { middleware: {} }, 'Option "middleware" is not known here; did you mean "middlewares"?'],
    ['an invalid meter provider', { meterProvider: {} }, 'Option "meterProvider" is an object'],
    ['an invalid tracer provider', { tracerProvider: null }, 'Option "tracerProvider" is null'],
    ['a middleware without a name', { middlewares: () => {} }, 'Option "middlewares" is a function'],
    ['no middlewares', { middlewares: null }, 'Option "middlewares" is null'],
    ['an undefined middleware', { middlewares: { api: undefined } }, 'Option "middlewares" is an object'],
  ])('throw a TypeError: %s', (_title, options, message) => {
    expect(() => instrument(options as InstrumentOptions)).toThrow(TypeError);
    expect(() => instrument(options as InstrumentOptions)).toThrow(message);
    expect(watched()).toEqual([]);
  });
});
