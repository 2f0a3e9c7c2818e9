import type { IncomingMessage } from 'node:http';
import {
  AuthError,
  bearerToken,
  type Guard,
  getAuth,
  IntrospectionError,
  requireScope,
  selectServer,
} from '../../lib/index.js';
import { invalidationEndpoint } from '../../lib/signals/index.js';
import { getSocketAuth, keepAuthenticated } from '../../lib/websocket/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { INVALID_TOKEN } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { type Asked, active, createEndpoint, type Endpoint } from '../support/endpoint.js';
import {
  createMultiServerApi,
  createMultiServerMiddleware,
  serverOptions,
  serversOf,
} from '../support/multi-server-api.js';
import { createSharedMemory } from '../support/shared-memory.js';

const SECRETS = ['s'.repeat(32)];

const twoEndpoints = () =>
  Promise.all([createEndpoint(active({ tenant: 'acme' })), createEndpoint(active({ tenant: 'beta' }))]);
const tokensOf = ({ asked }: Endpoint) => asked.map(({ form }) => form.get('token'));

const requestWith = (token: string) =>
  ({ headers: { authorization: `Bearer ${token}` }, rawHeaders: [] }) as unknown as IncomingMessage;

describe('the middleware of one server', () => {
  it('introspects only there, by its policy', async () => {
    const [acme, beta] = await twoEndpoints();
    const servers = serversOf(
      createMultiServerMiddleware({ acme: serverOptions(acme), beta: serverOptions(beta, { scopes: ['admin'] }) }),
    );
    expect(await servers.acme?.introspect('b1')).toMatchObject({ tenant: 'acme' });
    const rejection = await servers.beta?.introspect('b1').catch((error: unknown) => error);
    expect(rejection).toBeInstanceOf(AuthError);
    expect((rejection as AuthError).headers['WWW-Authenticate']).toMatch(/scope="admin"$/);
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([['b1'], ['b1']]);
  });

  it('shares its cache with the requests, and counts only its own lookups', async () => {
    const [acme, beta] = await twoEndpoints();
    const { authenticate, get } = createMultiServerApi(acme, beta);
    await get('a').expect(200);
    await get('a').expect(200);
    await serversOf(authenticate).acme?.introspect('a');
    await get('b').expect(200);
    expect(serversOf(authenticate).acme?.stats()).toMatchObject({ hits: 2, misses: 1, endpointCalls: 1, entries: 1 });
    expect(serversOf(authenticate).beta?.stats()).toMatchObject({ hits: 0, misses: 1, endpointCalls: 1, entries: 1 });
    expect(authenticate.stats()).toEqual({ hits: 2, misses: 2, coalesced: 0, stale: 0, endpointCalls: 2, entries: 2 });
  });
});

describe('invalidate()', () => {
  it('removes from all servers, or from the one it is called on', async () => {
    const [acme, beta] = await twoEndpoints();
    const { authenticate, get } = createMultiServerApi(acme, beta);
    const ask = async () => {
      await get('a').expect(200);
      await get('b').expect(200);
      return [acme.asked.length, beta.asked.length];
    };
    expect(await ask()).toEqual([1, 1]);
    await authenticate.invalidate({ sub: 'alice' });
    expect(await ask()).toEqual([2, 2]);
    await serversOf(authenticate).beta?.invalidate({ sub: 'alice' });
    expect(await ask()).toEqual([2, 3]);
    await authenticate.invalidate({ token: 'a' });
    expect(await ask()).toEqual([3, 3]);
  });

  it('throws for a target that a single server rejects', async () => {
    const { authenticate } = createMultiServerApi(...(await twoEndpoints()));
    expect(() => authenticate.invalidate({ sub: '' })).toThrow(TypeError);
    expect(() => authenticate.invalidate({ sub: 'a', jti: 'b' })).toThrow(TypeError);
    expect(() => authenticate.invalidate({ token: 'a b' })).toThrow(AuthError);
  });

  it('is called by an invalidation endpoint, for all servers or for one', async () => {
    const { authenticate } = createMultiServerApi(...(await twoEndpoints()));
    const secret = 's'.repeat(32);
    expect(invalidationEndpoint({ authenticate, secret })).toBeInstanceOf(Function);
    expect(invalidationEndpoint({ authenticate: serversOf(authenticate).acme as never, secret })).toBeInstanceOf(
      Function,
    );
  });
});

