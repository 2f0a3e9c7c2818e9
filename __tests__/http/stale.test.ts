import type { RequestHandler } from 'express';
import {
  type AuthDetails,
  getAuthDetails,
  requireClaim,
  requireFresh,
  requireScope,
  type TokenIntrospectionOptions,
} from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { serve } from '../support/serve.js';
import { until } from '../support/until.js';
import { recordWarnings } from '../support/warnings.js';

const MINUTE = 60;
const DOWN: Script = (_asked, res) => json(res, {}, 500);

/** A middleware that caches for 60 seconds and uses stale responses for 300, with an endpoint that knows `good`. */
async function create(options: Partial<TokenIntrospectionOptions> = {}, claims: Record<string, unknown> = {}) {
  const clock = createClock(Math.floor(Date.now() / 1000));
  const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600, ...claims }));
  const authenticate = createAuthenticate(endpoint, {
    clock,
    cache: { staleIfErrorSeconds: 5 * MINUTE, refreshAhead: false },
    ...options,
  });
  const details: AuthDetails[] = [];
  const look: RequestHandler = (req, _res, next) => {
    details.push(getAuthDetails(req));
    next();
  };
  /** Sends a request while the endpoint works, then takes it down and lets the response expire. */
  async function outlive(app: ReturnType<typeof createApp>, seconds = MINUTE): Promise<void> {
    await get(app, 'good').expect(200);
    clock.advance(seconds);
    endpoint.script = DOWN;
  }
  return { clock, endpoint, authenticate, details, look, outlive };
}

describe('staleIfErrorSeconds: while the endpoint is down, a token whose response has expired', () => {
  it('is accepted by the stale response, and the app can see that', async () => {
    const { authenticate, clock, details, look, outlive } = await create();
    const app = createApp(authenticate, look);
    const asked = clock.seconds();
    await outlive(app, 2 * MINUTE);
    expect((await get(app, 'good').expect(200)).body.auth).toMatchObject({ active: true, sub: 'alice' });
    expect(details).toEqual([
      { introspectedAt: asked, stale: false },
      { introspectedAt: asked, stale: true },
    ]);
    expect(authenticate.stats()).toMatchObject({ hits: 0, misses: 2, stale: 1, entries: 1 });
  });

  it('is answered 503 by default', async () => {
    const { authenticate, outlive } = await create({ cache: {} });
    const app = createApp(authenticate);
    await outlive(app);
    await get(app, 'good').expect(503);
    expect(authenticate.stats().stale).toBe(0);
  });

  it('is published as stale by the middleware and by guards', async () => {
    const { authenticate, outlive } = await create();
    const app = createApp(authenticate, requireScope('read'));
    const decisions = recordDecisions();
    await outlive(app);
    await get(app, 'good').expect(200);
    expect(decisions.map(({ by, outcome, stale }) => [by, outcome, stale])).toEqual([
      ['tokenIntrospection', 'accepted', undefined],
      ['requireScope', 'accepted', undefined],
      ['tokenIntrospection', 'accepted', true],
      ['requireScope', 'accepted', true],
    ]);
  });

  it('causes no introspection request while the circuit breaker is open, and is accepted', async () => {
    const { authenticate, endpoint, outlive } = await create();
    const app = createApp(authenticate);
    await outlive(app);
    for (const token of ['a', 'b', 'c', 'd', 'e']) await get(app, token).expect(503);
    const asked = endpoint.asked.length;
    await get(app, 'good').expect(200);
    await get(app, 'f').expect(503);
    expect(endpoint.asked).toHaveLength(asked);
  });

  it('is introspected again as soon as the endpoint has recovered', async () => {
    const { authenticate, clock, endpoint, details, look, outlive } = await create();
    const app = createApp(authenticate, look);
    await outlive(app);
    await get(app, 'good').expect(200);
    endpoint.script = active({ exp: clock.seconds() + 3600 });
    await get(app, 'good').expect(200);
    expect(details.map(({ stale }) => stale)).toEqual([false, true, false]);
    expect(details[2]?.introspectedAt).toBe(clock.seconds());
  });

  it('is answered 503 after staleIfErrorSeconds', async () => {
    const { authenticate, clock, outlive } = await create();
    const app = createApp(authenticate);
    await outlive(app, 5 * MINUTE - 1);
    await get(app, 'good').expect(200);
    clock.advance(1);
    await get(app, 'good').expect(503);
  });

  it('is answered 503 once it has expired', async () => {
    const { authenticate, clock, endpoint, outlive } = await create();
    endpoint.script = active({ exp: clock.seconds() + 90 });
    const app = createApp(authenticate);
    await outlive(app, 89);
    await get(app, 'good').expect(200);
    clock.advance(1);
    await get(app, 'good').expect(503);
  });

  it.each<[string, Script]>([
    ['it rejects our credentials', (_asked, res) => json(res, { error: 'invalid_client' }, 401)],
    ['it sends no introspection response', { active: 'yes' }],
    ['it is not there', (_asked, res) => json(res, {}, 404)],
  ])('is answered 503 when the failure is no outage: %s', async (_, script) => {
    recordWarnings();
    const { authenticate, endpoint, outlive } = await create();
    const app = createApp(authenticate);
    await outlive(app);
    endpoint.script = script;
    await get(app, 'good').expect(503);
    expect(authenticate.stats().stale).toBe(0);
  });

  it('is answered 503 when the client authentication fails', async () => {
    let isLocked = false;
    const sign = () => {
      if (isLocked) throw new Error('the vault is locked');
    };
    const { authenticate, clock } = await create({ clientAuth: { identity: 'own', sign } });
    const app = createApp(authenticate);
    await get(app, 'good').expect(200);
    clock.advance(MINUTE);
    isLocked = true;
    await get(app, 'good').expect(503);
  });

  it('is answered 503 after it was found inactive', async () => {
    const { authenticate, clock, endpoint, outlive } = await create();
    const app = createApp(authenticate);
    await outlive(app);
    await get(app, 'good').expect(200);
    endpoint.script = { active: false };
    await get(app, 'good').expect(401);
    endpoint.script = DOWN;
    clock.advance(10);
    await get(app, 'good').expect(503);
  });
});

