import type { RequestHandler } from 'express';
import { getAuth, requireClaim, requireFresh, requireScope } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, json } from '../support/endpoint.js';
import { serve } from '../support/serve.js';
import { until } from '../support/until.js';

describe('requireFresh', () => {
  it.each([
    [10, 10, 1],
    [10, 10.001, 2],
    [0, 0, 1],
    [0, 0.001, 2],
  ])(
    'with maxAgeSeconds %d and a response %d seconds old makes %d introspection requests',
    async (maxAgeSeconds, age, requests) => {
      const clock = createClock();
      const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
      const api = createApi(endpoint, { clock }, requireFresh({ maxAgeSeconds }));
      await api.get('token').expect(200);
      clock.advance(age);
      await api.get('token').expect(200);
      expect(endpoint.asked).toHaveLength(requests);
    },
  );

  it('measures age at the arrival of the request, so a response fetched for this request is fresh', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(async () => {
      clock.advance(2);
      return active({ exp: clock.seconds() + 3600 });
    });
    const api = createApi(endpoint, { clock }, requireFresh({ maxAgeSeconds: 0 }));
    await api.get('token').expect(200);
    expect(endpoint.asked).toHaveLength(1);
  });

  it('measures it at the arrival of the request behind a second middleware too', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
    const authenticate = createAuthenticate(endpoint, { clock });
    const wait: RequestHandler = (_req, _res, next) => {
      clock.advance(0.5);
      next();
    };
    const guards = [wait, authenticate.with({ scopes: ['read'] }), wait, requireFresh({ maxAgeSeconds: 0 })];
    await get(createApp(authenticate, ...(guards as RequestHandler[])), 'token').expect(200);
    expect(endpoint.asked).toHaveLength(1);
  });

  it('caches its response for other requests', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
    const authenticate = createAuthenticate(endpoint, { clock });
    const fresh = createApp(authenticate, requireFresh({ maxAgeSeconds: 0 }));
    await get(fresh, 'token').expect(200);
    clock.advance(50);
    await get(fresh, 'token').expect(200);
    clock.advance(50);
    await get(createApp(authenticate), 'token').expect(200);
    expect(endpoint.asked).toHaveLength(2);
  });

  it.each<[string, object, number, string]>([
    ['that the token was revoked', { active: false }, 401, `${INVALID_TOKEN}, scope="base admin"`],
    ['that another audience is meant', { aud: 'other' }, 401, `${INVALID_TOKEN}, scope="base admin"`],
    ['that a scope of the middleware is gone', { scope: 'admin' }, 403, insufficientScope('base admin')],
    ['that a scope of a guard already passed is gone', { scope: 'base' }, 403, insufficientScope('base admin')],
    [
      'that a claim of a guard already passed has changed',
      { tenant: 'umbrella' },
      403,
      'Bearer realm="api", error="insufficient_scope", error_description="The access token does not grant what this resource requires"',
    ],
  ])('finds out %s', async (_title, change, status, challenge) => {
    const clock = createClock();
    const claims = active({ exp: clock.seconds() + 3600, aud: 'api', scope: 'base admin', tenant: 'acme' });
    const endpoint = await createEndpoint(claims);
    const authenticate = createAuthenticate(endpoint, { clock, audience: 'api', scopes: ['base'] });
    const passed: number[] = [];
    const app = createApp(
      authenticate,
      requireScope('admin'),
      requireClaim('tenant', 'acme'),
      (_req, _res, next) => {
        passed.push(1);
        next();
      },
      requireFresh({ maxAgeSeconds: 1 }),
    );
    await get(app, 'token').expect(200);
    clock.advance(2);
    endpoint.script = { ...claims, ...change };
    const response = await get(app, 'token').expect(status);
    expect(response.headers['www-authenticate']).toBe(challenge);
    expect([passed.length, app.reached()]).toEqual([2, 1]);
  });

  it('runs again the checks that passed before a second middleware', async () => {
    const clock = createClock();
    const claims = active({ exp: clock.seconds() + 3600, aud: ['api', 'web'], scope: 'admin' });
    const endpoint = await createEndpoint(claims);
    const first = createAuthenticate(endpoint, { clock, audience: 'api' });
    const second = first.with({ audience: 'web' });
    const app = createApp(first, requireScope('admin'), second, requireFresh({ maxAgeSeconds: 1 }));
    await get(app, 'token').expect(200);
    for (const [change, status] of [
      [{ scope: '' }, 403],
      [{ aud: 'web' }, 401],
    ] as const) {
      endpoint.script = claims;
      first.invalidate({ token: 'token' });
      await get(app, 'token').expect(200);
      clock.advance(2);
      endpoint.script = { ...claims, ...change };
      await get(app, 'token').expect(status);
    }
  });

  it('gives later guards the fresh response', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600, scope: 'read' }));
    const api = createApi(endpoint, { clock }, requireFresh({ maxAgeSeconds: 1 }), requireScope('read'));
    await api.get('token').expect(200);
    clock.advance(2);
    endpoint.script = active({ exp: clock.seconds() + 3600, scope: 'other' });
    expect((await api.get('token').expect(403)).headers['www-authenticate']).toBe(insufficientScope('read'));
  });

  it('answers 503 when the endpoint is down, although an older response is cached', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
    const authenticate = createAuthenticate(endpoint, { clock });
    const fresh = createApp(authenticate, requireFresh({ maxAgeSeconds: 1 }));
    await get(fresh, 'token').expect(200);
    clock.advance(2);
    endpoint.script = (_asked, res) => json(res, {}, 500);
    expect((await get(fresh, 'token').expect(503)).headers['retry-after']).toBe('1');
    await get(createApp(authenticate), 'token').expect(200);
    expect(fresh.reached()).toBe(1);
  });

  it('updates req.auth, keeps what the app added and drops what the app changed', async () => {
    const clock = createClock();
    const claims = active({ exp: clock.seconds() + 3600, sub: 'alice', tenant: 'acme', gone: true });
    const endpoint = await createEndpoint(claims);
    const add: RequestHandler = (req, _res, next) => {
      Object.assign(getAuth(req), { plan: 'gold', sub: 'mallory', gone: 'edited' });
      next();
    };
    const check: RequestHandler = (req, _res, next) => {
      getAuth(req).same = getAuth(req) === (req as { auth?: unknown }).auth;
      next();
    };
    const app = createApp(createAuthenticate(endpoint, { clock }), add, requireFresh({ maxAgeSeconds: 1 }), check);
    await get(app, 'token').expect(200);
    clock.advance(2);
    endpoint.script = { ...claims, tenant: 'umbrella', gone: undefined };
    const { body } = await get(app, 'token').expect(200);
    expect(body.auth).toEqual({ ...claims, tenant: 'umbrella', gone: undefined, plan: 'gold', same: true });
  });

  it('sees an invalidation between the middleware and itself', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
    const authenticate = createAuthenticate(endpoint, { clock });
    const revoke: RequestHandler = (req, _res, next) => {
      if (req.headers['x-revoke'] !== undefined) {
        endpoint.script = { active: false };
        authenticate.invalidate({ token: 'token' });
        clock.advance(1);
      }
      next();
    };
    const app = createApp(authenticate, revoke, requireFresh({ maxAgeSeconds: 0 }));
    await get(app, 'token').expect(200);
    clock.advance(1);
    await get(app, 'token').set('x-revoke', '1').expect(401);
    await get(app, 'token').expect(401);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('answers 500 when other code replaces req.auth while the endpoint is asked, and removes it', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: undefined }));
    const held: { auth?: unknown }[] = [];
    const hold: RequestHandler = (req, _res, next) => {
      held.push(req as object);
      next();
    };
    const app = createApp(createAuthenticate(endpoint, { clock }), hold, requireFresh({ maxAgeSeconds: 0 }));
    await get(app, 'token').expect(200);
    clock.advance(1);
    endpoint.script = () => {
      Object.assign(held[1] as object, { auth: { sub: 'mallory' } });
      return active({ exp: undefined });
    };
    await get(app, 'token').expect(500);
    expect(app.errors).toMatchObject([{ message: expect.stringMatching(/^requireFresh\(\) found a req\.auth that/) }]);
    expect([held[1]?.auth, app.reached()]).toEqual([undefined, 1]);
  });

  it('lets no later middleware of the request use a stale response', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: undefined }));
    const authenticate = createAuthenticate(endpoint, { clock, cache: { ttlSeconds: 60, staleIfErrorSeconds: 120 } });
    const fail: RequestHandler = (_req, _res, next) => {
      endpoint.script = (_asked, res) => json(res, {}, 500);
      clock.advance(61);
      next();
    };
    const second = authenticate.with({ realm: 'second' });
    const guards = [requireFresh({ maxAgeSeconds: 0 }), requireFresh({ maxAgeSeconds: 60 })];
    await get(createApp(authenticate, ...guards, fail, second), 'token').expect(503);
    await get(createApp(second), 'token').expect(200);
  });

  it('joins no introspection request that is too old for it', async () => {
    const clock = createClock();
    const replies = [createDeferred<object>(), createDeferred<object>()];
    const claims = active({ exp: clock.seconds() + 3600 });
    const endpoint = await createEndpoint(claims);
    const authenticate = createAuthenticate(endpoint, { clock, cache: { ttlSeconds: 60 } });
    const { url } = await serve(createApp(authenticate, requireFresh({ maxAgeSeconds: 10 })).app);
    const ask = () => fetch(url, { headers: { authorization: 'Bearer token' } });
    expect((await ask()).status).toBe(200);
    let asked = 0;
    endpoint.script = () => replies[asked++]?.promise;
    clock.advance(20);
    const first = ask();
    await until(() => asked === 1);
    clock.advance(20);
    const second = ask();
    await until(() => asked === 2);
    replies[1]?.resolve({ active: false });
    expect((await second).status).toBe(401);
    replies[0]?.resolve(claims);
    await first;
    expect((await ask()).status).toBe(401);
    expect(asked).toBe(2);
  });

  it('shares one introspection request among requests that may all use it', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
    const authenticate = createAuthenticate(endpoint, { clock });
    const { url } = await serve(createApp(authenticate, requireFresh({ maxAgeSeconds: 1 })).app);
    const ask = () => fetch(url, { headers: { authorization: 'Bearer token' } });
    await ask();
    clock.advance(10);
    const reply = createDeferred();
    endpoint.script = async () => {
      await reply.promise;
      return active({ exp: clock.seconds() + 3600 });
    };
    const all = Promise.all(Array.from({ length: 20 }, ask));
    await until(() => authenticate.stats().coalesced === 19);
    reply.resolve();
    expect((await all).map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(endpoint.asked).toHaveLength(2);
  });

  it.each<[string, object, number, unknown]>([
    ['is the one to go by', { sub: 'bob', scope: 'read' }, 200, 'bob'],
    ['has to pass the earlier checks', { sub: 'bob', scope: '' }, 403, undefined],
    ['may say that the token is revoked', { active: false }, 401, undefined],
  ])('uses a newer response that another request fetched meanwhile, which %s', async (_title, said, status, sub) => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600, sub: 'alice', scope: 'read' }));
    const authenticate = createAuthenticate(endpoint, { clock, scopes: ['read'] });
    const other = createApp(authenticate.with({ scopes: [] }), requireFresh({ maxAgeSeconds: 0 }));
    const meanwhile: RequestHandler = async (_req, _res, next) => {
      endpoint.script = active({ exp: clock.seconds() + 3600, ...said });
      await get(other, 'token');
      next();
    };
    await authenticate.introspect('token');
    clock.advance(1);
    const app = createApp(authenticate, meanwhile, requireFresh({ maxAgeSeconds: 0 }));
    const { body } = await get(app, 'token').expect(status);
    expect([body.auth?.sub, app.reached(), endpoint.asked.length]).toEqual([sub, status === 200 ? 1 : 0, 2]);
  });

  it('asks again without a cache, but only when the response of this request is too old', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
    const wait: RequestHandler = (_req, _res, next) => {
      clock.advance(5);
      next();
    };
    const authenticate = createAuthenticate(endpoint, { clock, cache: false });
    await get(createApp(authenticate, wait, requireFresh({ maxAgeSeconds: 0 })), 'token').expect(200);
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each([undefined, -1, Number.NaN, Number.POSITIVE_INFINITY, 86_401, '5', null])(
    'throws for maxAgeSeconds %p',
    (maxAgeSeconds) => {
      expect(() => requireFresh({ maxAgeSeconds: maxAgeSeconds as number })).toThrow(TypeError);
    },
  );
});
