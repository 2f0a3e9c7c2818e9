import { channel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import {
  CHANNELS,
  cacheEvents,
  circuitEvents,
  decisions,
  digestOf,
  endpointCalls,
  isTraced,
  misconfigurations,
} from '../../lib/diagnostics/channels.js';
import { type TokenIntrospectionOptions, tokenIntrospection } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { recordAttempts, recordEvents } from '../support/channels.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { recordWarnings } from '../support/warnings.js';

const DIGEST = expect.stringMatching(/^[\w-]{12}$/);

/** The trace events of one request. */
async function traced(script: Script, options: Partial<TokenIntrospectionOptions> = {}) {
  recordWarnings();
  const attempts = recordAttempts();
  const endpoint = await createEndpoint(script);
  await createApi({ url: `${endpoint.url}?tenant=a` }, options).get('good');
  return { attempts, url: endpoint.url };
}

describe('the diagnostics channels', () => {
  it('keep their names, because subscribers rely on them', () => {
    expect(CHANNELS).toEqual({
      decision: 'express-token-introspection:decision',
      cache: 'express-token-introspection:cache',
      store: 'express-token-introspection:store',
      circuit: 'express-token-introspection:circuit',
      misconfiguration: 'express-token-introspection:misconfiguration',
      signal: 'express-token-introspection:signal',
      jwt: 'express-token-introspection:jwt',
      endpoint: 'express-token-introspection:endpoint',
    });
  });

  it('identify a token by the first 12 characters of its digest', () => {
    expect(digestOf('abcdefghijklmnop')).toBe('abcdefghijkl');
  });

  it('publish nothing without subscribers', async () => {
    recordWarnings();
    const spies = [decisions, cacheEvents, circuitEvents, misconfigurations].map((published) =>
      jest.spyOn(published, 'publish'),
    );
    const trace = jest.spyOn(endpointCalls.start, 'runStores');
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    await api.get('good').expect(200);
    await api.get('good').expect(200);
    endpoint.script = (_asked, res) => json(res, {}, 403);
    await api.get('a').expect(503);
    endpoint.script = (_asked, res) => json(res, {}, 429);
    await api.get('b').expect(503);
    for (const spy of [...spies, trace]) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it.each(['start', 'end', 'asyncStart', 'asyncEnd', 'error'])('are traced for a subscriber of only %s', (part) => {
    expect(isTraced()).toBe(false);
    const listener = () => {};
    const listened = channel(`tracing:${CHANNELS.endpoint}:${part}`);
    listened.subscribe(listener);
    expect(isTraced()).toBe(true);
    listened.unsubscribe(listener);
    expect(isTraced()).toBe(false);
  });
});

describe('the trace of an attempt at the endpoint', () => {
  it('has the endpoint, the token digest and the status', async () => {
    const { attempts, url } = await traced(active());
    const call = { endpoint: url, attempt: 1, background: false, tokenDigest: DIGEST };
    expect(attempts).toEqual([
      { event: 'start', context: call },
      { event: 'end', context: call },
      { event: 'asyncStart', context: { ...call, status: 200, result: undefined } },
      { event: 'asyncEnd', context: { ...call, status: 200, result: undefined } },
    ]);
  });

  it('is separate for the retry', async () => {
    let asked = 0;
    const { attempts } = await traced((_asked, res) => (asked++ === 0 ? void json(res, {}, 503) : active()));
    const ends = attempts.filter(({ event }) => event === 'asyncEnd').map(({ context }) => context);
    expect(ends.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 503],
      [2, 200],
    ]);
  });

  it.each<[string, Script, number]>([
    ['an inactive token', { active: false }, 200],
    ['a server error', (_asked, res) => json(res, {}, 500), 500],
    ['rejected credentials', (_asked, res) => json(res, {}, 401), 401],
  ])('has the status of %s, and no error', async (_, script, status) => {
    const { attempts } = await traced(script);
    expect(attempts.at(-1)?.context.status).toBe(status);
    expect(attempts.filter(({ event }) => event === 'error')).toEqual([]);
  });

  it('has the code of a failure, but not its text', async () => {
    const request = async () => {
      throw Object.assign(new Error('hush'), { code: 'CERT_HAS_EXPIRED', hush: 'hush' });
    };
    const { attempts } = await traced(active(), { dispatcher: { request } });
    const [failed] = attempts.filter(({ event }) => event === 'error');
    expect(failed?.context.error).toMatchObject({ code: 'unreachable', detail: 'CERT_HAS_EXPIRED' });
    expect(inspect(attempts, { depth: 10, showHidden: true })).not.toContain('hush');
  });

  it('does not change the response when a subscriber changes the context', async () => {
    const vandal = jest.fn((context: unknown) => {
      Object.assign(context as object, { status: 500, endpoint: 'x', result: 'x', error: new Error('x'), attempt: 9 });
    });
    const parts = ['start', 'end', 'asyncStart', 'asyncEnd'].map((part) =>
      channel(`tracing:${CHANNELS.endpoint}:${part}`),
    );
    for (const part of parts) part.subscribe(vandal);
    try {
      const endpoint = await createEndpoint(active());
      await createApi(endpoint).get('good').expect(200);
      endpoint.script = { active: false };
      await createApi(endpoint).get('bad').expect(401);
    } finally {
      for (const part of parts) part.unsubscribe(vandal);
    }
    expect(vandal).toHaveBeenCalledTimes(2 * parts.length);
  });

  it('does not change the response when there is a subscriber', async () => {
    const scripts: Script[] = [active(), { active: false }, (_asked, res) => void res.destroy()];
    const endpoints = await Promise.all(scripts.map((script) => createEndpoint(script)));
    const responses = async () => {
      const received = await Promise.all(endpoints.map((endpoint) => createApi(endpoint).get('good')));
      return received.map(({ status, body }) => [status, body]);
    };
    expect(isTraced()).toBe(false);
    const untraced = await responses();
    const attempts = recordAttempts();
    expect(await responses()).toEqual(untraced);
    expect(untraced.map(([status]) => status)).toEqual([200, 401, 503]);
    expect(attempts.length).toBeGreaterThanOrEqual(scripts.length);
  });
});

describe('a misconfiguration', () => {
  it('is published and warned of once for each middleware and code', async () => {
    const warnings = recordWarnings();
    const events = recordEvents('misconfiguration');
    const endpoint = await createEndpoint((_asked, res) => json(res, {}, 401));
    const api = createApi(endpoint);
    for (const token of ['a', 'b']) await api.get(token).expect(503);
    endpoint.script = (_asked, res) => void res.writeHead(200, { 'content-type': 'text/html' }).end('<p>Sign in');
    for (const token of ['a', 'b']) await api.get(token).expect(503);
    expect(events.map(({ code, detail }) => [code, detail])).toEqual([
      ['CLIENT_REJECTED', 'HTTP 401'],
      ['NOT_AN_ENDPOINT', 'media type'],
    ]);
    expect(warnings.map(({ text }) => text)).toEqual(events.map(({ remedy }) => remedy));
  });

  it('is published when 100 tokens are all inactive', async () => {
    recordWarnings();
    const events = recordEvents('misconfiguration');
    const { introspect, close } = tokenIntrospection({
      endpoint: (await createEndpoint({ active: false })).url,
      clientAuth: { identity: 'x', sign() {} },
      audience: false,
    });
    const asked = Array.from({ length: 100 }, (_, index) => introspect(`token${index}`).catch(() => {}));
    await Promise.all(asked);
    await close();
    expect(events).toEqual([{ code: 'ALL_INACTIVE', remedy: expect.any(String) }]);
  });

  it('is not published by verifyConfiguration(), whose token is inactive at every endpoint', async () => {
    recordWarnings();
    const events = recordEvents('misconfiguration');
    const { authenticate } = createApi(await createEndpoint({ active: false }));
    for (let check = 0; check < 100; check++) await authenticate.verifyConfiguration();
    expect(events).toEqual([]);
  });
});
