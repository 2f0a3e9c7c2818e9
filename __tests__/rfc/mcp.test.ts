import type { RequestHandler } from 'express';
import {
  clientSecretBasic,
  requireScope,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { mcpAuthentication, mcpTokenVerifier } from '../../lib/mcp/index.js';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { active, createEndpoint, type Script } from '../support/endpoint.js';
import { SDK_ERRORS } from '../support/mcp-sdk.js';
import { published } from '../support/published.js';

const AUDIENCE = 'https://mcp.example.com/mcp';
const METADATA = 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"';

const good = (more: Record<string, unknown> = {}) => active({ aud: AUDIENCE, scope: 'files:read', ...more });

async function createMcp(
  script: Script,
  options: Partial<TokenIntrospectionOptions> = {},
  ...guards: RequestHandler[]
) {
  const endpoint = await createEndpoint(script);
  const authenticate = published(createAuthenticate(endpoint, { audience: AUDIENCE, ...options }), AUDIENCE);
  const app = createApp(mcpAuthentication(authenticate), ...guards);
  return { ...app, endpoint, get: (token?: string, path?: string) => get(app, token, path) };
}

/** The requirements of the authorization chapters of 2025-06-18, 2025-11-25 and 2026-07-28. */
describe('MCP authorization 2025-06-18', () => {
  it('mcp-0618-a: a 401 names the URL of the protected resource metadata', async () => {
    const mcp = await createMcp({ active: false });
    for (const token of [undefined, 'inactive']) {
      const { headers } = await mcp.get(token).expect(401);
      expect(headers['www-authenticate']).toContain(METADATA);
    }
  });

  it.each([
    ['does not name', good({ aud: 'https://other.example.com/mcp' })],
    ['names no audience beside', good({ aud: undefined })],
    ['names only a part of', good({ aud: 'https://mcp.example.com' })],
  ])('mcp-0618-c: a token that %s this server gets 401 invalid_token', async (_what, reply) => {
    const mcp = await createMcp(reply);
    const { headers } = await mcp.get('abc').expect(401);
    expect(headers['www-authenticate']).toContain('error="invalid_token"');
    expect(mcp.reached()).toBe(0);
  });

  it('mcp-0618-b: creating a middleware or verifier throws without metadata that name an authorization server', async () => {
    const authenticate = createAuthenticate(await createEndpoint(good()), { audience: AUDIENCE });
    const none = () => protectedResourceMetadata(authenticate, { authorization_servers: [] });
    expect(none).toThrow('"metadata.authorization_servers"');
    expect(() => mcpAuthentication(authenticate)).toThrow('Option "resourceMetadata"');
    expect(() => mcpTokenVerifier(authenticate, { errors: SDK_ERRORS['version 1'] })).toThrow(
      'Option "resourceMetadata"',
    );
  });

  it('mcp-0618-c: creating a middleware or verifier throws without an audience', async () => {
    const authenticate = createAuthenticate(await createEndpoint(good()), { audience: false });
    expect(() => mcpAuthentication(authenticate)).toThrow('Option "audience"');
    expect(() => mcpTokenVerifier(authenticate, { errors: SDK_ERRORS['version 1'] })).toThrow('Option "audience"');
  });

  it('mcp-0618-d: an invalid or expired token gets 401, a missing scope 403, a malformed request 400', async () => {
    await (await createMcp({ active: false })).get('abc').expect(401);
    await (await createMcp(good({ exp: 1 }))).get('abc').expect(401);
    await (await createMcp(good(), {}, requireScope('files:write'))).get('abc').expect(403);
    await (await createMcp(good())).get('a b').expect(400);
  });

  it('mcp-0618-e: a token in the query is ignored', async () => {
    const mcp = await createMcp(good());
    await mcp.get(undefined, '/?access_token=abc').expect(401);
    expect(mcp.endpoint.asked).toEqual([]);
  });

  it('mcp-0618-e: every request of a session needs its token', async () => {
    const mcp = await createMcp(good());
    await mcp.get('abc').set('Mcp-Session-Id', 'session').expect(200);
    const { headers } = await mcp.get().set('Mcp-Session-Id', 'session').expect(401);
    expect(headers['www-authenticate']).toMatch(/^Bearer realm="api"/);
    expect(mcp.reached()).toBe(1);
  });

  it('mcp-0618-f, mcp-0618-g: req.auth shows its token only to code that reads the member by name', async () => {
    const { text } = await (await createMcp(good())).get('secret-token').expect(200);
    expect(text).not.toContain('secret-token');
  });

  it('mcp-0618-h: the URL of a server may have a trailing slash', async () => {
    const audience = [AUDIENCE, `${AUDIENCE}/`];
    for (const aud of audience) await (await createMcp(good({ aud }), { audience })).get('abc').expect(200);
  });
});

describe('MCP authorization 2025-11-25', () => {
  it('mcp-1125-a: a 401 without a token names the scopes that are needed, and no error', async () => {
    const mcp = await createMcp(good(), { scopes: ['files:read'] });
    const { headers } = await mcp.get().expect(401);
    expect(headers['www-authenticate']).toBe(`Bearer realm="api", scope="files:read", ${METADATA}`);
  });

  it('mcp-1125-b: a 403 has insufficient_scope, the scopes and the URL of the metadata', async () => {
    const mcp = await createMcp(good(), {}, requireScope('files:write'));
    const { headers, body } = await mcp.get('abc').expect(403);
    expect(headers['www-authenticate']).toMatch(
      /^Bearer realm="api", error="insufficient_scope", error_description="[^"]+", scope="files:write", resource_metadata="[^"]+"$/,
    );
    expect(body).toMatchObject({ error: 'insufficient_scope' });
  });
});

describe('MCP authorization 2026-07-28', () => {
  it('mcp-0728-a: a 403 names all scopes of the operation at once, granted or not', async () => {
    const guards = [requireScope('files:list'), requireScope('files:write', 'files:delete')];
    const mcp = await createMcp(good({ scope: 'files:read files:list' }), { scopes: ['files:read'] }, ...guards);
    const { headers } = await mcp.get('abc').expect(403);
    expect(headers['www-authenticate']).toContain('scope="files:read files:list files:write files:delete"');
  });

  it('mcp-0728-b: a broader scope may imply a narrower one', async () => {
    const mcp = await createMcp(
      good({ scope: 'files:*' }),
      { satisfiesScope: (granted, required) => granted.includes(required.replace(/:.*/, ':*')) },
      requireScope('files:read'),
    );
    await mcp.get('abc').expect(200);
  });

  it('mcp-0728-c: no challenge has offline_access: requiring it throws at creation', async () => {
    const endpoint = await createEndpoint(good());
    const authenticate = createAuthenticate(endpoint, { audience: AUDIENCE, scopes: ['offline_access'] });
    expect(() => mcpAuthentication(authenticate)).toThrow('Option "scopes"');
    expect(() => mcpTokenVerifier(authenticate, { errors: SDK_ERRORS['version 1'] })).toThrow('Option "scopes"');
  });

  it('mcp-0728-d: the endpoint of the authorization server must use HTTPS', () => {
    const options = { clientAuth: clientSecretBasic('mcp', 'secret'), audience: AUDIENCE };
    expect(() => tokenIntrospection({ ...options, endpoint: 'http://as.example.com/introspect' })).toThrow(
      '"endpoint"',
    );
    expect(() => tokenIntrospection({ ...options, authorizationServer: 'http://as.example.com' })).toThrow(
      '"authorizationServer"',
    );
  });
});
