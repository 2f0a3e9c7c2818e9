import { request as httpRequest } from 'node:http';
import request from 'supertest';
import { type CacheOptions, IntrospectionError } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { INVALID_TOKEN } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, json } from '../support/endpoint.js';
import { serve } from '../support/serve.js';
import { until } from '../support/until.js';

describe('a cached active response', () => {
  it.each<[string, CacheOptions | undefined, number]>([
    ['60 seconds by default', undefined, 60],
    ['ttlSeconds', { ttlSeconds: 10 }, 10],
    ['ttlSeconds: 0, which is not at all', { ttlSeconds: 0 }, 0],
    ['a fraction of a second', { ttlSeconds: 0.5 }, 0.5],
  ])('is used for %s', async (_title, cache, life) => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
    const api = createApi(endpoint, { clock, cache });
    await api.get('good').expect(200);
    clock.advance(life - 0.001);
    await api.get('good').expect(200);
    expect(endpoint.asked).toHaveLength(life === 0 ? 2 : 1);
    clock.advance(0.001);
    await api.get('good').expect(200);
    expect(endpoint.asked).toHaveLength(life === 0 ? 3 : 2);
  });

  it.each<[string, unknown]>([
    ['absent', undefined],
    ['null', null],
    ['in milliseconds', 1_800_003_600_000],
    ['the largest number there is', Number.MAX_VALUE],
  ])('expires after ttlSeconds when exp is %s', async (_title, exp) => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp }));
    const api = createApi(endpoint, { clock, cache: { ttlSeconds: 1 } });
    await api.get('good').expect(200);
    clock.advance(1);
    await api.get('good').expect(200);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('expires at exp, whatever the clock tolerance', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 30 }));
    const api = createApi(endpoint, { clock, clockToleranceSeconds: 300 });
    await api.get('good').expect(200);
    clock.advance(29.999);
    await api.get('good').expect(200);
    expect(endpoint.asked).toHaveLength(1);
    clock.advance(0.001);
    await api.get('good').expect(200);
    await api.get('good').expect(200);
    expect(endpoint.asked).toHaveLength(3);
    endpoint.script = { active: false };
    expect((await api.get('good').expect(401)).headers['www-authenticate']).toBe(INVALID_TOKEN);
  });

  it('leads to 401 once exp and the tolerance have passed', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 30 }));
    const api = createApi(endpoint, { clock, clockToleranceSeconds: 5 });
    clock.advance(34.999);
    await api.get('good').expect(200);
    clock.advance(0.001);
    expect((await api.get('good').expect(401)).headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(api.reached()).toBe(1);
  });

  it('is checked against exp when the request arrives, not when the endpoint was asked', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(() => {
      clock.advance(20);
      return active({ exp: clock.seconds() - 10 });
    });
    const api = createApi(endpoint, { clock });
    await api.get('good').expect(401);
    expect(api.reached()).toBe(0);
  });

  it('expires at exp when the wall clock is set forward', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 600 }));
    const api = createApi(endpoint, { clock });
    await api.get('good').expect(200);
    clock.step(700);
    await api.get('good').expect(401);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('expires no later when the wall clock is set back', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 600 }));
    const api = createApi(endpoint, { clock, cache: { ttlSeconds: 60 } });
    await api.get('good').expect(200);
    clock.step(-3600);
    clock.advance(60);
    await api.get('good').expect(200);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('is looked up again when its age is negative', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 600 }));
    const api = createApi(endpoint, { clock });
    await api.get('good').expect(200);
    clock.advance(-0.5);
    await api.get('good').expect(200);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('ages from the time of the introspection request, not of the response', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(async () => {
      clock.advance(50);
      return active({ exp: undefined });
    });
    const api = createApi(endpoint, { clock, cache: { ttlSeconds: 60 } });
    await api.get('good').expect(200);
    clock.advance(10);
    await api.get('good').expect(200);
    expect(endpoint.asked).toHaveLength(2);
  });
});

