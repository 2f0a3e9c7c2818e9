import { Socket } from 'node:net';
import {
  type IntrospectionErrorCode,
  type PolicyOptions,
  privateKeyJwt,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { curity, github, notion } from '../../lib/providers/index.js';
import { type FakeAuthorizationServer, type FakeFailure, fakeAuthorizationServer } from '../../lib/testing/index.js';
import { type Api, createApi } from '../support/api.js';
import { P256 } from '../support/client-auth-methods.js';
import { recordDecisions } from '../support/decisions.js';

const URL_OF_THE_REAL_ONE = 'https://as.example.com/introspect';

function createFakedApi(
  server: FakeAuthorizationServer,
  options: Partial<TokenIntrospectionOptions & PolicyOptions> = {},
): Api {
  return createApi({ url: URL_OF_THE_REAL_ONE }, { dispatcher: server.dispatcher, ...options });
}

describe('a fake authorization server', () => {
  it('makes the middleware accept a token that it issued, with its claims', async () => {
    const server = fakeAuthorizationServer();
    const token = server.issue({ sub: 'alice', scope: 'read' });
    const { status, body } = await createFakedApi(server).get(token);
    expect(status).toBe(200);
    const { iat, exp } = body.auth;
    expect(body.auth).toEqual({ active: true, sub: 'alice', scope: 'read', token_type: 'Bearer', iat, exp });
    expect(exp - iat).toBe(3600);
    expect(Math.abs(iat - Date.now() / 1000)).toBeLessThan(60);
  });

  it('responds that every other token is inactive (RFC 7662 section 2.2)', async () => {
    const server = fakeAuthorizationServer();
    const foreign = fakeAuthorizationServer().issue();
    const decisions = recordDecisions();
    const api = createFakedApi(server);
    for (const token of [foreign, 'a-real-token']) {
      const { status, headers } = await api.get(token);
      expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining('invalid_token')]);
    }
    expect(decisions.map(({ reason }) => reason)).toEqual(['inactive', 'inactive']);
  });

  it('issues random tokens with the prefix fake-', () => {
    const server = fakeAuthorizationServer();
    const tokens = Array.from({ length: 100 }, () => server.issue());
    expect(new Set(tokens).size).toBe(100);
    for (const token of tokens) expect(token).toMatch(/^fake-[\w-]{43}$/);
  });

  it('does not change the checks of the middleware', async () => {
    const server = fakeAuthorizationServer({
      claims: { aud: 'https://api.example.com', iss: 'https://as.example.com' },
    });
    const decisions = recordDecisions();
    const api = createFakedApi(server, {
      audience: 'https://api.example.com',
      issuer: 'https://as.example.com',
      scopes: ['read'],
    });
    const claims: Record<string, unknown>[] = [
      { scope: 'read' },
      { scope: 'read', aud: 'https://other.example.com' },
      { scope: 'read', iss: undefined },
      { scope: 'read', exp: 0 },
      { scope: 'write' },
      { scope: 'read', cnf: { jkt: 'key' } },
      { scope: 'read', active: false },
    ];
    const statuses: number[] = [];
    for (const tokenClaims of claims) statuses.push((await api.get(server.issue(tokenClaims))).status);
    expect(statuses).toEqual([200, 401, 401, 401, 403, 401, 401]);
    expect(decisions.map(({ reason }) => reason)).toEqual([
      undefined,
      'audience_mismatch',
      'issuer_mismatch',
      'expired',
      'insufficient_scope',
      'sender_constrained',
      'inactive',
    ]);
  });

  it('revokes a token at once without a cache, otherwise when the cached response expires', async () => {
    const server = fakeAuthorizationServer();
    const [kept, asked] = [createFakedApi(server), createFakedApi(server, { cache: false })];
    const token = server.issue();
    expect([(await kept.get(token)).status, (await asked.get(token)).status]).toEqual([200, 200]);
    server.revoke(token);
    expect([(await kept.get(token)).status, (await asked.get(token)).status]).toEqual([200, 401]);
    await kept.authenticate.invalidate({ token });
    expect((await kept.get(token)).status).toBe(401);
  });

  const FAILURES: Record<FakeFailure, { code: IntrospectionErrorCode; requests: number }> = {
    timeout: { code: 'timeout', requests: 1 },
    unreachable: { code: 'unreachable', requests: 2 },
    server_error: { code: 'server_error', requests: 1 },
    // Before it opens, the circuit breaker asks about a random token.
    rate_limited: { code: 'rate_limited', requests: 2 },
    bad_response: { code: 'bad_response', requests: 1 },
    client_rejected: { code: 'client_rejected', requests: 1 },
    discovery_failed: { code: 'discovery_failed', requests: 0 },
  };

  it.each(Object.entries(FAILURES))(
    'makes requests fail with 503 while it fails with %s, and succeed after recover()',
    async (failure, expected) => {
      const server = fakeAuthorizationServer();
      const token = server.issue();
      let monotonic = 0;
      const api = createFakedApi(server, {
        endpoint: undefined,
        authorizationServer: 'https://as.example.com',
        timeoutMs: 60_000,
        clock: { now: Date.now, monotonic: () => monotonic },
      });
      server.fail(failure as FakeFailure);
      const { status, headers } = await api.get(token);
      expect([status, headers['retry-after']]).toEqual([503, '1']);
      expect(api.errors).toEqual([expect.objectContaining({ name: 'IntrospectionError', code: expected.code })]);
      expect(server.requests).toHaveLength(expected.requests);
      server.recover();
      // A requested pause lasts a little longer, by a random amount.
      monotonic += 1500;
      expect((await api.get(token)).status).toBe(200);
    },
  );

  it.each([
    'https://as.example.com',
    'https://as.example.com/',
    'https://as.example.com/realms/a',
    'https://as.example.com/realms/a/',
  ])('is found by the issuer identifier %s (RFC 8414 section 3)', async (issuer) => {
    for (const claims of [{}, { iss: issuer }]) {
      const server = fakeAuthorizationServer({ claims });
      const api = createFakedApi(server, { endpoint: undefined, authorizationServer: issuer });
      expect((await api.get(server.issue())).status).toBe(200);
      expect(server.requests[0]?.url).toBe('https://as.example.com/introspect');
    }
  });

  it('is not found by another issuer than that of its tokens', async () => {
    const server = fakeAuthorizationServer({ claims: { iss: 'https://other.example.com' } });
    const api = createFakedApi(server, { endpoint: undefined, authorizationServer: 'https://as.example.com' });
    expect((await api.get(server.issue())).status).toBe(503);
  });

  it('records the introspection requests', async () => {
    const server = fakeAuthorizationServer();
    const token = server.issue();
    await createFakedApi(server, { parameters: { resource: 'reports' }, headers: { 'x-tenant': 'a' } }).get(token);
    expect(server.requests).toEqual([
      {
        url: URL_OF_THE_REAL_ONE,
        parameters: { token, resource: 'reports' },
        headers: expect.objectContaining({ 'x-tenant': 'a', authorization: expect.stringMatching(/^Basic /) }),
      },
    ]);
  });

  it('receives the assertions of a real client authentication', async () => {
    const server = fakeAuthorizationServer();
    const key = P256.privateKey;
    const clientAuth = privateKeyJwt({ clientId: 'api', key });
    await createFakedApi(server, { clientAuth, issuer: 'https://as.example.com' }).get(server.issue());
    expect(server.requests[0]?.parameters).toHaveProperty('client_assertion');
  });

  it('reads the parameter token, even if another parameter holds an issued token', async () => {
    const server = fakeAuthorizationServer();
    const api = createFakedApi(server, { parameters: { actor_token: server.issue() } });
    await api.get('unknown').expect(401);
    await api.get(server.issue()).expect(200);
  });

  it('reads JSON requests, and another parameter name', async () => {
    const server = fakeAuthorizationServer();
    const api = createFakedApi(server, { requestFormat: 'json', tokenParameter: 'access_token' });
    expect((await api.get(server.issue())).status).toBe(200);
  });

  it('replies in the format of a deviating endpoint with the option reply', async () => {
    const credentials = { clientId: 'api', clientSecret: 'secret' };
    const asGithub = fakeAuthorizationServer({
      reply: ({ active, sub, scope }) =>
        active === true
          ? { body: JSON.stringify({ app: { client_id: 'api' }, user: { id: sub, login: sub }, scopes: [scope] }) }
          : { status: 404 },
    });
    const asCurity = fakeAuthorizationServer({
      reply: ({ active, ...claims }) =>
        active === true
          ? {
              contentType: 'application/jwt',
              body: `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.e30`,
            }
          : { status: 204 },
    });
    const asNotion = fakeAuthorizationServer();
    const presets = [
      [asGithub, github(credentials)],
      [asCurity, curity({ url: 'https://login.example.com', ...credentials })],
      [asNotion, notion(credentials)],
    ] as const;
    for (const [server, preset] of presets) {
      const api = createFakedApi(server, preset);
      const { status, body } = await api.get(server.issue({ sub: '42', scope: 'read' }));
      expect([status, body.auth?.sub, body.auth?.scope]).toEqual([200, '42', 'read']);
      expect((await api.get('unknown')).status).toBe(401);
    }
  });

  it('opens no connection', async () => {
    const connect = jest.spyOn(Socket.prototype, 'connect');
    const server = fakeAuthorizationServer();
    const authenticate = tokenIntrospection({
      authorizationServer: 'https://as.example.com',
      clientAuth: { identity: 'api', sign() {} },
      audience: false,
      dispatcher: server.dispatcher,
    });
    await authenticate.introspect(server.issue());
    await authenticate.close();
    expect(connect).not.toHaveBeenCalled();
    connect.mockRestore();
  });

  it.each([
    ['options', () => fakeAuthorizationServer(null as never)],
    ['audience', () => fakeAuthorizationServer({ audience: 'a' } as never)],
    ['claims', () => fakeAuthorizationServer({ claims: [] as never })],
    ['reply', () => fakeAuthorizationServer({ reply: 'no' as never })],
    ['claims', () => fakeAuthorizationServer().issue('alice' as never)],
    ['token', () => fakeAuthorizationServer().revoke('a-real-token')],
    ['failure', () => fakeAuthorizationServer().fail('toString' as never)],
  ])('throws a TypeError that names the invalid "%s", without its value', (name, call) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(`Option "${name}" is`);
    expect(call).not.toThrow('a-real-token');
  });
});