describe('authenticateRequest()', () => {
  it('checks the token at the selected server', async () => {
    const [acme, beta] = await twoEndpoints();
    const { authenticate } = createMultiServerApi(acme, beta, { scopes: ['read'] });
    expect(await authenticate.authenticateRequest(requestWith('b'))).toMatchObject({ tenant: 'beta' });
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([[], ['b']]);
  });

  it('rejects with the challenge and asks no server when none is selected', async () => {
    const [acme, beta] = await twoEndpoints();
    const { authenticate } = createMultiServerApi(acme, beta);
    const rejection = await authenticate.authenticateRequest(requestWith('x')).catch((error: unknown) => error);
    expect(rejection).toMatchObject({ reason: 'no_authorization_server', status: 401 });
    expect((rejection as AuthError).headers).toMatchObject({ 'WWW-Authenticate': INVALID_TOKEN });
    const api = createMultiServerApi(acme, beta, {}, () => 'unknown');
    await expect(api.authenticate.authenticateRequest(requestWith('a'))).rejects.toThrow(TypeError);
    expect([acme.asked, beta.asked]).toEqual([[], []]);
  });
});

describe('getAuth()', () => {
  it('accepts the middleware, or the server that was selected', async () => {
    const [acme, beta] = await twoEndpoints();
    const authenticate = createMultiServerMiddleware({ acme: serverOptions(acme), beta: serverOptions(beta) });
    const derived = authenticate.with({ realm: 'derived' });
    const outcome = async (middleware: unknown, token = 'a') => {
      const app = createApp(authenticate as never, (req, _res, next) => {
        getAuth(req, middleware as never);
        next();
      });
      return (await get(app, token)).status;
    };
    expect(await outcome(authenticate)).toBe(200);
    expect(await outcome(authenticate, 'b')).toBe(200);
    expect(await outcome(serversOf(authenticate).acme)).toBe(200);
    expect(await outcome(serversOf(authenticate).acme, 'b')).toBe(500);
    expect(await outcome(serversOf(authenticate).beta)).toBe(500);
    expect(await outcome(derived)).toBe(500);
    expect(await outcome(createAuthenticate(acme))).toBe(500);
  });
});

describe('getSocketAuth()', () => {
  it('accepts the middleware, or the server that was selected', async () => {
    const [acme, beta] = await twoEndpoints();
    const authenticate = createMultiServerMiddleware({ acme: serverOptions(acme), beta: serverOptions(beta) });
    const socket = { readyState: 1, close() {}, addEventListener() {} };
    keepAuthenticated(socket, await authenticate.authenticateRequest(requestWith('a')));
    expect(getSocketAuth(socket, authenticate)).toMatchObject({ tenant: 'acme' });
    expect(getSocketAuth(socket, serversOf(authenticate).acme as never)).toMatchObject({ tenant: 'acme' });
    expect(() => getSocketAuth(socket, serversOf(authenticate).beta as never)).toThrow('another middleware');
  });
});

describe('with()', () => {
  it('derives all servers, with the same caches', async () => {
    const [acme, beta] = await twoEndpoints();
    const { authenticate, get: ask } = createMultiServerApi(acme, beta);
    await ask('a').expect(200);
    const app = createApp(authenticate.with({ scopes: ['admin'], realm: 'inner', optional: true }) as never);
    const rejection = await get(app, 'a').expect(403);
    expect(rejection.headers['www-authenticate']).toMatch(/^Bearer realm="inner", .*scope="admin"$/);
    await get(app, 'b').expect(403);
    await get(app).expect(200);
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([['a'], ['b']]);
  });

  it('replaces options of each server, and can be called again on the result', async () => {
    const acme = await createEndpoint(active({ aud: 'two', scope: 'read' }));
    const authenticate = createMultiServerMiddleware({
      acme: serverOptions(acme, { audience: 'one', scopes: ['read'] }),
    });
    const second = authenticate.with({ audience: 'two' });
    await get(createApp(authenticate as never), 'a').expect(401);
    await get(createApp(second as never), 'a').expect(200);
    await get(createApp(second.with({ scopes: ['admin'] }) as never), 'a').expect(403);
    expect(second).not.toHaveProperty('close');
    expect(second).not.toHaveProperty('verifyConfiguration');
  });

  it('rejects options of the authorization server and unknown options', async () => {
    const { authenticate } = createMultiServerApi(...(await twoEndpoints()));
    for (const wrong of [{ select: () => 'acme' }, { authorizationServers: {} }, { timeoutMs: 1 }]) {
      expect(() => authenticate.with(wrong as never)).toThrow(
        /^Option "\w+" is not known here; write one of audience, /,
      );
    }
  });
});