describe('a cached inactive response', () => {
  it.each<[string, CacheOptions | undefined, number]>([
    ['5 seconds by default', undefined, 5],
    ['inactiveTtlSeconds', { inactiveTtlSeconds: 2 }, 2],
  ])('is used for %s', async (_title, cache, life) => {
    const clock = createClock();
    const endpoint = await createEndpoint({ active: false });
    const api = createApi(endpoint, { clock, cache });
    await api.get('bad').expect(401);
    clock.advance(life - 0.001);
    expect((await api.get('bad').expect(401)).headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(endpoint.asked).toHaveLength(1);
    clock.advance(0.001);
    await api.get('bad').expect(401);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('is not stored with inactiveTtlSeconds: 0', async () => {
    const endpoint = await createEndpoint({ active: false });
    const api = createApi(endpoint, { cache: { inactiveTtlSeconds: 0 } });
    await api.get('bad').expect(401);
    endpoint.script = active();
    await api.get('bad').expect(200);
  });

  it('evicts no active response even after 5000 invalid tokens, and memory stays bounded', async () => {
    const endpoint = await createEndpoint(({ form }) =>
      form.get('token')?.startsWith('good') ? active() : { active: false },
    );
    const authenticate = createAuthenticate(endpoint, { cache: { maxEntries: 100 } });
    const good = Array.from({ length: 100 }, (_, index) => `good-${index}`);
    for (const token of good) await authenticate.introspect(token);
    const { url } = await serve(createApp(authenticate).app);
    for (let round = 0; round < 100; round++) {
      const bad = Array.from({ length: 50 }, (_, index) => authenticate.introspect(`bad-${round}-${index}`));
      const outcomes = await Promise.allSettled(bad);
      expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
    }
    expect(authenticate.stats().entries).toBeLessThanOrEqual(110);
    const asked = endpoint.asked.length;
    expect(asked).toBe(5100);
    expect(new Set(await Promise.all(good.map((token) => fetchStatus(url, token))))).toEqual(new Set([200]));
    expect(endpoint.asked).toHaveLength(asked);
  });
});

describe('a token in the cache', () => {
  it.each([
    ['its case', 'Token', 'token'],
    ['its last character', 'token', 'toke'],
    ['its padding', 'token', 'token='],
  ])('is a different one when %s differs', async (_title, one, other) => {
    const endpoint = await createEndpoint(({ form }) => active({ sub: form.get('token') }));
    const api = createApi(endpoint);
    for (const token of [one, other, one, other]) {
      expect((await api.get(token).expect(200)).body.auth.sub).toBe(token);
    }
    expect(endpoint.asked).toHaveLength(2);
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString'])(
    'may be named like a member of Object.prototype: %s',
    async (token) => {
      const endpoint = await createEndpoint({ active: false });
      const api = createApi(endpoint);
      await api.get(token).expect(401);
      await api.get(token).expect(401);
      expect(endpoint.asked).toHaveLength(1);
    },
  );
});

describe('concurrent requests', () => {
  it('share one introspection request: 200 clients with one uncached token cause one', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(async () => {
      await reply.promise;
      return active();
    });
    const authenticate = createAuthenticate(endpoint);
    const { url } = await serve(createApp(authenticate).app);
    const statuses = Promise.all(Array.from({ length: 200 }, () => fetchStatus(url, 'cold')));
    await until(() => authenticate.stats().misses === 200);
    reply.resolve();
    expect(await statuses).toEqual(Array(200).fill(200));
    expect(endpoint.asked).toHaveLength(1);
    expect(authenticate.stats()).toEqual({
      hits: 0,
      misses: 200,
      coalesced: 199,
      stale: 0,
      endpointCalls: 1,
      entries: 1,
    });
  });

  it('get claims in objects of their own, which they may edit', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(async () => {
      await reply.promise;
      return active({ sub: 'alice', list: [1] });
    });
    const authenticate = createAuthenticate(endpoint);
    const seen: { sub?: unknown }[] = [];
    const { app } = createApp(authenticate, (req, _res, next) => {
      const { auth } = req as unknown as { auth: { sub: unknown } };
      seen.push({ ...auth });
      auth.sub = 'mallory';
      next();
    });
    const both = Promise.all([get({ app }, 'good').expect(200), get({ app }, 'good').expect(200)]);
    await until(() => authenticate.stats().misses === 2);
    reply.resolve();
    await both;
    await get({ app }, 'good').expect(200);
    expect(seen.map(({ sub }) => sub)).toEqual(['alice', 'alice', 'alice']);
    expect(endpoint.asked).toHaveLength(1);
  });

  it('are answered although the client that came first has disconnected', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(async () => {
      await reply.promise;
      return active();
    });
    const authenticate = createAuthenticate(endpoint);
    const closed = createDeferred();
    const app = createApp((req, _res, next) => {
      if (req.headers['x-leader']) req.socket.on('close', () => closed.resolve());
      next();
    }, authenticate);
    const { url } = await serve(app.app);
    const leader = httpRequest(url, { headers: { authorization: 'Bearer cold', 'x-leader': '1' } });
    leader.on('error', () => {});
    leader.end();
    await until(() => endpoint.asked.length === 1);
    const follower = fetchStatus(url, 'cold');
    await until(() => authenticate.stats().misses === 2);
    leader.destroy();
    await closed.promise;
    reply.resolve();
    expect(await follower).toBe(200);
    expect(await fetchStatus(url, 'cold')).toBe(200);
    expect(endpoint.asked).toHaveLength(1);
    expect(app.errors).toEqual([]);
  });

  it('share a failure, which is not cached', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(async (_asked, res) => {
      await reply.promise;
      json(res, {}, 500);
    });
    const authenticate = createAuthenticate(endpoint);
    const { url } = await serve(createApp(authenticate).app);
    const statuses = Promise.all(Array.from({ length: 20 }, () => fetchStatus(url, 'cold')));
    await until(() => authenticate.stats().misses === 20);
    reply.resolve();
    expect(await statuses).toEqual(Array(20).fill(503));
    expect(endpoint.asked).toHaveLength(1);
    endpoint.script = active();
    expect(await fetchStatus(url, 'cold')).toBe(200);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('with different tokens cause one introspection request each', async () => {
    const endpoint = await createEndpoint(({ form }) => active({ sub: form.get('token') }));
    const { url } = await serve(createApp(createAuthenticate(endpoint)).app);
    const tokens = Array.from({ length: 50 }, (_, index) => `token-${index}`);
    const subjects = tokens.map(async (token) => {
      const response = await request(url).get('/').set('Authorization', `Bearer ${token}`);
      return response.body.auth.sub;
    });
    expect(await Promise.all(subjects)).toEqual(tokens);
    expect(endpoint.asked).toHaveLength(50);
  });
});

describe('invalidate', () => {
  it('makes the next request ask the endpoint again', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    await api.get('good').expect(200);
    await api.get('other').expect(200);
    endpoint.script = { active: false };
    api.authenticate.invalidate({ token: 'good' });
    await api.get('good').expect(401);
    await api.get('other').expect(200);
    expect(endpoint.asked).toHaveLength(3);
  });

  it('removes an inactive response, too', async () => {
    const endpoint = await createEndpoint({ active: false });
    const api = createApi(endpoint);
    await api.get('early').expect(401);
    endpoint.script = active();
    await api.get('early').expect(401);
    api.authenticate.invalidate({ token: 'early' });
    await api.get('early').expect(200);
  });

  it('keeps a response that is on its way from being stored or shared with later requests', async () => {
    const replies = [createDeferred<object>(), createDeferred<object>()];
    let asked = 0;
    const endpoint = await createEndpoint(() => replies[asked++]?.promise);
    const authenticate = createAuthenticate(endpoint);
    const app = createApp(authenticate);
    const { url } = await serve(app.app);
    const before = fetchStatus(url, 'good');
    await until(() => asked === 1);
    authenticate.invalidate({ token: 'good' });
    const after = fetchStatus(url, 'good');
    await until(() => asked === 2);
    replies[1]?.resolve({ active: false });
    expect(await after).toBe(401);
    replies[0]?.resolve(active());
    expect(await before).toBe(200);
    expect(await fetchStatus(url, 'good')).toBe(401);
    expect(asked).toBe(2);
  });

  it('drops the overtaken response even when it arrives first', async () => {
    const reply = createDeferred<object>();
    const endpoint = await createEndpoint(() => reply.promise);
    const authenticate = createAuthenticate(endpoint);
    const { url } = await serve(createApp(authenticate).app);
    const before = fetchStatus(url, 'good');
    await until(() => endpoint.asked.length === 1);
    authenticate.invalidate({ token: 'good' });
    reply.resolve(active());
    expect(await before).toBe(200);
    expect(authenticate.stats().entries).toBe(0);
    endpoint.script = { active: false };
    expect(await fetchStatus(url, 'good')).toBe(401);
  });

  it.each(['', 'a b', 'token\r\n', 'tökén', 'a\ud800', '=='])('throws for an invalid token: %p', async (token) => {
    const { authenticate } = createApi(await createEndpoint(active()));
    const malformed = expect.objectContaining({ name: 'AuthError', reason: 'malformed_credentials' });
    expect(() => authenticate.invalidate({ token })).toThrow(malformed);
    await expect(authenticate.introspect(token)).rejects.toEqual(malformed);
  });

  it.each([{ sub: 'alice' }, { client_id: 'app' }, { sid: 's' }, { jti: 'j' }])(
    'removes every response with a claim, and no other: %j',
    async (criterion) => {
      const endpoint = await createEndpoint(({ form }) =>
        active(form.get('token') === 'other' ? { sub: 'bob', client_id: 'web' } : { sid: 's', jti: 'j' }),
      );
      const api = createApi(endpoint);
      for (const token of ['one', 'two', 'other']) await api.get(token).expect(200);
      endpoint.script = { active: false };
      await expect(api.authenticate.invalidate(criterion)).resolves.toBeUndefined();
      await api.get('one').expect(401);
      await api.get('two').expect(401);
      await api.get('other').expect(200);
    },
  );

  it('by claim keeps later requests from a response that was on its way and turns out to have that claim', async () => {
    const reply = createDeferred<object>();
    const endpoint = await createEndpoint(() => reply.promise);
    const authenticate = createAuthenticate(endpoint);
    const { url } = await serve(createApp(authenticate).app);
    const before = fetchStatus(url, 'good');
    await until(() => endpoint.asked.length === 1);
    authenticate.invalidate({ sub: 'alice' });
    endpoint.script = { active: false };
    const after = fetchStatus(url, 'good');
    await until(() => authenticate.stats().coalesced === 1);
    reply.resolve(active());
    expect([await before, await after]).toEqual([200, 401]);
    expect(await fetchStatus(url, 'good')).toBe(401);
  });

  it.each([{}, { sub: '' }, { sub: 7 }, { username: 'x' }, { sub: 'a', jti: 'b' }, { token: 'a', sub: 'b' }, 'token'])(
    'accepts exactly one criterion and throws for %j',
    async (criterion) => {
      const { authenticate } = createApi(await createEndpoint(active()));
      const remedy = 'write invalidate({ token }), or one of { sub }, { sid }, { client_id } and { jti }';
      expect(() => authenticate.invalidate(criterion as never)).toThrow(
        expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(remedy) }),
      );
      expect(() => authenticate.invalidate({ sub: 'a', jti: undefined })).not.toThrow();
    },
  );

  it.each([7, undefined, null, {}])('names the remedy when the token is %p', async (token) => {
    const { authenticate } = createApi(await createEndpoint(active()));
    const message = (what: string) => expect.stringMatching(new RegExp(`^Option "token" is (?!7).*; write ${what}`));
    expect(() => authenticate.invalidate(token as never)).toThrow(
      expect.objectContaining({ name: 'TypeError', message: message('invalidate\\(') }),
    );
    await expect(authenticate.introspect(token as never)).rejects.toEqual(
      expect.objectContaining({ name: 'TypeError', message: message('introspect\\(') }),
    );
  });
});

