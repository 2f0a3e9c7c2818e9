import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { RequestHandler } from 'express';
import request from 'supertest';
import {
  clientSecretBasic,
  requireFresh,
  requireScope,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { SELF_SIGNED } from '../support/certificate.js';
import { BARE, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, type Endpoint, json } from '../support/endpoint.js';
import { serve } from '../support/serve.js';
import { until } from '../support/until.js';

describe('the cache, which stores facts and no decisions', () => {
  it('GHSA-qvp4-rpmr-xwrr: answers 403 when a cached token lacks the scope of this route', async () => {
    const endpoint = await createEndpoint(active({ scope: 'foo' }));
    const authenticate = createAuthenticate(endpoint);
    const [foo, bar] = [createApp(authenticate, requireScope('foo')), createApp(authenticate, requireScope('bar'))];
    const derived = createApp(authenticate.with({ scopes: ['bar'] }));
    await get(foo, 'token').expect(200);
    for (const app of [bar, derived]) {
      expect((await get(app, 'token').expect(403)).headers['www-authenticate']).toBe(insufficientScope('bar'));
      expect(app.reached()).toBe(0);
    }
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each<[string, Partial<TokenIntrospectionOptions>]>([
    ['audience', { audience: 'web' }],
    ['issuer', { issuer: 'https://other.test' }],
  ])('answers 401 when a cached token has another %s than this route requires', async (_title, policy) => {
    const endpoint = await createEndpoint(active({ aud: 'api', iss: 'https://as.test' }));
    const authenticate = createAuthenticate(endpoint, { audience: 'api', issuer: 'https://as.test' });
    await get(createApp(authenticate), 'token').expect(200);
    const response = await get(createApp(authenticate.with(policy as object)), 'token').expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(endpoint.asked).toHaveLength(1);
  });

  it('asks again when this route requires a fresher response than the cached one', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
    const authenticate = createAuthenticate(endpoint, { clock, cache: { ttlSeconds: 300 } });
    await get(createApp(authenticate), 'token').expect(200);
    clock.advance(2);
    endpoint.script = { active: false };
    await get(createApp(authenticate), 'token').expect(200);
    await get(createApp(authenticate, requireFresh({ maxAgeSeconds: 1 })), 'token').expect(401);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('CWE-613: answers 401 once exp has passed, whatever the lifetime of the cache', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 30 }));
    const api = createApi(endpoint, { clock, clockToleranceSeconds: 0, cache: { ttlSeconds: 300 } });
    await api.get('token').expect(200);
    clock.advance(31);
    expect((await api.get('token').expect(401)).headers['www-authenticate']).toBe(INVALID_TOKEN);
  });

  it('CVE-2026-3583: answers 401 as soon as a revoked token was invalidated, with and without scopes', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint, { scopes: ['read'] });
    const app = createApp(authenticate, requireScope('write'));
    await get(app, 'token').expect(200);
    endpoint.script = { active: false };
    authenticate.invalidate({ token: 'token' });
    await get(app, 'token').expect(401);
    expect(app.reached()).toBe(1);
  });
});

