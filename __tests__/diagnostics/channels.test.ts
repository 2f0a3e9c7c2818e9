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

/** What is traced of one request. */
async function traced(script: Script, options: Partial<TokenIntrospectionOptions> = {}) {
  recordWarnings();
  const attempts = recordAttempts();
  const endpoint = await createEndpoint(script);
  await createApi({ url: `${endpoint.url}?tenant=a` }, options).get('good');
  return { attempts, url: endpoint.url };
}

describe('the channels', () => {
  it('have names that subscribers can rely on', () => {
    expect(CHANNELS).toEqual({
      decision: 'express-token-introspection:decision',
      cache: 'express-token-introspection:cache',
      store: 'express-token-introspection:store',
      circuit: 'express-token-introspection:circuit',
      misconfiguration: 'express-token-introspection:misconfiguration',
      endpoint: 'express-token-introspection:endpoint',
    });
  });

  it('name tokens by the start of their key', () => {
    expect(digestOf('abcdefghijklmnop')).toBe('abcdefghijkl');
  });

  it('carry nothing while nobody listens', async () => {
    recordWarnings();
    const spies = [decisions, cacheEvents, circuitEvents, misconfigurations].map((each) => jest.spyOn(each, 'publish'));
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

  it.each(['start', 'end', 'asyncStart', 'asyncEnd', 'error'])('are traced for one who listens to %s alone', (part) => {
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
  it('tells where, about which token, and how it was answered', async () => {
    const { attempts, url } = await traced(active());
    const call = { endpoint: url, attempt: 1, background: false, tokenDigest: DIGEST };
    expect(attempts).toEqual([
      { event: 'start', context: call },
      { event: 'end', context: call },
      { event: 'asyncStart', context: { ...call, status: 200, result: undefined } },
      { event: 'asyncEnd', context: { ...call, status: 200, result: undefined } },
    ]);
  });

  it('is one of its own for the retry', async () => {
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
    ['a refusal of our credentials', (_asked, res) => json(res, {}, 401), 401],
  ])('tells the status of %s, which is no error of the attempt', async (_, script, status) => {
    const { attempts } = await traced(script);
    expect(attempts.at(-1)?.context.status).toBe(status);
    expect(attempts.filter(({ event }) => event === 'error')).toEqual([]);
  });

  it('tells a failure by its code, and nothing of its own text', async () => {
    const request = async () => {
      throw Object.assign(new Error('hush'), { code: 'CERT_HAS_EXPIRED', hush: 'hush' });
    };
    const { attempts } = await traced(active(), { dispatcher: { request } });
    const [failed] = attempts.filter(({ event }) => event === 'error');
    expect(failed?.context.error).toMatchObject({ code: 'unreachable', detail: 'CERT_HAS_EXPIRED' });
    expect(inspect(attempts, { depth: 10, showHidden: true })).not.toContain('hush');
  });

  it('does not change what becomes of the request, whatever a subscriber does to the context', async () => {
    const vandal = (context: unknown) => {
      Object.assign(context as object, { status: 500, endpoint: 'x', result: 'x', error: new Error('x'), attempt: 9 });
    };
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
  });

  it('is what it is without a subscriber', async () => {
    const scripts: Script[] = [active(), { active: false }, (_asked, res) => void res.destroy()];
    for (const script of scripts) {
      const endpoint = await createEndpoint(script);
      const untraced = await createApi(endpoint).get('good');
      recordAttempts();
      const watched = await createApi(endpoint).get('good');
      expect([watched.status, watched.body]).toEqual([untraced.status, untraced.body]);
    }
  });
});

describe('a misconfiguration', () => {
  it('is told while requests are answered, once for each middleware and kind', async () => {
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

  it('of a hundred tokens that are all inactive is told', async () => {
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

  it('is not what verifyConfiguration() finds: its token is inactive at every endpoint', async () => {
    recordWarnings();
    const events = recordEvents('misconfiguration');
    const { authenticate } = createApi(await createEndpoint({ active: false }));
    for (let check = 0; check < 100; check++) await authenticate.verifyConfiguration();
    expect(events).toEqual([]);
  });
});
