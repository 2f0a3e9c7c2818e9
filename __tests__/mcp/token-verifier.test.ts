import type { Express, RequestHandler } from 'express';
import { requireFresh, requireScope, type TokenIntrospectionOptions } from '../../lib/index.js';
import { type AuthInfo, type McpTokenVerifierOptions, mcpTokenVerifier, type SdkErrors } from '../../lib/mcp/index.js';
import { getSocketAuth, keepAuthenticated } from '../../lib/websocket/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { type BearerAuthOptions, REQUIRE_BEARER_AUTH, SDK_ERRORS } from '../support/mcp-sdk.js';
import { until } from '../support/until.js';

const AUDIENCE = 'https://mcp.example.com/mcp';
const METADATA = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';

async function createSetup(
  script: Script,
  options: Partial<TokenIntrospectionOptions> = {},
  errors: SdkErrors = SDK_ERRORS['version 1'],
) {
  const endpoint = await createEndpoint(script);
  const authenticate = createAuthenticate(endpoint, { audience: AUDIENCE, resourceMetadata: METADATA, ...options });
  return { endpoint, authenticate, verifier: mcpTokenVerifier(authenticate, { errors }) };
}

const good = (claims: Record<string, unknown> = {}) =>
  active({ aud: AUDIENCE, iss: 'https://as.example.com', ...claims });

function authOf(req: unknown): AuthInfo {
  return (req as { auth: AuthInfo }).auth;
}

