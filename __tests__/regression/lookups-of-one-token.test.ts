import { requireFresh } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { type Asked, active, createEndpoint, json } from '../support/endpoint.js';
import { serve } from '../support/serve.js';
import { until } from '../support/until.js';

const statusOf = async (url: string, token: string) =>
  (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;

const tokenOf = ({ form }: Asked) => form.get('token');

describe('many requests with one token', () => {
  it('share introspection requests even without a cache lifetime: 50 requests cause at most four', async () => {
    const release = createDeferred();
    const endpoint = await createEndpoint(() => release.promise.then(() => active()));
    let now = 0;
    const clock = { now: () => Date.now(), monotonic: () => now++ };
    const authenticate = createAuthenticate(endpoint, { clock, timeoutMs: 20_000, cache: { ttlSeconds: 0 } });
    const { url } = await serve(createApp(authenticate).app);
    const statuses = Promise.all(Array.from({ length: 50 }, () => statusOf(url, 'one')));
    await until(() => authenticate.stats().misses === 50);
    release.resolve();
    expect(await statuses).toEqual(Array(50).fill(200));
    expect(endpoint.asked.length).toBeLessThanOrEqual(4);
  });

  it('that each require a fresh response do not delay those with other tokens', async () => {
    let isHanging = false;
    const endpoint = await createEndpoint((asked, res) =>
      isHanging && tokenOf(asked) === 'one' ? undefined : json(res, active()),
    );
    const authenticate = createAuthenticate(endpoint, { timeoutMs: 1000 });
    const { url } = await serve(createApp(authenticate, requireFresh({ maxAgeSeconds: 0 })).app);
    expect(await statusOf(url, 'one')).toBe(200);
    isHanging = true;
    const before = endpoint.asked.length;
    const held = Array.from({ length: 50 }, () => statusOf(url, 'one'));
    await until(() => endpoint.asked.length > before);
    expect(await statusOf(url, 'other')).toBe(200);
    const asked = endpoint.asked.slice(before);
    expect(asked.filter((request) => tokenOf(request) === 'one').length).toBeLessThanOrEqual(2);
    expect(new Set(await Promise.all(held))).toEqual(new Set([503]));
  });

  it('that wait for one another end at their own deadline', async () => {
    const endpoint = await createEndpoint(() => undefined);
    let now = 0;
    const start = performance.now();
    const clock = { now: () => Date.now(), monotonic: () => performance.now() - start + now++ * 1e-6 };
    const authenticate = createAuthenticate(endpoint, { clock, timeoutMs: 500, cache: { ttlSeconds: 0 } });
    const codes = await Promise.all(
      Array.from({ length: 10 }, () => authenticate.introspect('one').catch((error: { code?: unknown }) => error.code)),
    );
    expect(performance.now() - start).toBeLessThan(950);
    expect(new Set(codes)).toEqual(new Set(['timeout', 'overloaded']));
  });

  it('all succeed when the middleware is closed while they wait', async () => {
    const release = createDeferred();
    const endpoint = await createEndpoint(() => release.promise.then(() => active()));
    let now = 0;
    const clock = { now: () => Date.now(), monotonic: () => now++ };
    const authenticate = createAuthenticate(endpoint, { clock, timeoutMs: 20_000, cache: { ttlSeconds: 0 } });
    const introspecting = Array.from({ length: 6 }, () => authenticate.introspect('one').then(({ active }) => active));
    await until(() => endpoint.asked.length === 2);
    const closing = authenticate.close();
    release.resolve();
    expect(await Promise.all(introspecting)).toEqual(Array(6).fill(true));
    await closing;
  });
});

describe('another token with the jti of a revoked token', () => {
  /** Two tokens with one `jti`, like two encodings of a JWT. */
  async function create() {
    let isRevoked = false;
    const endpoint = await createEndpoint(() => (isRevoked ? { active: false } : active({ jti: 'j1' })));
    const api = createApi(endpoint, { cache: { ttlSeconds: 3600, refreshAhead: false } });
    const { url } = await serve(createApp(api.authenticate, requireFresh({ maxAgeSeconds: 0 })).app);
    return { api, endpoint, fresh: url, revoke: () => (isRevoked = true) };
  }

  it('is removed from the cache when the first one is found inactive', async () => {
    const { api, fresh, revoke } = await create();
    await api.get('a').expect(200);
    await api.get('b').expect(200);
    revoke();
    expect(await statusOf(fresh, 'a')).toBe(401);
    await api.get('b').expect(401);
  });

  it('is removed by invalidate({ token }), although the token was introspected after its revocation', async () => {
    const { api, fresh, revoke } = await create();
    await api.get('a').expect(200);
    revoke();
    expect(await statusOf(fresh, 'a')).toBe(401);
    await api.authenticate.invalidate({ token: 'a' });
    await api.get('b').expect(401);
  });

  it('is removed when the token is being introspected during invalidate({ token })', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(async (asked) => {
      if (tokenOf(asked) === 'a') await reply.promise;
      return active({ jti: 'j1' });
    });
    const api = createApi(endpoint, { cache: { ttlSeconds: 3600, refreshAhead: false } });
    await api.get('b').expect(200);
    const { url } = await serve(api.app);
    const first = statusOf(url, 'a');
    await until(() => endpoint.asked.length === 2);
    await api.authenticate.invalidate({ token: 'a' });
    endpoint.script = { active: false };
    reply.resolve();
    expect(await first).toBe(200);
    await api.get('b').expect(401);
  });
});

describe('an expired token', () => {
  it('is no known token: it is not introspected again and again while the endpoint fails for it', async () => {
    const clock = createClock(Date.now() / 1000);
    const endpoint = await createEndpoint(active({ exp: Math.floor(Date.now() / 1000) + 60 }));
    const api = createApi(endpoint, { clock });
    await api.get('old').expect(200);
    clock.advance(120);
    endpoint.script = (asked, res) => (tokenOf(asked) === 'old' ? json(res, {}, 500) : json(res, active()));
    for (let request = 0; request < 20; request++) await api.get('old').expect(503);
    expect(endpoint.asked.filter((asked) => tokenOf(asked) === 'old').length).toBe(1 + 2);
  });
});
