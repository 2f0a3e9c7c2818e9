import { tracingChannel } from 'node:diagnostics_channel';
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { RequestHandler } from 'express';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint, json } from '../support/endpoint.js';
import { createTelemetry, instrumented, manageContexts, type Telemetry } from '../support/telemetry.js';
import { until } from '../support/until.js';

const ENDPOINT = 'https://as.example.com/introspect';

afterEach(() => {
  jest.restoreAllMocks();
});

/** Runs each request in its own span, like an instrumentation of HTTP servers. */
function serverSpans({ tracerProvider }: Telemetry): RequestHandler {
  const tracer = tracerProvider.getTracer('server');
  return (_req, res, next) => {
    const span = tracer.startSpan('GET /');
    res.on('finish', () => span.end());
    context.with(trace.setSpan(ROOT_CONTEXT, span), next);
  };
}

/** Starts a span for each request, like an instrumentation of HTTP clients, and fails. */
function tracingDispatcher({ tracerProvider }: Telemetry, code: string) {
  const tracer = tracerProvider.getTracer('client');
  return {
    async request() {
      await Promise.resolve();
      tracer.startSpan('POST').end();
      throw Object.assign(new Error('no connection'), { code });
    },
  };
}

describe('the span of an attempt', () => {
  it('is a CLIENT span with the attributes of the HTTP conventions', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const endpoint = await createEndpoint(active());
    await createAuthenticate({ url: `${endpoint.url}?tenant=t` }).introspect('a');
    const [span, ...others] = telemetry.spans();
    expect(others).toEqual([]);
    expect(span).toMatchObject({
      name: 'token introspection',
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
    });
    expect(span?.attributes).toStrictEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(endpoint.url).port),
      'token_introspection.background': false,
      'url.full': endpoint.url,
    });
  });

  it('is a child of the request’s span, and the parent of the HTTP client’s span', async () => {
    manageContexts();
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const authenticate = createAuthenticate(
      { url: ENDPOINT },
      { dispatcher: tracingDispatcher(telemetry, 'ECONNABORTED') },
    );
    await get(createApp(serverSpans(telemetry), authenticate), 'a').expect(503);
    await until(() => telemetry.spans().length === 3);
    const [client, attempt, server] = telemetry.spans();
    expect([client?.name, attempt?.name, server?.name]).toEqual(['POST', 'token introspection', 'GET /']);
    expect(client?.parentSpanContext?.spanId).toBe(attempt?.spanContext().spanId);
    expect(attempt?.parentSpanContext?.spanId).toBe(server?.spanContext().spanId);
    expect(new Set(telemetry.spans().map((span) => span.spanContext().traceId)).size).toBe(1);
  });

  it('exists for each attempt, and a retry has its count', async () => {
    manageContexts();
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const authenticate = createAuthenticate(
      { url: ENDPOINT },
      { dispatcher: tracingDispatcher(telemetry, 'ECONNREFUSED') },
    );
    await get(createApp(serverSpans(telemetry), authenticate), 'a').expect(503);
    await until(() => telemetry.spans().length === 5);
    const [first, second] = telemetry.spans().filter(({ name }) => name === 'token introspection');
    const server = telemetry.spans().find(({ name }) => name === 'GET /');
    expect(first?.attributes).not.toHaveProperty(['http.request.resend_count']);
    expect(second?.attributes).toMatchObject({ 'http.request.resend_count': 1 });
    for (const attempt of [first, second]) {
      expect(attempt?.parentSpanContext?.spanId).toBe(server?.spanContext().spanId);
    }
  });

  it('does not exist for a cache hit', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const authenticate = createAuthenticate(await createEndpoint(active()));
    await authenticate.introspect('a');
    await authenticate.introspect('a');
    expect(telemetry.spans()).toHaveLength(1);
  });

  it('marks an early refresh as background', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.001);
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const clock = createClock();
    const endpoint = await createEndpoint({ active: true });
    const authenticate = createAuthenticate(endpoint, { clock, cache: { ttlSeconds: 100, refreshAhead: true } });
    await authenticate.introspect('a');
    clock.advance(99);
    await authenticate.introspect('a');
    await until(() => telemetry.spans().length === 2);
    expect(telemetry.spans().map(({ attributes }) => attributes['token_introspection.background'])).toEqual([
      false,
      true,
    ]);
  });

  it.each([500, 401, 404, 302])('is an error when the endpoint responds with %i', async (status) => {
    jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const authenticate = createAuthenticate(await createEndpoint((_asked, res) => json(res, {}, status)));
    await expect(authenticate.introspect('a')).rejects.toThrow();
    const [span] = telemetry.spans();
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(span?.attributes).toMatchObject({ 'error.type': String(status), 'http.response.status_code': status });
  });

  it('is an error with a code when there is no response', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const authenticate = createAuthenticate({ url: 'http://127.0.0.1:1/introspect' });
    await expect(authenticate.introspect('a')).rejects.toThrow();
    const spans = telemetry.spans();
    expect(spans.map(({ status }) => status)).toEqual([
      { code: SpanStatusCode.ERROR, message: 'ECONNREFUSED' },
      { code: SpanStatusCode.ERROR, message: 'ECONNREFUSED' },
    ]);
    expect(spans[0]?.attributes).toMatchObject({ 'error.type': 'unreachable' });
    expect(spans[0]?.attributes).not.toHaveProperty(['http.response.status_code']);
  });

  it('is an error without a text for an error that is not an IntrospectionError', async () => {
    const telemetry = createTelemetry();
    instrumented(telemetry);
    const call = { endpoint: ENDPOINT, attempt: 1, background: false, tokenDigest: 'abcdefghijkl' };
    const failing = tracingChannel<unknown, typeof call>('express-token-introspection:endpoint').tracePromise(
      () => Promise.reject(new Error('secret')),
      call,
    );
    await expect(failing).rejects.toThrow();
    const [span] = telemetry.spans();
    expect([span?.attributes['error.type'], span?.status]).toEqual(['_OTHER', { code: SpanStatusCode.ERROR }]);
  });
});
