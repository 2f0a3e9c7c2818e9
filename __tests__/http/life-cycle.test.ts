import { inspect } from 'node:util';
import { Agent } from 'undici';
import { AuthError, clientSecretBasic, IntrospectionError, tokenIntrospection } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { insufficientScope } from '../support/challenges.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, json } from '../support/endpoint.js';
import { createRawServer, response } from '../support/raw-server.js';
import { until } from '../support/until.js';

describe('close', () => {
  it('makes the middleware and everything derived answer 503, even to cached tokens', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    const derived = authenticate.with({ scopes: ['read'] });
    const [app, behind] = [createApp(authenticate), createApp(derived)];
    await get(app, 'known').expect(200);
    await authenticate.close();
    for (const [api, token] of [
      [app, 'known'],
      [app, 'unknown'],
      [behind, 'known'],
    ] as const) {
      expect((await get(api, token).expect(503)).headers['retry-after']).toBe('1');
    }
    expect(app.errors).toEqual(Array(2).fill(expect.objectContaining({ code: 'closed' })));
    expect(endpoint.asked).toHaveLength(1);
    expect(authenticate.stats().entries).toBe(0);
  });

  it('waits for an introspection request that is on its way', async () => {
    const reply = createDeferred<object>();
    const endpoint = await createEndpoint(() => reply.promise);
    const api = createApi(endpoint);
    const response = api.get('token').expect(200).then();
    await until(() => endpoint.asked.length === 1);
    const order: string[] = [];
    const closed = api.authenticate.close().then(() => order.push('closed'));
    reply.resolve(active());
    await response;
    order.unshift('answered');
    await closed;
    expect(order).toEqual(['answered', 'closed']);
    expect(api.authenticate.stats().entries).toBe(0);
  });

  it('closes its connections', async () => {
    const server = await createRawServer(({ socket }) => void socket.write(response('{"active":true}')));
    const api = createApi({ url: `http://127.0.0.1:${server.port}/` });
    await api.get('token').expect(200);
    expect(server.open()).toBe(1);
    await api.authenticate.close();
    await until(() => server.open() === 0);
  });

  it('may be called again, and before the first request', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    await Promise.all([authenticate.close(), authenticate.close()]);
    await authenticate.close();
  });

  it.each([true, false])("does not close a dispatcher of the user's own (cache: %p)", async (cached) => {
    const endpoint = await createEndpoint(active());
    const dispatcher = new Agent();
    try {
      const first = createApi(endpoint, { dispatcher, cache: cached ? {} : false });
      await first.get('token').expect(200);
      await first.authenticate.close();
      await first.get('token').expect(503);
      await createApi(endpoint, { dispatcher }).get('token').expect(200);
    } finally {
      await dispatcher.close();
    }
  });
});

describe('introspect', () => {
  it('returns the claims of a valid token, from the cache if they are there, in an object of its own', async () => {
    const claims = active({ exp: 4_000_000_000, list: ['a'] });
    const endpoint = await createEndpoint(claims);
    const api = createApi(endpoint);
    await api.get('token').expect(200);
    const first = await api.authenticate.introspect('token');
    expect(first).toEqual(claims);
    first.sub = 'mallory';
    expect(await api.authenticate.introspect('token')).toEqual(claims);
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each<[string, string, object, object]>([
    ['a malformed token', 'a b', active(), { status: 400, code: 'invalid_request', reason: 'malformed_credentials' }],
    ['an empty token', '', active(), { status: 400, reason: 'malformed_credentials' }],
    ['a token too long', 'a'.repeat(8193), active(), { status: 400, reason: 'token_too_long' }],
    ['an inactive token', 'x', { active: false }, { status: 401, code: 'invalid_token', reason: 'inactive' }],
    ['another audience', 'x', active({ aud: 'web' }), { status: 401, reason: 'audience_mismatch' }],
    [
      'a sender-constrained token',
      'x',
      active({ aud: 'api', cnf: { jkt: 'k' } }),
      { status: 401, reason: 'sender_constrained' },
    ],
    [
      'a missing scope',
      'x',
      active({ aud: 'api', scope: '' }),
      { status: 403, reason: 'insufficient_scope', scopes: ['read'] },
    ],
  ])('throws the error that the middleware would respond with: %s', async (_title, token, script, expected) => {
    const endpoint = await createEndpoint(script);
    const authenticate = createAuthenticate(endpoint, { audience: 'api', scopes: ['read'] });
    const error = await authenticate.introspect(token).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject(expected);
  });

  it('puts the challenge of the middleware on the error', async () => {
    const endpoint = await createEndpoint(active({ scope: '' }));
    const authenticate = createAuthenticate(endpoint, { scopes: ['read'] });
    await expect(authenticate.introspect('x')).rejects.toMatchObject({
      statusCode: 403,
      headers: { 'WWW-Authenticate': insufficientScope('read'), 'Cache-Control': 'no-store' },
    });
  });

  it('throws IntrospectionError when the endpoint fails, and after close()', async () => {
    const endpoint = await createEndpoint((_asked, res) => json(res, {}, 500));
    const authenticate = createAuthenticate(endpoint);
    const error = await authenticate.introspect('x').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(IntrospectionError);
    expect(error).toMatchObject({ code: 'server_error', status: 503, retryAfterSeconds: 1 });
    await authenticate.close();
    await expect(authenticate.introspect('x')).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('tokenIntrospection', () => {
  it('returns a named function of three parameters, so that every framework accepts it', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    expect([authenticate.name, authenticate.length]).toEqual(['tokenIntrospectionMiddleware', 3]);
    expect(inspect(authenticate)).not.toContain('secret');
  });

  it("neither changes the caller's options nor notices later changes to them", async () => {
    const endpoint = await createEndpoint(active({ aud: 'api', scope: 'read' }));
    const options = {
      endpoint: endpoint.url,
      clientAuth: clientSecretBasic('api', 'secret'),
      audience: ['api'],
      scopes: ['read'],
      parameters: { resource: 'a' },
      headers: { 'X-Tenant': 'a' },
      cache: { ttlSeconds: 60 },
    };
    const before = structuredClone({ ...options, clientAuth: null });
    const authenticate = tokenIntrospection(options);
    expect({ ...options, clientAuth: null }).toEqual(before);
    options.audience[0] = 'web';
    options.scopes.push('admin');
    options.parameters.resource = 'b';
    options.headers['X-Tenant'] = 'b';
    options.cache.ttlSeconds = 0;
    await get(createApp(authenticate), 'token').expect(200);
    await get(createApp(authenticate), 'token').expect(200);
    expect(endpoint.asked).toHaveLength(1);
    expect(endpoint.asked[0]?.form.get('resource')).toBe('a');
    expect(endpoint.asked[0]?.headers['x-tenant']).toBe('a');
    await authenticate.close();
  });

  it('does not touch a response that was sent already', async () => {
    const endpoint = await createEndpoint({ active: false });
    const authenticate = createAuthenticate(endpoint);
    const app = createApp((_req, res, next) => {
      res.status(202).end('done');
      next();
    }, authenticate);
    expect((await get(app, 'bad').expect(202)).text).toBe('done');
    expect((await get(app).expect(202)).text).toBe('done');
    expect([app.errors, app.reached()]).toEqual([[], 0]);
  });
});