describe('several middlewares', () => {
  it('GHSA-4mq7-pvjg-xp2r: ask their own endpoint, whatever another endpoint said about the token', async () => {
    const [one, other] = [await createEndpoint(active()), await createEndpoint({ active: false })];
    await createApi(one).get('token').expect(200);
    const api = createApi(other);
    expect((await api.get('token').expect(401)).headers['www-authenticate']).toBe(INVALID_TOKEN);
    await createApi(one).get('token').expect(200);
    expect([one.asked.length, other.asked.length, api.reached()]).toEqual([2, 1, 0]);
  });

  it('share no introspection request that is on its way', async () => {
    const reply = createDeferred();
    const one = await createEndpoint(() => reply.promise.then(() => active()));
    const other = await createEndpoint(() => reply.promise.then(() => ({ active: false })));
    const urls = await Promise.all([one, other].map(async (endpoint) => (await serve(createApi(endpoint).app)).url));
    const statuses = Promise.all(
      urls.map(async (url) => (await fetch(url, { headers: { authorization: 'Bearer token' } })).status),
    );
    await until(() => one.asked.length + other.asked.length === 2);
    reply.resolve();
    expect(await statuses).toEqual([200, 401]);
  });

  it.each<[string, Partial<TokenIntrospectionOptions>]>([
    ['client identifier', { clientAuth: clientSecretBasic('other', 'secret') }],
    ['parameters', { parameters: { resource: 'b' } }],
    ['headers', { headers: { 'x-tenant': 'b' } }],
    ['token parameter', { tokenParameter: 'access_token' }],
    ['request format', { requestFormat: 'json' }],
  ])('GHSA-vxv2-8j6r-pcpg: share no response when they differ in %s', async (_title, options) => {
    const endpoint: Endpoint = await createEndpoint(() => active({ sub: `answer ${endpoint.asked.length}` }));
    const [one, other] = [createApi(endpoint), createApi(endpoint, options)];
    const subjects: unknown[] = [];
    for (const api of [one, other, one, other]) subjects.push((await api.get('token').expect(200)).body.auth.sub);
    expect(subjects).toEqual(['answer 1', 'answer 2', 'answer 1', 'answer 2']);
    one.authenticate.invalidate({ token: 'token' });
    expect((await other.get('token').expect(200)).body.auth.sub).toBe('answer 2');
    expect((await one.get('token').expect(200)).body.auth.sub).toBe('answer 3');
  });

  it('cache the responses of two endpoints about many tokens separately, in turns and at once', async () => {
    const answering = (name: string) => createEndpoint(({ form }) => active({ sub: `${name} ${form.get('token')}` }));
    const apis = [createApi(await answering('one')), createApi(await answering('other'))];
    const urls = await Promise.all(apis.map(async ({ app }) => (await serve(app)).url));
    const tokens = Array.from({ length: 20 }, (_, index) => `token${index}`);
    for (const _time of ['asked', 'remembered']) {
      const subjects = await Promise.all(
        tokens.flatMap((token) =>
          urls.map(async (url) => (await request(url).get('/').set('Authorization', `Bearer ${token}`)).body.auth.sub),
        ),
      );
      expect(subjects).toEqual(tokens.flatMap((token) => [`one ${token}`, `other ${token}`]));
    }
    expect(apis.map(({ authenticate }) => authenticate.stats().endpointCalls)).toEqual([20, 20]);
  });

  it('check only their own response on a request that passes both', async () => {
    const one = createAuthenticate(await createEndpoint(active({ iss: 'https://one.test', scope: 'one' })), {
      issuer: 'https://one.test',
      scopes: ['one'],
    });
    const other = createAuthenticate(await createEndpoint(active({ iss: 'https://other.test', scope: 'other' })), {
      issuer: 'https://other.test',
      scopes: ['other'],
    });
    const app = createApp(one, requireScope('one'), other, requireScope('other'));
    for (const _time of ['asked', 'remembered']) {
      expect((await get(app, 'token').expect(200)).body.auth.iss).toBe('https://other.test');
    }
    await get(createApp(one, other, requireScope('one')), 'token').expect(403);
  });
});

