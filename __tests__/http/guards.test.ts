import type { RequestHandler } from 'express';
import {
  type ClaimPredicate,
  type ClaimValue,
  type Guard,
  getAuth,
  requireAnyScope,
  requireClaim,
  requireFresh,
  requireScope,
} from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { BARE, INSUFFICIENT_SCOPE, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint } from '../support/endpoint.js';

/** One guard of each kind. `active()` satisfies all of them. */
const GUARDS: readonly (readonly [name: string, guard: Guard])[] = [
  ['requireScope', requireScope('read')],
  ['requireAnyScope', requireAnyScope('admin', 'read')],
  ['requireClaim', requireClaim('sub', 'alice')],
  ['requireFresh', requireFresh({ maxAgeSeconds: 60 })],
];

describe('requireScope', () => {
  it.each<[string, string[], string, number]>([
    ['the one scope', ['read'], 'read', 200],
    ['all of several', ['read', 'write'], 'write other read', 200],
    ['one of two', ['read', 'write'], 'read', 403],
    ['none', ['read'], '', 403],
    ['a longer name', ['read'], 'readwrite', 403],
    ['a shorter name', ['readwrite'], 'read', 403],
    ['another case', ['read'], 'READ', 403],
    ['many spaces between', ['read', 'write'], '  read   write ', 200],
    ['a name of Object.prototype', ['constructor'], 'read', 403],
  ])('with %s granted responds as expected', async (_title, needed, scope, status) => {
    const endpoint = await createEndpoint(active({ scope }));
    const api = createApi(endpoint, {}, requireScope(...needed));
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : insufficientScope(needed.join(' ')));
    expect(api.reached()).toBe(status === 200 ? 1 : 0);
  });

  it('names its scopes with those of the middleware and of the guards before it, each once', async () => {
    const endpoint = await createEndpoint(active({ scope: 'base read' }));
    const api = createApi(endpoint, { scopes: ['base'] }, requireScope('read'), requireScope('base', 'admin'));
    const response = await api.get('token').expect(403);
    expect(response.headers['www-authenticate']).toBe(insufficientScope('base read admin'));
  });

  it('reveals neither the user nor the granted scopes', async () => {
    const endpoint = await createEndpoint(active({ sub: 'alice-17', username: 'alice@x.test', scope: 'granted-only' }));
    const response = await createApi(endpoint, {}, requireScope('admin')).get('token').expect(403);
    expect(response.text + JSON.stringify(response.headers)).not.toMatch(/alice|granted-only/);
  });

  it.each([[[]], [['']], [['a b']], [['a"b']], [['a\\b']], [['é']], [[7]], [[undefined]], [[['read']]]])(
    'throws for %j',
    (scopes) => {
      expect(() => requireScope(...(scopes as string[]))).toThrow(TypeError);
      expect(() => requireAnyScope(...(scopes as string[]))).toThrow(/requireAnyScope\(/);
    },
  );
});

describe('requireAnyScope', () => {
  it.each([
    ['the first', 'admin', 200],
    ['the last', 'owner', 200],
    ['both', 'owner admin', 200],
    ['neither', 'read', 403],
    ['none at all', '', 403],
  ])('with %s granted responds as expected', async (_title, scope, status) => {
    const endpoint = await createEndpoint(active({ scope }));
    const api = createApi(endpoint, {}, requireAnyScope('admin', 'owner'));
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : insufficientScope('admin owner'));
  });
});