describe.each(REQUIRE_BEARER_AUTH)("behind the SDK's requireBearerAuth of %s", (version, requireBearerAuth) => {
  const errors = SDK_ERRORS[version];

  async function createSdkApp(
    script: Script,
    options: Partial<TokenIntrospectionOptions> = {},
    sdk: Partial<BearerAuthOptions> = {},
  ) {
    const setup = await createSetup(script, options, errors);
    const app = createApp(requireBearerAuth({ verifier: setup.verifier, resourceMetadataUrl: METADATA, ...sdk }));
    return { ...setup, ...app };
  }

  it('a valid token reaches the handler with an AuthInfo, whose JSON has no token', async () => {
    const app = await createSdkApp(good({ exp: 4_000_000_000 }));
    const { body } = await get(app, 'secret-token').expect(200);
    expect(body.auth).toEqual({
      clientId: 'app',
      scopes: ['read', 'write'],
      expiresAt: 4_000_000_000,
      resource: AUDIENCE,
      resourceMetadataUrl: METADATA,
      extra: good({ exp: 4_000_000_000 }),
    });
  });

  it('handlers can read the token', async () => {
    const { verifier } = await createSetup(good(), {}, errors);
    let token: unknown;
    const app = createApp(requireBearerAuth({ verifier, resourceMetadataUrl: METADATA }), (req, _res, next) => {
      token = authOf(req).token;
      next();
    });
    await get(app, 'secret-token').expect(200);
    expect(token).toBe('secret-token');
  });

  it.each([
    ['an inactive token', { active: false }],
    ['a token for another audience', good({ aud: 'https://other.example.com' })],
    ['a token without an audience', good({ aud: undefined })],
    ['an expired token', good({ exp: 1 })],
    ['a refresh token', good({ token_type: 'refresh_token' })],
    ['a token bound to a key', good({ cnf: { jkt: 'abc' } })],
  ])('%s is answered 401 invalid_token', async (_what, reply) => {
    const app = await createSdkApp(reply);
    const { headers, body } = await get(app, 'abc').expect(401);
    expect(headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", .*resource_metadata="/);
    expect(body).toMatchObject({ error: 'invalid_token' });
    expect(app.reached()).toBe(0);
  });

  it('the SDK rejects a valid token without exp', async () => {
    const app = await createSdkApp(good({ exp: undefined }));
    const { body } = await get(app, 'abc').expect(401);
    expect(body.error_description).toBe('Token has no expiration time');
    expect(app.authenticate.stats().entries).toBe(1);
  });

  it('a missing scope of the SDK is answered 403 insufficient_scope with all required scopes', async () => {
    const app = await createSdkApp(good(), {}, { requiredScopes: ['read', 'files:read'] });
    const { headers } = await get(app, 'abc').expect(403);
    expect(headers['www-authenticate']).toContain('scope="read files:read"');
  });

  it('a missing scope of the middleware is answered 403 insufficient_scope', async () => {
    const app = await createSdkApp(good(), { scopes: ['files:read'] });
    const { headers, body } = await get(app, 'abc').expect(403);
    expect(headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope"/);
    expect(body).toMatchObject({ error: 'insufficient_scope' });
  });

  it('a malformed token is answered 400 invalid_request', async () => {
    const app = await createSdkApp(good());
    const { body } = await get(app, 'a,b').expect(400);
    expect(body).toMatchObject({ error: 'invalid_request' });
    expect(app.endpoint.asked).toEqual([]);
  });

  it('an outage is answered 500 server_error, never invalid_token, and reveals no cause', async () => {
    const decisions = recordDecisions();
    const app = await createSdkApp((_asked, res) => json(res, { error: 'invalid_client' }, 401));
    const { headers, body } = await get(app, 'abc').expect(500);
    expect(body).toEqual({
      error: 'server_error',
      error_description: 'The token cannot be verified at the moment',
    });
    expect(headers).not.toHaveProperty('www-authenticate');
    expect(decisions).toMatchObject([{ by: 'mcpTokenVerifier', outcome: 'outage', reason: 'client_rejected' }]);
  });

  it('expectedResource accepts one of several audiences of the token', async () => {
    const audience = ['mcp', `${AUDIENCE}/`, AUDIENCE];
    const script = good({ aud: ['mcp', AUDIENCE] });
    const app = await createSdkApp(script, { audience }, { expectedResource: new URL(AUDIENCE) });
    const { body } = await get(app, 'abc').expect(200);
    expect(body.auth.resource).toBe(AUDIENCE);
  });

  it('guards behind it check the AuthInfo on the request and respond as usual', async () => {
    const { verifier } = await createSetup(good());
    const bearerAuth = requireBearerAuth({ verifier, resourceMetadataUrl: METADATA });
    await get(createApp(bearerAuth, requireScope('read')), 'abc').expect(200);
    const { headers } = await get(createApp(bearerAuth, requireScope('admin')), 'abc').expect(403);
    expect(headers['www-authenticate']).toBe(
      `Bearer realm="api", error="insufficient_scope", error_description="The access token does not grant what this resource requires", scope="admin", resource_metadata="${METADATA}"`,
    );
  });

  it('changes of a handler to the AuthInfo grant no access', async () => {
    const { verifier } = await createSetup(good());
    const widen: RequestHandler = (req, _res, next) => {
      authOf(req).scopes.push('admin');
      next();
    };
    await get(createApp(requireBearerAuth({ verifier }), widen, requireScope('admin')), 'abc').expect(403);
  });

  it('a fresh response makes a new AuthInfo', async () => {
    const { endpoint, verifier } = await createSetup(good());
    const app = createApp(requireBearerAuth({ verifier }), requireFresh({ maxAgeSeconds: 0 }));
    await get(app, 'abc').expect(200);
    endpoint.script = good({ scope: 'read', sub: 'bob' });
    const { body } = await get(app, 'abc').expect(200);
    expect(body.auth).toMatchObject({ clientId: 'app', scopes: ['read'], extra: { sub: 'bob' } });
  });
});

describe('mcpTokenVerifier', () => {
  it('makes an AuthInfo for one request: guards reject it on a second one', async () => {
    const { verifier } = await createSetup(good());
    const auth = await verifier.verifyAccessToken('abc');
    const app = createApp((req, _res, next) => {
      Object.assign(req, { auth });
      next();
    }, requireScope('read'));
    await get(app).expect(200);
    await get(app).expect(500);
    expect(String(app.errors[0])).toContain('found a req.auth that tokenIntrospection() did not set');
  });

  it('dates an AuthInfo by its introspection request, even when a guard meets it later', async () => {
    const clock = createClock(Math.floor(Date.now() / 1000));
    const { endpoint, verifier } = await createSetup(good(), { clock });
    const kept = [await verifier.verifyAccessToken('abc'), await verifier.verifyAccessToken('abc')];
    const app = createApp(
      (req, _res, next) => {
        Object.assign(req, { auth: kept.pop() });
        next();
      },
      requireFresh({ maxAgeSeconds: 10 }),
    );
    clock.advance(10);
    await get(app).expect(200);
    expect(endpoint.asked).toHaveLength(1);
    clock.advance(1);
    endpoint.script = { active: false };
    await get(app).expect(401);
    expect([endpoint.asked.length, app.reached()]).toEqual([2, 1]);
  });

  it('publishes its decisions, each with the digest of its token', async () => {
    const decisions = recordDecisions();
    const { endpoint, verifier } = await createSetup(good());
    await verifier.verifyAccessToken('abc');
    endpoint.script = { active: false };
    await expect(verifier.verifyAccessToken('def')).rejects.toThrow('not valid');
    await expect(verifier.verifyAccessToken('p@ssword,')).rejects.toThrow();
    const digest = expect.any(String);
    expect(decisions).toEqual([
      { by: 'mcpTokenVerifier', outcome: 'accepted', tokenDigest: digest },
      { by: 'mcpTokenVerifier', outcome: 'rejected', status: 401, reason: 'inactive', tokenDigest: digest },
      { by: 'mcpTokenVerifier', outcome: 'rejected', status: 400, reason: 'malformed_credentials' },
    ]);
  });

  it('passes on an exception of the app', async () => {
    const broken = new Error('broken');
    const { verifier } = await createSetup(good(), {
      scopes: ['read'],
      satisfiesScope: () => {
        throw broken;
      },
    });
    await expect(verifier.verifyAccessToken('abc')).rejects.toBe(broken);
  });

  it('throws only the error classes it was given', async () => {
    class Own extends Error {
      constructor(
        readonly code: string,
        message: string,
      ) {
        super(message);
      }
    }
    const endpoint = await createEndpoint({ active: false });
    const authenticate = createAuthenticate(endpoint, { audience: AUDIENCE, resourceMetadata: METADATA });
    const verifier = mcpTokenVerifier(authenticate, { errors: { OAuthError: Own } });
    const error = await verifier.verifyAccessToken('abc').catch((thrown) => thrown);
    expect(error).toBeInstanceOf(Own);
    expect([error.code, Object.getOwnPropertySymbols(error)]).toEqual(['invalid_token', []]);
  });

  it.each([
    [{ errors: {} as SdkErrors }, 'errors'],
    [{ errors: null as unknown as SdkErrors }, 'errors'],
    [{ requiredScopes: ['a'] }, 'requiredScopes'],
  ])('throws for %j', async (options, name) => {
    const { authenticate } = await createSetup(good());
    const create = () => mcpTokenVerifier(authenticate, options as McpTokenVerifierOptions);
    expect(create).toThrow(`Option "${name}"`);
    expect(create).toThrow(TypeError);
  });

  it.each([
    ['something else', undefined as unknown as Express, 'authenticate'],
    ['an app', (() => {}) as unknown as Express, 'authenticate'],
  ])('throws for %s instead of a middleware', (_what, given, name) => {
    expect(() => mcpTokenVerifier(given as never, { errors: SDK_ERRORS['version 1'] })).toThrow(`Option "${name}"`);
  });
});

describe('a socket of a session that the verifier began', () => {
  it('has its claims, also from later responses', async () => {
    let sub = 'alice';
    const { verifier } = await createSetup((_asked, res) => json(res, good({ sub })), { cache: { ttlSeconds: 1 } });
    const socket = { readyState: 1, close: jest.fn(), addEventListener: jest.fn() };
    keepAuthenticated(socket, await verifier.verifyAccessToken('token'));
    expect(getSocketAuth(socket).sub).toBe('alice');
    sub = 'renewed';
    await until(() => getSocketAuth(socket).sub !== 'alice');
    expect(getSocketAuth(socket)).toEqual(good({ sub: 'renewed' }));
  });
});