describe('a token', () => {
  it('GHSA-rp9m-7r4c-75qg: yields the claims of its own user, from the endpoint or the cache', async () => {
    const endpoint = await createEndpoint(({ form }) => active({ sub: `user of ${form.get('token')}` }));
    const { url } = await serve(createApi(endpoint).app);
    const tokens = Array.from({ length: 200 }, (_, index) => `token${index.toString(36)}`);
    for (const _time of ['asked', 'remembered']) {
      const subjects = await Promise.all(
        tokens.map(
          async (token) => (await request(url).get('/').set('Authorization', `Bearer ${token}`)).body.auth.sub,
        ),
      );
      expect(subjects).toEqual(tokens.map((token) => `user of ${token}`));
    }
    expect(endpoint.asked).toHaveLength(200);
  });

  it.each(['toke', 'token=', 'Token', 'token.', 'tokenX'])(
    'GHSA-6mq3-xmgp-pjm5: is introspected as %s, although token is known to be valid',
    async (token) => {
      const endpoint = await createEndpoint(({ form }) => ({ active: form.get('token') === 'token' }));
      const api = createApi(endpoint);
      await api.get('token').expect(200);
      await api.get(token).expect(401);
      expect(endpoint.asked.map(({ form }) => form.get('token'))).toEqual(['token', token]);
    },
  );

  it.each(['a%0d%0aGET', 'a%s%n', 'a:b', '*', 'a&token=good', "a'b", '{a}', 'a\tb'])(
    'CWE-74: is answered 400 without an introspection request when it is %j',
    async (token) => {
      const endpoint = await createEndpoint(active());
      const api = createApi(endpoint);
      await api.get(token).expect(400);
      expect([endpoint.asked.length, api.authenticate.stats().entries]).toEqual([0, 0]);
    },
  );

  it('CWE-74: is sent with characters that are special in forms escaped', async () => {
    const endpoint = await createEndpoint(active());
    await createApi(endpoint).get('a+b/c==').expect(200);
    expect(endpoint.asked[0]?.body).toBe('token=a%2Bb%2Fc%3D%3D');
  });
});