describe('requireClaim', () => {
  it.each<[string, Record<string, unknown>, ClaimValue | ClaimValue[] | ClaimPredicate, number]>([
    ['an equal string', { tenant: 'acme' }, 'acme', 200],
    ['another string', { tenant: 'acme' }, 'ACME', 403],
    ['an equal number', { tenant: 7 }, 7, 200],
    ['a number for a string', { tenant: '7' }, 7, 403],
    ['an equal boolean', { tenant: false }, false, 200],
    ['one of several values', { tenant: 'acme' }, ['umbrella', 'acme'], 200],
    ['none of several values', { tenant: 'acme' }, ['umbrella', 'initech'], 403],
    ['a list with the value', { tenant: ['umbrella', 'acme'] }, 'acme', 200],
    ['a list with one of the values', { tenant: ['umbrella', 'acme'] }, ['acme', 'initech'], 200],
    ['a list without the value', { tenant: ['umbrella'] }, 'acme', 403],
    ['an empty list', { tenant: [] }, 'acme', 403],
    ['an object', { tenant: { acme: true } }, 'acme', 403],
    ['null, which is absent', { tenant: null }, () => true, 403],
    ['no such claim', {}, () => true, 403],
    ['a predicate that returns true', { tenant: { id: 7 } }, (value) => (value as { id?: unknown }).id === 7, 200],
    ['a predicate that returns false', { tenant: 'acme' }, () => false, 403],
    ['a predicate that returns a truthy value', { tenant: 'acme' }, () => 1 as unknown as boolean, 403],
  ])('with %s responds as expected', async (_title, claims, expected, status) => {
    const endpoint = await createEndpoint(active(claims));
    const api = createApi(endpoint, { scopes: ['read'] }, requireClaim('tenant', expected));
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : INSUFFICIENT_SCOPE);
  });

  it.each(['constructor', '__proto__', 'toString'])(
    'finds no claim called %s when the token has none',
    async (name) => {
      const endpoint = await createEndpoint(active());
      await createApi(
        endpoint,
        {},
        requireClaim(name, () => true),
      )
        .get('token')
        .expect(403);
    },
  );

  it('answers 500 when its predicate throws or is asynchronous', async () => {
    const endpoint = await createEndpoint(active());
    const thrown = new Error('predicate');
    const fail = requireClaim('sub', () => {
      throw thrown;
    });
    const late = requireClaim('sub', (async () => true) as never);
    const rejecting = requireClaim('sub', (() => Promise.reject(thrown)) as never);
    for (const guard of [fail, late, rejecting]) {
      const api = createApi(endpoint, {}, guard);
      await api.get('token').expect(500);
      expect(api.reached()).toBe(0);
      expect(api.errors).toHaveLength(1);
    }
  });

  it.each<[unknown, unknown]>([
    ['', 'acme'],
    [undefined, 'acme'],
    ['tenant', undefined],
    ['tenant', []],
    ['tenant', null],
    ['tenant', { id: 7 }],
    ['tenant', Number.NaN],
    ['tenant', ['acme', undefined]],
  ])('throws for %j, %j', (name, expected) => {
    expect(() => requireClaim(name as string, expected as string)).toThrow(TypeError);
  });
});

