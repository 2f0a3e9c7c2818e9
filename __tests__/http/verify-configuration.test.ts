import { inspect } from 'node:util';
import { type ClientAuth, type ConfigurationReport, clientSecretBasic, tlsClientAuth } from '../../lib/index.js';
import { createAuthenticate } from '../support/api.js';
import { EXPIRED_CLIENT } from '../support/certificate.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { until } from '../support/until.js';
import { recordWarnings } from '../support/warnings.js';

const SECRET = 'hush-hush';

beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

afterEach(() => jest.restoreAllMocks());

async function reportOf(script: Script, options: Parameters<typeof createAuthenticate>[1] = {}) {
  const endpoint = await createEndpoint(script);
  const authenticate = createAuthenticate(endpoint, { clientAuth: clientSecretBasic('api', SECRET), ...options });
  return { endpoint, authenticate, report: await authenticate.verifyConfiguration() };
}

/** Report of a configuration whose endpoint sends this status and body. */
const status = (code: number, body: object = {}, headers: Record<string, string> = {}): Script => {
  return (_asked, res) => {
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    json(res, body, code);
  };
};

describe('verifyConfiguration with a working configuration', () => {
  it('introspects a random token and reports what it found', async () => {
    const { endpoint, report } = await reportOf({ active: false });
    expect(report).toEqual({
      ok: true,
      endpoint: endpoint.url,
      reachable: true,
      credentialsAccepted: true,
      wellFormed: true,
      latencyMs: expect.any(Number),
      methodsSupported: undefined,
      problem: undefined,
      warnings: [],
    });
    expect(endpoint.asked).toHaveLength(1);
    expect(endpoint.asked[0]?.form.get('token')).toMatch(/^[\w-]{43}$/);
  });

  it('uses another token each time and stores nothing in the cache', async () => {
    const { endpoint, authenticate } = await reportOf({ active: false });
    await authenticate.verifyConfiguration();
    expect(new Set(endpoint.asked.map(({ form }) => form.get('token'))).size).toBe(2);
    expect(authenticate.stats()).toEqual({ hits: 0, misses: 0, coalesced: 0, stale: 0, endpointCalls: 2, entries: 0 });
  });

  it('reports the latency by the monotonic clock', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(() => {
      clock.advance(1.5);
      clock.step(-100);
      return { active: false };
    });
    expect((await createAuthenticate(endpoint, { clock }).verifyConfiguration()).latencyMs).toBe(1500);
  });

  it('accepts a response that the token type is not supported', async () => {
    const { report } = await reportOf(status(400, { error: 'unsupported_token_type' }));
    expect(report.ok).toBe(true);
  });

  it('omits the query of the endpoint, which may hold secrets', async () => {
    const endpoint = await createEndpoint({ active: false });
    const authenticate = createAuthenticate({ url: `${endpoint.url}?key=${SECRET}` });
    expect((await authenticate.verifyConfiguration()).endpoint).toBe(endpoint.url);
  });

  it('warns of an http endpoint on another host', async () => {
    const request = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));
    const authenticate = createAuthenticate(
      { url: 'http://as.internal/introspect' },
      { dangerouslyAllowHttp: true, dispatcher: { request } },
    );
    const { warnings } = await authenticate.verifyConfiguration();
    expect(warnings).toEqual([expect.stringContaining('unencrypted')]);
  });

  it('lists the advertised methods and warns when ours is not among them', async () => {
    const endpoint = await createEndpoint(({ method }) => {
      const issuer = new URL(endpoint.url).origin;
      const methods = ['private_key_jwt'];
      return method === 'POST'
        ? { active: false }
        : { issuer, introspection_endpoint: endpoint.url, introspection_endpoint_auth_methods_supported: methods };
    });
    const authorizationServer = new URL(endpoint.url).origin;
    const authenticate = createAuthenticate({ url: '' }, { endpoint: undefined, authorizationServer });
    expect(await authenticate.verifyConfiguration()).toMatchObject({
      ok: true,
      endpoint: endpoint.url,
      methodsSupported: ['private_key_jwt'],
      warnings: ['The metadata do not list client_secret_basic among the methods that the endpoint accepts.'],
    });
  });
});