describe('a response of the endpoint', () => {
  it.each([
    '{}',
    '{"sub":"x"}',
    'null',
    '[]',
    '"true"',
    '1',
    'true',
    '{"active":"true"}',
    '{"active":1}',
    '{"active":null}',
    '{"scope":"read","exp":4000000000}',
  ])('GHSA-8fcc-w5hv-4gxv: that is %s causes 503, and no handler runs', async (body) => {
    const endpoint = await createEndpoint((_asked, res) => {
      res.writeHead(200, { 'content-type': 'application/json' }).end(body);
    });
    const api = createApi(endpoint);
    await api.get('token').expect(503);
    expect([api.reached(), api.authenticate.stats().entries]).toEqual([0, 0]);
  });

  it('CVE-2026-37979, CVE-2026-18208: that is inactive is not shown on req.auth, in errors or in decisions', async () => {
    const decisions = recordDecisions();
    const endpoint = await createEndpoint({ active: false, sub: 'leak', jwt: 'leak.leak.leak', scope: 'leak' });
    const seen: unknown[] = [];
    const authenticate = createAuthenticate(endpoint, {
      onReject(error, req, _res, next) {
        seen.push(error, error.headers, (req as { auth?: unknown }).auth);
        next(error);
      },
    });
    const app = createApp(authenticate);
    const response = await get(app, 'token').expect(401);
    await expect(authenticate.introspect('token')).rejects.toThrow(/^The access token is not valid/);
    expect(seen[2]).toBeUndefined();
    expect(decisions).toHaveLength(1);
    expect(JSON.stringify([seen, decisions, response.text, response.headers, String(seen[0])])).not.toContain('leak');
  });

  it('CVE-2026-31923: over TLS with an untrusted certificate causes 503', async () => {
    let asked = 0;
    const server = createServer(SELF_SIGNED, (_req, res) => {
      asked++;
      json(res, active());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const api = createApi({ url: `https://127.0.0.1:${port}/introspect` });
    await api.get('token').expect(503);
    await new Promise((resolve) => server.close(resolve));
    expect([api.reached(), asked]).toEqual([0, 0]);
  });

  it.each<[string, Partial<TokenIntrospectionOptions>]>([
    ['issuer', { issuer: 'https://as.test' }],
    ['audience', { audience: 'api' }],
  ])('without the expected %s causes 401', async (_title, options) => {
    const endpoint = await createEndpoint(active());
    expect((await createApi(endpoint, options).get('token').expect(401)).headers['www-authenticate']).toBe(
      INVALID_TOKEN,
    );
  });

  it('cannot change any prototype', async () => {
    const endpoint = await createEndpoint((_asked, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(
        '{"active":true,"scope":"read","__proto__":{"scope":"admin","admin":true},"constructor":{"prototype":{"admin":true}},"nested":{"__proto__":{"admin":true}}}',
      );
    });
    const check: RequestHandler = (req, res) => {
      const { auth } = req as unknown as { auth: { admin?: unknown; nested: { admin?: unknown } } };
      res.json([
        auth.admin,
        auth.nested.admin,
        ({} as { admin?: unknown }).admin,
        Object.getPrototypeOf(auth) === Object.prototype,
      ]);
    };
    const authenticate = createAuthenticate(endpoint);
    expect((await get(createApp(authenticate, check), 'token').expect(200)).body).toEqual([null, null, null, true]);
    await get(createApp(authenticate, requireScope('admin')), 'token').expect(403);
  });
});

describe('data from a client', () => {
  it.each(['X-Userinfo', 'X-Auth-Request-User', 'X-Forwarded-User', 'X-Introspection', 'Auth'])(
    'CVE-2026-44087, CVE-2026-39998: in a %s header is no identity',
    async (name) => {
      const endpoint = await createEndpoint(active({ sub: 'alice' }));
      const claims = JSON.stringify({ active: true, sub: 'mallory', scope: 'admin' });
      const api = createApi(endpoint, { optional: true });
      expect((await api.get().set(name, claims).expect(200)).body).toEqual({ auth: null });
      expect((await api.get('token').set(name, claims).expect(200)).body.auth.sub).toBe('alice');
    },
  );

  it('CVE-2026-44087, CVE-2026-39998: that a parser put on req.auth is removed, with and without a token', async () => {
    const endpoint = await createEndpoint(active({ sub: 'alice' }));
    const parse: RequestHandler = (req, _res, next) => {
      Object.assign(req, { auth: { active: true, sub: 'mallory', scope: 'admin' } });
      next();
    };
    const app = createApp(parse, createAuthenticate(endpoint, { optional: true }));
    expect((await get(app).expect(200)).body).toEqual({ auth: null });
    expect((await get(app, 'token').expect(200)).body.auth).not.toMatchObject({ sub: 'mallory' });
  });
});

describe('tokenIntrospection', () => {
  it('throws when neither an audience nor false is given', () => {
    const options = { endpoint: 'https://as.test', clientAuth: clientSecretBasic('api', 'secret') };
    expect(() => tokenIntrospection(options as TokenIntrospectionOptions)).toThrow(/"audience" is missing.*false/);
  });
});

describe('a rejected request', () => {
  it.each<[string, object, string | undefined, number, string | undefined]>([
    ['without credentials', active(), undefined, 401, BARE],
    ['with a bad token', { active: false }, 'bad', 401, INVALID_TOKEN],
    ['with too little scope', active({ scope: '' }), 'weak', 403, insufficientScope('read')],
    ['while the endpoint is out of order', { active: 'yes' }, 'any', 503, undefined],
  ])('is answered once, with its status, and ended: %s', async (_title, script, token, status, challenge) => {
    const endpoint = await createEndpoint(script);
    const ends: number[] = [];
    const count: RequestHandler = (_req, res, next) => {
      const end = res.end.bind(res);
      res.end = ((...args: Parameters<typeof end>) => {
        ends.push(res.statusCode);
        return end(...args);
      }) as typeof res.end;
      next();
    };
    const app = createApp(count, createAuthenticate(endpoint, { scopes: token === 'weak' ? ['read'] : [] }));
    const response = await get(app, token).expect(status);
    expect(response.headers['www-authenticate']).toBe(challenge);
    expect([ends, app.reached()]).toEqual([[status], 0]);
  });
});
