import { inspect } from 'node:util';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import {
  getAuth,
  getAuthDetails,
  type PolicyOptions,
  requireClaim,
  requireFresh,
  requireScope,
  type TokenIntrospection,
  type TokenIntrospectionOptions,
} from '../../lib/index.js';
import { type AuthInfo, mcpAuthentication } from '../../lib/mcp/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { published } from '../support/published.js';

const AUDIENCE = 'https://mcp.example.com/mcp';
const METADATA = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';

const good = (claims: Record<string, unknown> = {}) => active({ aud: AUDIENCE, ...claims });

async function createSetup(
  script: Script,
  options: Partial<TokenIntrospectionOptions> = {},
  ...guards: RequestHandler[]
) {
  const clock = createClock(Math.floor(Date.now() / 1000));
  const endpoint = await createEndpoint(script);
  const authenticate = createAuthenticate(endpoint, {
    audience: AUDIENCE,
    resourceMetadata: METADATA,
    clock,
    ...options,
  });
  const seen: { req: Request; auth: AuthInfo }[] = [];
  const app = createApp(mcpAuthentication(authenticate), ...guards, (req, _res, next) => {
    seen.push({ req, auth: authOf(req) });
    next();
  });
  return { ...app, clock, endpoint, authenticate, seen, get: (token?: string) => get(app, token) };
}

function authOf(req: unknown): AuthInfo {
  return (req as { auth: AuthInfo }).auth;
}

describe('req.auth after mcpAuthentication()', () => {
  it("is the SDK's AuthInfo", async () => {
    const setup = await createSetup(good({ exp: 4_000_000_000, tenant: 'acme' }));
    const { body } = await setup.get('abc').expect(200);
    expect(body.auth).toEqual({
      clientId: 'app',
      scopes: ['read', 'write'],
      expiresAt: 4_000_000_000,
      resource: AUDIENCE,
      resourceMetadataUrl: METADATA,
      extra: good({ exp: 4_000_000_000, tenant: 'acme' }),
    });
    expect(setup.seen[0]?.auth.resource).toBeInstanceOf(URL);
  });

  it('holds the token, which JSON, inspection and copies do not show', async () => {
    const setup = await createSetup(good());
    const { text } = await setup.get('secret-token').expect(200);
    const [{ auth }] = setup.seen as [(typeof setup.seen)[0]];
    expect(auth.token).toBe('secret-token');
    const copy = { ...auth };
    expect([text, JSON.stringify(auth), inspect(auth), JSON.stringify(copy)].join()).not.toContain('secret-token');
    expect(copy).not.toHaveProperty('token');
  });

  it('has an empty clientId, no expiresAt and no resource when the endpoint does not send them', async () => {
    const reply = good({ client_id: undefined, exp: undefined, aud: 'mcp', scope: undefined });
    const setup = await createSetup(reply, { audience: ['mcp', AUDIENCE] });
    const { body } = await setup.get('abc').expect(200);
    expect(body.auth).toMatchObject({ clientId: '', scopes: [] });
    expect(Object.keys(body.auth)).not.toEqual(expect.arrayContaining(['expiresAt']));
    expect(Object.keys(body.auth)).not.toEqual(expect.arrayContaining(['resource']));
  });

  it('has the configured audience that the token names as resource', async () => {
    const setup = await createSetup(good({ aud: ['https://other.example.com', `${AUDIENCE}/`] }), {
      audience: [AUDIENCE, `${AUDIENCE}/`],
    });
    const { body } = await setup.get('abc').expect(200);
    expect(body.auth.resource).toBe(`${AUDIENCE}/`);
  });

  it('has the result of a claims schema in extra, while clientId and scopes are as the endpoint sent them', async () => {
    const claims = z.object({ client_id: z.string().toUpperCase(), level: z.coerce.number() });
    const setup = await createSetup(good({ level: '3' }), { claims });
    const { body } = await setup.get('abc').expect(200);
    expect(body.auth).toMatchObject({ clientId: 'app', extra: { client_id: 'APP', level: 3 } });
  });

  it('is an object of its own for each request and shares no part with another request', async () => {
    const setup = await createSetup(good());
    await setup.get('abc').expect(200);
    await setup.get('abc').expect(200);
    const [one, two] = setup.seen.map(({ auth }) => auth);
    expect(setup.endpoint.asked).toHaveLength(1);
    expect(one).toEqual(two);
    for (const part of ['scopes', 'resource', 'extra'] as const) expect(one?.[part]).not.toBe(two?.[part]);
  });
});

