import type { RequestHandler } from 'express';
import express4 from 'express4';
import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import type { TokenRecord } from '../../lib/core/lookup.js';
import { type Clock, requireClaim, requireFresh, requireScope, tokenIntrospection } from '../../lib/index.js';
import { polar } from '../../lib/providers/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { createClock, since } from '../support/clock.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, beginMiss, inactiveRecord } from '../support/records.js';
import { Thenable } from '../support/thenable.js';

const NOT_ERRORS: readonly unknown[] = [undefined, null, false, 0, '', 'route', 'router'];

const toss = (value: unknown) => () => {
  throw value;
};

/** Express continues with the next handler when some of these values are thrown. */
describe.each(NOT_ERRORS)('a middleware does not accept a request when %p is thrown', (thrown) => {
  const lockedGetter: RequestHandler = (req, _res, next) => {
    Object.defineProperty(req, 'auth', { get: toss(thrown), configurable: true });
    next();
  };

  it.each<[string, (url: string) => RequestHandler[]]>([
    ['by getToken', (url) => [createAuthenticate({ url }, { getToken: toss(thrown) })]],
    [
      'by the clock',
      (url) => [createAuthenticate({ url }, { clock: { now: toss(thrown), monotonic: toss(thrown) } as Clock })],
    ],
    ['by a predicate', (url) => [createAuthenticate({ url }), requireClaim('sub', toss(thrown))]],
    ['by a getter on req.auth', (url) => [lockedGetter, createAuthenticate({ url })]],
    ['by a getter on req.auth, in a guard', (url) => [createAuthenticate({ url }), lockedGetter, requireScope('read')]],
    ['by a getter on req.auth, in requireFresh', () => [lockedGetter, requireFresh({ maxAgeSeconds: 1 })]],
  ])('%s', async (_what, build) => {
    const { url } = await createEndpoint(active());
    for (const host of [createApp, createExpress4App]) {
      const app = host(...build(url));
      await get(app, 'token').expect(500);
      expect(app.reached()).toBe(0);
    }
  });
});

function createExpress4App(...middlewares: RequestHandler[]) {
  let reached = 0;
  const app = express4();
  app.set('env', 'test');
  app.use(...middlewares, (_req, res) => {
    reached++;
    res.end();
  });
  return { app, errors: [], reached: () => reached };
}

describe('requireFresh', () => {
  it('asks again when the machine was suspended, although the monotonic clock stood still', async () => {
    const clock = createClock();
    const exp = clock.seconds() + 7200;
    const endpoint = await createEndpoint(active({ exp }));
    const api = createApi(endpoint, { clock, cache: { ttlSeconds: 3600 } }, requireFresh({ maxAgeSeconds: 10 }));
    await api.get('token').expect(200);
    clock.step(1800);
    endpoint.script = { active: false };
    await api.get('token').expect(401);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('applies to later middlewares too, although they have a cache of their own', async () => {
    const endpoint = await createEndpoint(active({ scope: 'admin' }));
    const [outer, inner] = [createAuthenticate(endpoint), createAuthenticate(endpoint)];
    await get(createApp(inner), 'token').expect(200);
    endpoint.script = active({ scope: '' });
    const app = createApp(outer, requireFresh({ maxAgeSeconds: 0 }), inner, requireScope('admin'));
    await get(app, 'token').expect(403);
    expect(app.reached()).toBe(0);
  });
});

describe('requireFresh, while it waits,', () => {
  it('notices that req.auth was replaced', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    await get(createApp(authenticate), 'token').expect(200);
    endpoint.script = (_asked, res) => {
      replace();
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(active()));
    };
    let replace = () => {};
    const expose: RequestHandler = (req, _res, next) => {
      replace = () => Object.assign(req, { auth: { active: true, scope: 'admin' } });
      next();
    };
    const app = createApp(authenticate, expose, requireFresh({ maxAgeSeconds: 0 }));
    await get(app, 'token').expect(500);
    expect(app.reached()).toBe(0);
  });
});

describe('a closed middleware', () => {
  it('answers 503 to everyone, with or without credentials or "optional"', async () => {
    const authenticate = createAuthenticate(await createEndpoint(active()));
    const optional = authenticate.with({ optional: true });
    await authenticate.close();
    for (const app of [createApp(authenticate), createApp(optional)]) {
      await get(app).expect(503);
      await get(app, 'token').expect(503);
      expect(app.reached()).toBe(0);
    }
  });
});