describe('a stale response', () => {
  it.each<[string, Partial<TokenIntrospectionOptions>, number]>([
    ['another audience', { audience: 'other' }, 401],
    ['another scope', { scopes: ['admin'] }, 403],
    ['another issuer', { issuer: 'https://as.test' }, 401],
  ])('does not satisfy %s', async (_, policy, status) => {
    const { authenticate, outlive } = await create({}, { aud: 'api' });
    await outlive(createApp(authenticate));
    await get(createApp(authenticate.with(policy)), 'good').expect(status);
  });

  it('satisfies the guards that it matches, and no others', async () => {
    const { authenticate, outlive } = await create({}, { tenant: 'acme' });
    await outlive(createApp(authenticate));
    for (const [guard, status] of [
      [requireScope('read'), 200],
      [requireScope('admin'), 403],
      [requireClaim('tenant', 'acme'), 200],
      [requireClaim('tenant', 'umbrella'), 403],
    ] as const) {
      await get(createApp(authenticate, guard), 'good').expect(status);
    }
  });

  it.each([0, 30, 3600])('is never fresh, not even with maxAgeSeconds %d', async (maxAgeSeconds) => {
    const { authenticate, endpoint, outlive } = await create();
    const app = createApp(authenticate, requireFresh({ maxAgeSeconds }));
    await outlive(app);
    await get(app, 'good').expect(503);
    // One of the four is about a random token: it confirms that the endpoint is down.
    expect([app.reached(), endpoint.asked.length]).toEqual([1, 4]);
  });

  it('is never fresh behind a second middleware either', async () => {
    const { authenticate, outlive } = await create();
    const app = createApp(authenticate, authenticate.with({ scopes: ['read'] }), requireFresh({ maxAgeSeconds: 3600 }));
    await outlive(app);
    await get(app, 'good').expect(503);
    expect(app.reached()).toBe(1);
  });

  it('is accepted by a second middleware too, and checked by its policy', async () => {
    const { authenticate, details, look, outlive } = await create();
    const app = createApp(authenticate, requireScope('read'), authenticate.with({ scopes: ['write'] }), look);
    await outlive(app);
    await get(app, 'good').expect(200);
    expect(details.map(({ stale }) => stale)).toEqual([false, true]);
    await get(createApp(authenticate, authenticate.with({ scopes: ['admin'] })), 'good').expect(403);
  });

  it('does not replace a fresh one at a second middleware', async () => {
    const { authenticate, clock, endpoint, outlive } = await create();
    const breakDown: RequestHandler = (_req, _res, next) => {
      endpoint.script = DOWN;
      authenticate.invalidate({ token: 'other' });
      clock.advance(2 * MINUTE);
      next();
    };
    await outlive(createApp(authenticate), 2 * MINUTE);
    endpoint.script = active({ exp: clock.seconds() + 3600 });
    const app = createApp(
      authenticate,
      requireFresh({ maxAgeSeconds: 0 }),
      breakDown,
      authenticate.with({ scopes: [] }),
    );
    await get(app, 'good').expect(503);
    expect(app.reached()).toBe(0);
  });

  it('is replaced by a fresh one when the endpoint has recovered meanwhile', async () => {
    const { authenticate, clock, endpoint, details, look, outlive } = await create();
    const mend: RequestHandler = (_req, _res, next) => {
      endpoint.script = active({ exp: clock.seconds() + 3600 });
      next();
    };
    await outlive(createApp(authenticate));
    await get(createApp(authenticate, look, mend, requireFresh({ maxAgeSeconds: 3600 }), look), 'good').expect(200);
    expect(details.map(({ stale }) => stale)).toEqual([true, false]);
  });

  it('is not used after the token was invalidated', async () => {
    const { authenticate, outlive } = await create();
    const app = createApp(authenticate);
    await outlive(app);
    await get(app, 'good').expect(200);
    authenticate.invalidate({ token: 'good' });
    await get(app, 'good').expect(503);
  });

  it('is not used after the token was invalidated during the introspection request', async () => {
    const { authenticate, endpoint, outlive } = await create();
    const app = createApp(authenticate);
    await outlive(app);
    const release = createDeferred();
    endpoint.script = async (_asked, res) => {
      await release.promise;
      json(res, {}, 500);
    };
    const { url } = await serve(app.app);
    const responses = [1, 2, 3].map(() => fetch(url, { headers: { authorization: 'Bearer good' } }));
    await until(() => authenticate.stats().coalesced === 2);
    authenticate.invalidate({ token: 'good' });
    release.resolve();
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(app.reached()).toBe(1);
  });

  it('is used by introspect() as well', async () => {
    const { authenticate, outlive } = await create();
    await outlive(createApp(authenticate));
    expect(await authenticate.introspect('good')).toMatchObject({ sub: 'alice' });
    await expect(authenticate.introspect('other')).rejects.toMatchObject({ code: 'server_error' });
  });

  it('does not exist without a cache', async () => {
    const { authenticate, outlive } = await create({ cache: false });
    const app = createApp(authenticate);
    await outlive(app, 0);
    await get(app, 'good').expect(503);
  });
});

describe('getAuthDetails', () => {
  it('throws when getAuth() would', async () => {
    const { authenticate, look } = await create({ optional: true });
    const bare = createApp(look);
    await get(bare, 'good').expect(500);
    expect(String(bare.errors[0])).toContain('getAuthDetails() found no req.auth');
    const anonymous = createApp(authenticate, look);
    await get(anonymous).expect(500);
    expect(String(anonymous.errors[0])).toContain('getAuthDetails() was called for an anonymous request');
  });

  it('returns the time of the response that requireFresh fetched', async () => {
    const { authenticate, clock, details, look } = await create();
    const app = createApp(authenticate, look, requireFresh({ maxAgeSeconds: 1 }), look);
    await get(app, 'good').expect(200);
    clock.advance(30);
    await get(app, 'good').expect(200);
    const [first, , , fourth] = details.map(({ introspectedAt }) => introspectedAt);
    expect((fourth ?? 0) - (first ?? 0)).toBe(30);
  });
});