describe('behind mcpAuthentication()', () => {
  it('getAuth() returns the claims: the same object as extra, with or without the middleware', async () => {
    let claims: unknown[] = [];
    let authenticate: TokenIntrospection | undefined;
    const setup = await createSetup(good(), {}, (req, _res, next) => {
      claims = [getAuth(req), getAuth(req, authenticate as TokenIntrospection)];
      next();
    });
    authenticate = setup.authenticate;
    await setup.get('abc').expect(200);
    expect(claims).toHaveLength(2);
    for (const auth of claims) expect(auth).toBe(setup.seen[0]?.auth.extra);
    expect(getAuth(setup.seen[0]?.req as Request).sub).toBe('alice');
    expect(getAuthDetails(setup.seen[0]?.req as Request)).toMatchObject({ stale: false });
  });

  it('getAuth() throws for another middleware, even a derived one', async () => {
    const setup = await createSetup(good());
    await setup.get('abc').expect(200);
    const [{ req }] = setup.seen as [(typeof setup.seen)[0]];
    expect(() => getAuth(req, setup.authenticate.with({}))).toThrow('another middleware');
  });

  it('guards use the record, even if handlers change the AuthInfo', async () => {
    const widen: RequestHandler = (req, _res, next) => {
      authOf(req).scopes.push('admin');
      Object.assign(authOf(req).extra, { scope: 'admin', tenant: 'acme' });
      next();
    };
    await (await createSetup(good(), {}, widen, requireScope('admin'))).get('abc').expect(403);
    await (await createSetup(good(), {}, widen, requireClaim('tenant', 'acme'))).get('abc').expect(403);
    await (await createSetup(good(), {}, requireScope('read'), requireClaim('sub', 'alice'))).get('abc').expect(200);
  });

  it('guards reject an AuthInfo that other code created, and one of another request', async () => {
    const replace =
      (auth: () => unknown): RequestHandler =>
      (req, _res, next) => {
        Object.assign(req, { auth: auth() });
        next();
      };
    const first = await createSetup(good());
    await first.get('abc').expect(200);
    const [{ auth: earlier }] = first.seen as [(typeof first.seen)[0]];
    for (const auth of [{ ...earlier, token: 'abc' }, earlier]) {
      const setup = await createSetup(
        good(),
        {},
        replace(() => auth),
        requireScope('read'),
      );
      await setup.get('abc').expect(500);
      expect(setup.reached()).toBe(0);
    }
  });

  it('a fresh response makes a new AuthInfo: it keeps what the app added and drops what the app changed', async () => {
    const edit: RequestHandler = (req, _res, next) => {
      Object.assign(authOf(req), { tenant: 'acme', clientId: 'edited', expiresAt: 1 });
      next();
    };
    const setup = await createSetup(good(), {}, edit, requireFresh({ maxAgeSeconds: 0 }));
    await setup.get('abc').expect(200);
    setup.clock.advance(1);
    setup.endpoint.script = good({ scope: 'read', exp: 4_000_000_000 });
    const { body } = await setup.get('abc').expect(200);
    expect(body.auth).toMatchObject({ tenant: 'acme', clientId: 'app', expiresAt: 4_000_000_000, scopes: ['read'] });
    const [, { req, auth }] = setup.seen as [unknown, (typeof setup.seen)[0]];
    expect(auth.token).toBe('abc');
    expect(getAuth(req)).toBe(auth.extra);
  });

  it('a revoked token is answered 401 invalid_token at once when a fresh response is required', async () => {
    const setup = await createSetup(good(), {}, requireFresh({ maxAgeSeconds: 0 }));
    await setup.get('abc').expect(200);
    setup.clock.advance(1);
    setup.endpoint.script = { active: false };
    const { headers } = await setup.get('abc').expect(401);
    expect(headers['www-authenticate']).toContain(`resource_metadata="${METADATA}"`);
  });

  it('the plain middleware replaces it when mounted again, and the other way round', async () => {
    const endpoint = await createEndpoint(good());
    const authenticate = createAuthenticate(endpoint, { audience: AUDIENCE, resourceMetadata: METADATA });
    const mcp = mcpAuthentication(authenticate);
    expect((await get(createApp(mcp, authenticate), 'abc').expect(200)).body.auth).toMatchObject({ sub: 'alice' });
    expect((await get(createApp(authenticate, mcp), 'abc').expect(200)).body.auth).toMatchObject({ clientId: 'app' });
  });

  it('an outage reaches next as an error of 503 with Retry-After, never as invalid_token', async () => {
    const setup = await createSetup((_asked, res) => {
      res.setHeader('Retry-After', '7');
      json(res, {}, 503);
    });
    const { headers } = await setup.get('abc').expect(503);
    expect(headers['retry-after']).toBe('7');
    expect(headers).not.toHaveProperty('www-authenticate');
    expect(setup.errors).toMatchObject([{ name: 'IntrospectionError' }]);
  });

  it('decisions are published under the name of the middleware', async () => {
    const decisions = recordDecisions();
    await (await createSetup(good())).get('abc').expect(200);
    expect(decisions).toMatchObject([{ by: 'tokenIntrospection', outcome: 'accepted' }]);
  });
});