describe('verifyConfiguration with a broken configuration', () => {
  type Learned = Partial<Pick<ConfigurationReport, 'reachable' | 'credentialsAccepted' | 'wellFormed'>>;

  const failing = (sign: ClientAuth['sign']) => ({ clientAuth: { identity: 'own', sign } });

  it.each<[string, Script, object, Learned, string, string | undefined, string]>([
    [
      'a wrong secret',
      status(401),
      {},
      { reachable: true, credentialsAccepted: false },
      'client_rejected',
      'HTTP 401',
      'method',
    ],
    [
      'no right to ask',
      status(403),
      {},
      { reachable: true, credentialsAccepted: false },
      'client_rejected',
      'HTTP 403',
      'Allow the client',
    ],
    [
      'an introspection request that it does not understand',
      status(400, { error: 'invalid_request' }),
      {},
      { reachable: true, credentialsAccepted: false },
      'client_rejected',
      'HTTP 400',
      'parameters',
    ],
    ['a wrong path', status(404), {}, { reachable: true, wellFormed: false }, 'bad_response', 'HTTP 404', 'path'],
    ['a redirect', status(308), {}, { reachable: true, wellFormed: false }, 'bad_response', 'HTTP 308', 'final URL'],
    [
      'a page',
      (_asked, res) => void res.writeHead(200, { 'content-type': 'text/html' }).end(SECRET),
      {},
      { reachable: true, wellFormed: false },
      'bad_response',
      'media type',
      'page',
    ],
    [
      'another kind of JSON',
      { ok: true },
      {},
      { reachable: true, wellFormed: false },
      'bad_response',
      'member active',
      'preset',
    ],
    ['its own failure', status(500), {}, { reachable: true }, 'server_error', 'HTTP 500', 'log'],
    [
      'too many introspection requests',
      status(429),
      {},
      { reachable: true },
      'rate_limited',
      'HTTP 429',
      'fewer requests',
    ],
    [
      'silence',
      () => new Promise(() => {}),
      { timeoutMs: 50 },
      { reachable: false },
      'timeout',
      undefined,
      'timeoutMs',
    ],
    [
      'a vault that fails',
      {},
      failing(() => Promise.reject(new Error(SECRET))),
      {},
      'credentials_unavailable',
      undefined,
      'function',
    ],
    [
      'metadata elsewhere',
      status(404),
      { endpoint: undefined, authorizationServer: 'http://127.0.0.1:9' },
      {},
      'discovery_failed',
      'ECONNREFUSED',
      'issuer',
    ],
  ])('reports the problem and its remedy: %s', async (_, script, options, learned, code, detail, remedy) => {
    const { report } = await reportOf(script, options);
    const unknown = { reachable: undefined, credentialsAccepted: undefined, wellFormed: undefined };
    expect(report).toMatchObject({ ok: false, latencyMs: undefined, ...unknown, ...learned });
    expect(report.problem).toEqual({ code, detail, remedy: expect.stringContaining(remedy) });
    expect(inspect(report)).not.toContain(SECRET);
  });

  it('reports an endpoint that is not running', async () => {
    const endpoint = await createEndpoint({});
    await endpoint.close();
    const report = await createAuthenticate(endpoint).verifyConfiguration();
    expect(report).toMatchObject({ ok: false, reachable: false, endpoint: endpoint.url });
    expect(report.problem).toMatchObject({ code: 'unreachable', detail: 'ECONNREFUSED' });
  });

  it('warns of an expired client certificate', async () => {
    const warnings = recordWarnings();
    const { report } = await reportOf(
      { active: false },
      { clientAuth: tlsClientAuth({ clientId: 'api', ...EXPIRED_CLIENT }) },
    );
    expect(report.warnings).toEqual([expect.stringContaining('The client certificate expired on 2021-01-31.')]);
    expect(warnings.map(({ code }) => code)).toEqual(['CLIENT_CERTIFICATE_EXPIRES']);
  });

  it('does not wait for a certificate that never arrives', async () => {
    const clientAuth = { identity: 'x', sign() {}, connect: () => new Promise<never>(() => {}) };
    const { report } = await reportOf({ active: false }, { clientAuth, timeoutMs: 50 });
    expect([report.ok, report.warnings]).toEqual([false, []]);
  });

  it('reports an endpoint that accepts any token', async () => {
    const { report } = await reportOf(active());
    expect(report).toMatchObject({
      ok: false,
      reachable: true,
      credentialsAccepted: true,
      wellFormed: true,
      problem: { code: 'accepts_any_token', remedy: expect.stringContaining('do not rely on it') },
    });
  });

  it('sends no introspection request when the middleware is closed during discovery', async () => {
    const release = createDeferred();
    const metadata = await createEndpoint(async () => {
      await release.promise;
      return { issuer: new URL(metadata.url).origin, introspection_endpoint: endpoint.url };
    });
    const endpoint = await createEndpoint({ active: false });
    const authorizationServer = new URL(metadata.url).origin;
    const authenticate = createAuthenticate({ url: '' }, { endpoint: undefined, authorizationServer });
    const report = authenticate.verifyConfiguration();
    await until(() => metadata.asked.length === 1);
    const closed = authenticate.close();
    release.resolve();
    await closed;
    expect((await report).problem).toMatchObject({ code: 'closed' });
    expect(endpoint.asked).toEqual([]);
  });

  it('rejects once the middleware is closed', async () => {
    const { authenticate } = await reportOf({ active: false });
    await authenticate.close();
    await expect(authenticate.verifyConfiguration()).rejects.toMatchObject({ code: 'closed' });
  });
});