describe('two middlewares on one request', () => {
  it.each<[string, boolean, boolean]>([
    ['selected by the same selectServer()', false, false],
    ['selected by another selectServer() over the same servers', true, false],
    ['asked by its own middleware', false, true],
  ])('answer 500 when the first server, %s, is not the one that is selected then', async (_, isOther, isDirect) => {
    const [acme, beta] = await twoEndpoints();
    const servers = { acme: createAuthenticate(acme), beta: createAuthenticate(beta) };
    let name: 'acme' | 'beta' = 'acme';
    const select = () => name;
    const [one, other] = [selectServer(servers, select) as Guard, selectServer(servers, select) as Guard];
    const app = createApp(
      one,
      requireScope('read'),
      ...(isDirect ? [servers.acme] : []),
      (_req, _res, next) => {
        name = 'beta';
        next();
      },
      isOther ? other : one,
    );
    await get(app, 'same').expect(500);
    expect([String(app.errors[0]), app.reached(), beta.asked]).toEqual([
      expect.stringMatching(/^TypeError: "select" returned another name/),
      0,
      [],
    ]);
  });
});

it.each<[name: unknown, status: number]>([
  ['__proto__', 200],
  ['constructor', 500],
  [['__proto__'], 500],
  [null, 500],
  [undefined, 401],
])('a server may be named "__proto__": the name %j leads to %d', async (name, status) => {
  const authenticate = createAuthenticate(await createEndpoint(active()));
  const selecting = selectServer({ ['__proto__']: authenticate }, () => name as never);
  await get(createApp(selecting as Guard), 'abc').expect(status);
});

describe('verifyConfiguration()', () => {
  it('reports on each server by its name', async () => {
    const [acme, beta] = await twoEndpoints();
    acme.script = { active: false };
    const { authenticate } = createMultiServerApi(acme, beta);
    const report = await authenticate.verifyConfiguration();
    expect(report).toMatchObject({
      acme: { ok: true, endpoint: acme.url },
      beta: { ok: false, problem: { code: 'accepts_any_token' } },
    });
    expect(await serversOf(authenticate).acme?.verifyConfiguration()).toMatchObject({ ok: true });
    await authenticate.close();
    await expect(authenticate.verifyConfiguration()).rejects.toThrow(IntrospectionError);
  });
});

describe('one store for several servers', () => {
  it('keeps their responses apart', async () => {
    const [acme, beta] = await twoEndpoints();
    const memory = createSharedMemory();
    const clock = createClock(Date.now() / 1000);
    let name = 'acme';
    const start = () => {
      const cache = { store: memory.connect(), secrets: SECRETS };
      return createMultiServerMiddleware(
        { acme: serverOptions(acme, { cache }), beta: serverOptions(beta, { cache }) },
        { clock },
        () => name,
      );
    };
    const both = [start(), start()];
    // Wait until each has read the revocation log for the first time.
    await new Promise((resolve) => setImmediate(resolve));
    for (const authenticate of both) {
      for (name of ['acme', 'beta']) {
        expect(await authenticate.authenticateRequest(requestWith('same'))).toMatchObject({ tenant: name });
      }
    }
    expect([tokensOf(acme), tokensOf(beta)]).toEqual([['same'], ['same']]);
  });

  it('works for one endpoint with several tenants when each has a namespace, and keeps those apart too', async () => {
    const endpoint = await createEndpoint(({ headers }: Asked) =>
      headers.authorization === 'Bearer of-acme' ? active({ tenant: 'acme' }) : { active: false },
    );
    const store = createSharedMemory().connect();
    const clock = createClock(Date.now() / 1000);
    const tenant = (name: string, namespace: string) =>
      serverOptions(endpoint, {
        clientAuth: bearerToken(() => `of-${name}`),
        cache: { store, secrets: SECRETS, namespace },
      });
    let name = 'acme';
    const start = (...[acme, beta]: [string, string]) =>
      createMultiServerMiddleware({ acme: tenant('acme', acme), beta: tenant('beta', beta) }, { clock }, () => name);
    const app = createApp(start('acme', 'beta') as never);
    await get(app, 'same').expect(200);
    name = 'beta';
    await get(app, 'same').expect(401);
    expect([endpoint.asked.length, app.reached()]).toEqual([2, 1]);
  });

  it('of the first one also holds the DPoP proofs of all, unless "replayStore" is given', async () => {
    const [acme, beta] = await twoEndpoints();
    const store = createSharedMemory().connect();
    const { createSender, ORIGIN } = await import('../support/dpop-sender.js');
    const { boundTo, sendBound } = await import('../support/dpop.js');
    const [sender, clock] = [await createSender(), createClock()];
    beta.script = boundTo(sender);
    const app = createApp(
      createMultiServerMiddleware(
        { acme: serverOptions(acme, { cache: { store, secrets: SECRETS } }), beta: serverOptions(beta) },
        { clock, dpop: { origin: ORIGIN } },
      ) as never,
    );
    await sendBound(app, 'b', await sender.proof('b', clock)).expect(200);
    expect(store.calls).toContain('setIfAbsent');
  });
});