describe('mcpAuthentication()', () => {
  it.each([
    ['is given no audience', { audience: false }, 'audience'],
    ['lets anonymous requests through', { optional: true }, 'optional'],
    ['takes tokens from elsewhere', { getToken: () => 'abc' }, 'getToken'],
    ['takes tokens from a form', { tokenFromBody: true }, 'tokenFromBody'],
    ['requires offline_access', { scopes: ['read', 'offline_access'] }, 'scopes'],
    ['has no metadata published', { resourceMetadata: undefined }, 'resourceMetadata'],
  ] satisfies [string, PolicyOptions, string][])(
    'throws a TypeError when the middleware %s',
    async (_what, options, name) => {
      const endpoint = await createEndpoint(good());
      const authenticate = createAuthenticate(endpoint, {
        audience: AUDIENCE,
        resourceMetadata: METADATA,
        ...options,
      });
      expect(() => mcpAuthentication(authenticate)).toThrow(TypeError);
      expect(() => mcpAuthentication(authenticate)).toThrow(`Option "${name}"`);
    },
  );

  it.each([undefined, null, {}, () => {}])('throws a TypeError for %p instead of a middleware', (value) => {
    expect(() => mcpAuthentication(value as never)).toThrow('Option "authenticate"');
  });

  it('names the published metadata in the challenge, also for a derived middleware', async () => {
    const authenticate = published(createAuthenticate(await createEndpoint(good()), { audience: AUDIENCE }));
    for (const middleware of [authenticate, authenticate.with({ realm: 'api' })]) {
      const { headers } = await get(createApp(mcpAuthentication(middleware))).expect(401);
      expect(headers['www-authenticate']).toBe(`Bearer realm="api", resource_metadata="${METADATA}"`);
    }
    const { body } = await get(createApp(mcpAuthentication(authenticate)), 'abc').expect(200);
    expect(body.auth.resourceMetadataUrl).toBe(METADATA);
  });

  it('names the metadata of "resourceMetadata"', async () => {
    const resourceMetadata = 'https://mcp.example.com/metadata';
    const setup = await createSetup(good({ aud: 'mcp' }), { audience: 'mcp', resourceMetadata });
    const { headers } = await setup.get().expect(401);
    expect(headers['www-authenticate']).toBe(`Bearer realm="api", resource_metadata="${resourceMetadata}"`);
  });

  it('responds by itself when there is no next to pass an error to', async () => {
    const setup = await createSetup((_asked, res) => json(res, {}, 500));
    const mcp = mcpAuthentication(setup.authenticate);
    const app = createApp((req, res) => mcp(req, res));
    await get(app, 'abc').expect(503, { error: 'temporarily_unavailable' });
  });
});