describe('memory cache', () => {
  it('keeps the response of the latest introspection request, whatever the order of arrival', async () => {
    const clock = createClock();
    const answers: ((record: TokenRecord) => void)[] = [];
    const cache = withMemoryCache(() => new Promise((resolve) => answers.push(resolve)), {
      store: createMemoryStore(10),
      ttlMs: 60_000,
      inactiveTtlMs: 60_000,
      diagnose,
      timeoutMs: 3000,
      staleIfErrorMs: 0,
      refreshAhead: false,
      beginMiss,
      revocations: undefined,
      clock,
    });
    const key = bearerCredentials();
    const atLeast = (seconds: number) => since(clock, 1000 + seconds * 1000);
    const at = (seconds: number) => ({
      askedAt: 1_800_000_000_000 + seconds * 1000,
      askedMonotonic: 1000 + seconds * 1000,
    });
    const first = cache.lookup(key, atLeast(0));
    clock.advance(1);
    const second = cache.lookup(key, atLeast(1));
    clock.advance(5);
    answers[0]?.(inactiveRecord(at(5)));
    await first;
    answers[1]?.(activeRecord({}, at(2)));
    await second;
    expect(cache.lookup(key, since(clock))).toMatchObject({ active: false });
  });
});

describe('a later middleware', () => {
  it('makes an earlier req.auth invalid, even when code puts it back', async () => {
    const authenticate = createAuthenticate(await createEndpoint(active()));
    let kept: unknown;
    const keep: RequestHandler = (req, _res, next) => {
      kept = (req as { auth?: unknown }).auth;
      next();
    };
    const putBack: RequestHandler = (req, _res, next) => {
      (req as { auth?: unknown }).auth = kept;
      next();
    };
    const app = createApp(authenticate, keep, authenticate.with({ realm: 'inner' }), putBack, requireScope('read'));
    await get(app, 'token').expect(500);
    expect(app.reached()).toBe(0);
  });

  it('rejects a response that fails the checks of an earlier middleware and its guards', async () => {
    let scope = 'read';
    const endpoint = await createEndpoint(() => active({ scope }));
    const authenticate = createAuthenticate(endpoint, { cache: { ttlSeconds: 0 } });
    const revoke: RequestHandler = (_req, _res, next) => {
      scope = 'write';
      next();
    };
    const app = createApp(authenticate, requireScope('read'), revoke, authenticate.with({ scopes: ['write'] }));
    await get(app, 'token').expect(403);
    expect(app.reached()).toBe(0);
  });
});

describe('a claims schema', () => {
  it.each<[string, unknown]>([
    ['a thenable that rejects the claims', new Thenable({ issues: [1] })],
    ['an empty object', {}],
    ['a string', 'fine'],
    ['false', false],
    ['nothing', undefined],
    ['a list as claims', { value: ['a'] }],
    ['a string as claims', { value: 'abc' }],
  ])('that returns %s causes 503', async (_what, result) => {
    const claims = { '~standard': { version: 1, vendor: 'test', validate: () => result } } as never;
    const api = createApi(await createEndpoint(active()), { claims });
    await api.get('token').expect(503);
    expect([api.reached(), api.errors]).toEqual([0, [expect.objectContaining({ code: 'claims_schema_failed' })]]);
  });

  it('cannot return claims that one request could change for the next', async () => {
    const claims = { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: { since: new Date(0) } }) } };
    const api = createApi(await createEndpoint(active()), { claims: claims as never });
    await api.get('token').expect(503);
    expect(api.errors).toEqual([expect.objectContaining({ code: 'claims_schema_failed' })]);
  });

  it('keeps its own objects unfrozen', async () => {
    const plans = { gold: { limits: [1] } };
    const claims = { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: plans }) } };
    const api = createApi(await createEndpoint(active()), { claims: claims as never });
    await api.get('token').expect(200);
    expect(Object.isFrozen(plans.gold)).toBe(false);
  });
});

describe('options', () => {
  const BASE = { endpoint: 'https://as.example.com', clientAuth: { identity: 'x', sign() {} }, audience: 'api' };

  it('are read once, so that no value changes after the check', async () => {
    let reads = 0;
    const options = {
      ...BASE,
      get clockToleranceSeconds() {
        return reads++ === 0 ? 5 : Number.POSITIVE_INFINITY;
      },
    };
    tokenIntrospection(options);
    expect(reads).toBe(1);
  });

  it('are read once in nested data too', () => {
    let reads = 0;
    const headers = {
      get 'x-api-key'() {
        return reads++ === 0 ? 'key' : 'key\r\nX-Evil: 1';
      },
    };
    tokenIntrospection({ ...BASE, headers });
    expect(reads).toBe(1);
  });

  it.each<[string, object]>([
    ['of a class', new (class Config {})()],
    ['that inherit', Object.create({ scopes: ['admin'] })],
    [
      'that inherit from an object without a prototype',
      Object.create(Object.assign(Object.create(null), { scopes: ['a'] })),
    ],
  ])('%s are rejected, because inherited options would be lost', (_what, holder) => {
    expect(() => tokenIntrospection(Object.assign(holder, BASE))).toThrow(
      /^Option "options" .*; write a plain object$/,
    );
  });

  it.each([
    ['headers', null],
    ['headers', ['x']],
    ['parameters', null],
    ['parameters', 'abc'],
    ['scopes', ['read']],
  ])('of a preset that are invalid are rejected: %s %j', (name, value) => {
    const create = () => polar({ clientId: 'a', clientSecret: 'b', [name]: value });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`Option "${name}"`);
  });
});