describe('cache: false', () => {
  it('asks the endpoint for every request', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { cache: false });
    await api.get('good').expect(200);
    endpoint.script = { active: false };
    await api.get('good').expect(401);
    await api.get('good').expect(401);
    expect(endpoint.asked).toHaveLength(3);
  });

  it('shares no introspection request that is on its way', async () => {
    const reply = createDeferred();
    const endpoint = await createEndpoint(async ({ socket }) => {
      await reply.promise;
      return active({ sub: String(socket.remotePort) });
    });
    const authenticate = createAuthenticate(endpoint, { cache: false });
    const { url } = await serve(createApp(authenticate).app);
    const statuses = Promise.all(Array.from({ length: 10 }, () => fetchStatus(url, 'cold')));
    await until(() => endpoint.asked.length === 10);
    reply.resolve();
    expect(await statuses).toEqual(Array(10).fill(200));
    expect(authenticate.stats()).toEqual({
      hits: 0,
      misses: 10,
      coalesced: 0,
      stale: 0,
      endpointCalls: 10,
      entries: 0,
    });
  });

  it('accepts invalidate(), which has nothing to remove', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { cache: false });
    api.authenticate.invalidate({ token: 'good' });
    await api.get('good').expect(200);
  });
});

describe('stats', () => {
  it('counts hits, misses, introspection requests and entries', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    expect(api.authenticate.stats()).toEqual({
      hits: 0,
      misses: 0,
      coalesced: 0,
      stale: 0,
      endpointCalls: 0,
      entries: 0,
    });
    await api.get().expect(401);
    await request(api.app).get('/').set('Authorization', 'Bearer').expect(400);
    expect(api.authenticate.stats().misses).toBe(0);
    await api.get('a b').expect(400);
    expect(api.authenticate.stats()).toEqual({
      hits: 0,
      misses: 1,
      coalesced: 0,
      stale: 0,
      endpointCalls: 0,
      entries: 0,
    });
    await api.get('good').expect(200);
    await api.get('good').expect(200);
    endpoint.script = { active: false };
    await api.get('bad').expect(401);
    await api.get('bad').expect(401);
    expect(api.authenticate.stats()).toEqual({
      hits: 2,
      misses: 3,
      coalesced: 0,
      stale: 0,
      endpointCalls: 2,
      entries: 2,
    });
  });

  it('counts failed introspection requests and stores nothing for them', async () => {
    const endpoint = await createEndpoint((_asked, res) => json(res, {}, 500));
    const api = createApi(endpoint);
    await api.get('any').expect(503);
    expect(api.errors[0]).toBeInstanceOf(IntrospectionError);
    expect(api.authenticate.stats()).toEqual({
      hits: 0,
      misses: 1,
      coalesced: 0,
      stale: 0,
      endpointCalls: 1,
      entries: 0,
    });
  });

  it('stores at most maxEntries active responses', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { cache: { maxEntries: 3 } });
    for (const token of ['a', 'b', 'c', 'd', 'e']) await api.get(token).expect(200);
    expect(api.authenticate.stats().entries).toBe(3);
    await api.get('e').expect(200);
    await api.get('a').expect(200);
    expect(endpoint.asked).toHaveLength(6);
  });
});

async function fetchStatus(url: string, token: string): Promise<number> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.status;
}