describe.each(GUARDS)('%s', (name, guard) => {
  it('accepts a token that satisfies it', async () => {
    const endpoint = await createEndpoint(active());
    await createApi(endpoint, {}, guard).get('token').expect(200);
  });

  it('answers 500 when no middleware ran before it', async () => {
    const app = createApp(guard);
    await get(app, 'token').expect(500);
    expect(app.reached()).toBe(0);
    expect(app.errors).toEqual([
      expect.objectContaining({ status: 500, message: expect.stringContaining(`${name}()`) }),
    ]);
  });

  it.each<[string, unknown]>([
    ['nobody', undefined],
    ['another library', { active: true, sub: 'alice', scope: 'read', exp: 4_000_000_000 }],
    ['a string', 'read'],
    ['a function', () => ({ scope: 'read' })],
  ])('answers 500 when req.auth was set by %s', async (_who, auth) => {
    const app = createApp(
      setAuth(() => auth),
      guard,
    );
    await get(app, 'token').expect(500);
    expect(app.reached()).toBe(0);
  });

  it('ignores scopes that code writes into req.auth', async () => {
    const endpoint = await createEndpoint(active({ sub: 'bob', scope: 'none', exp: 4_000_000_000 }));
    const app = createApp(
      createAuthenticate(endpoint),
      (req, _res, next) => {
        Object.assign(getAuth(req), { sub: 'alice', scope: 'read', scopes: ['read'], active: true });
        next();
      },
      guard,
    );
    await get(app, 'token').expect(name === 'requireFresh' ? 200 : 403);
  });

  it('answers 500 when req.auth was replaced by a copy', async () => {
    const endpoint = await createEndpoint(active());
    for (const copy of [
      (auth: object) => ({ ...auth }),
      (auth: object) => structuredClone(auth),
      (auth: object) => Object.create(auth),
      (auth: object) => new Proxy(auth, {}),
    ]) {
      const app = createApp(
        createAuthenticate(endpoint),
        setAuth((auth) => copy(auth as object)),
        guard,
      );
      await get(app, 'token').expect(500);
      expect(app.reached()).toBe(0);
    }
  });

  it('answers 500 when req.auth comes from another request', async () => {
    const endpoint = await createEndpoint(active());
    const kept: unknown[] = [];
    const move: RequestHandler = (req, _res, next) => {
      const host = req as { auth?: unknown };
      kept.push(host.auth);
      host.auth = kept[0];
      next();
    };
    const app = createApp(createAuthenticate(endpoint), move, guard);
    await get(app, 'token').expect(200);
    await get(app, 'token').expect(500);
    expect(app.reached()).toBe(1);
  });

  it('answers 500 when req.auth was removed', async () => {
    const endpoint = await createEndpoint(active());
    const app = createApp(
      createAuthenticate(endpoint),
      setAuth(() => undefined),
      guard,
    );
    await get(app, 'token').expect(500);
    expect(app.reached()).toBe(0);
  });

  it('answers an anonymous request with a 401 challenge that names the required scopes', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { optional: true, scopes: ['base'] }, guard);
    const needs = { requireScope: ' read', requireAnyScope: ' admin read' }[name] ?? '';
    const response = await api.get().expect(401);
    expect(response.headers['www-authenticate']).toBe(`${BARE}, scope="base${needs}"`);
    expect(response.body).toEqual({});
    expect(api.reached()).toBe(0);
  });

  it('does not accept an invented req.auth on an anonymous request', async () => {
    const endpoint = await createEndpoint(active());
    const app = createApp(
      createAuthenticate(endpoint, { optional: true }),
      setAuth(() => active()),
      guard,
    );
    await get(app).expect(500);
    expect(app.reached()).toBe(0);
  });

  it('checks exp again: a token that expired on the way is answered 401', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 10 }));
    const wait: RequestHandler = (_req, _res, next) => {
      clock.advance(15);
      next();
    };
    const app = createApp(createAuthenticate(endpoint, { clock, clockToleranceSeconds: 5 }), wait, guard);
    const response = await get(app, 'token').expect(401);
    expect(response.headers['www-authenticate']).toMatch(new RegExp(`^${INVALID_TOKEN}`));
    expect(app.reached()).toBe(0);
  });

  it('lets onReject of the middleware respond', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint, {
      optional: true,
      onReject: (error, _req, res) => void res.writeHead(error.status, { 'x-reason': error.reason }).end(),
    });
    const response = await get(createApp(authenticate, guard)).expect(401);
    expect(response.headers['x-reason']).toBe('no_credentials');
  });
});

describe('getAuth', () => {
  it('returns the object on req.auth, which may be extended', async () => {
    const endpoint = await createEndpoint(active());
    const same: boolean[] = [];
    const extend: RequestHandler = (req, _res, next) => {
      same.push(getAuth(req) === (req as { auth?: unknown }).auth);
      getAuth(req).plan = 'gold';
      next();
    };
    const response = await get(createApp(createAuthenticate(endpoint), extend), 'token').expect(200);
    expect(same).toEqual([true]);
    expect(response.body.auth.plan).toBe('gold');
  });

  it.each<[string, string | undefined, RequestHandler[], RegExp]>([
    ['no middleware ran', 'token', [], /found no req\.auth; mount/],
    ['req.auth was replaced', 'token', [setAuth((auth) => ({ ...(auth as object) }))], /did not set on this request/],
  ])('throws a clear 500 when %s', async (_title, token, between, message) => {
    const endpoint = await createEndpoint(active());
    const before = between.length === 0 ? [] : [createAuthenticate(endpoint), ...between];
    const app = createApp(...before, (req) => void getAuth(req));
    await get(app, token).expect(500);
    expect(app.errors).toEqual([expect.objectContaining({ message: expect.stringMatching(message) })]);
  });

  it('throws for an anonymous request, and for a middleware other than the one named', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint, { optional: true });
    const app = createApp(authenticate, (req) => void getAuth(req));
    await get(app).expect(500);
    const other = createApp(authenticate, (req) => void getAuth(req, authenticate.with({})));
    await get(other, 'token').expect(500);
    const same = createApp(authenticate, (req, res) => void res.json(getAuth(req, authenticate)));
    await get(same, 'token').expect(200);
  });
});

function setAuth(make: (auth: unknown) => unknown): RequestHandler {
  return (req, _res, next) => {
    const host = req as { auth?: unknown };
    host.auth = make(host.auth);
    next();
  };
}
