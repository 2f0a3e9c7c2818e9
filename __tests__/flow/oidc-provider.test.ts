import { clientSecretBasic, requireFresh, requireScope, type TokenIntrospectionOptions } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { type RunningAuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';

const INVALID_TOKEN =
  'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this resource"';

let as: RunningAuthorizationServer;

beforeAll(async () => {
  as = await startAuthorizationServer();
}, 30_000);

/** Options of an API that uses this authorization server. */
function optionsFor({ resourceServer, audience, issuer }: RunningAuthorizationServer) {
  return {
    clientAuth: clientSecretBasic(resourceServer.clientId, resourceServer.clientSecret),
    audience,
    issuer,
  } satisfies Partial<TokenIntrospectionOptions>;
}

/** A clock that starts at the real time, which the authorization server uses. */
function createSynchronousClock() {
  return createClock(Math.floor(Date.now() / 1000));
}

describe('an API with a running oidc-provider', () => {
  it('responds with 200 and the claims for an issued token', async () => {
    const { access_token } = await as.issue({ scope: 'profile:read reports:read' });
    const api = createApi({ url: as.introspectionEndpoint }, optionsFor(as), requireScope('reports:read'));
    const response = await api.get(access_token).expect(200);
    expect(response.body.auth).toEqual({
      active: true,
      sub: 'alice',
      client_id: as.client.clientId,
      scope: 'profile:read reports:read',
      token_type: 'Bearer',
      aud: as.audience,
      iss: as.issuer,
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    expect(response.body.auth.exp - response.body.auth.iat).toBe(3600);
  });

  it('responds with 403 insufficient_scope if the token lacks the scope', async () => {
    const { access_token } = await as.issue({ scope: 'profile:read' });
    const api = createApi({ url: as.introspectionEndpoint }, optionsFor(as), requireScope('reports:read'));
    const response = await api.get(access_token).expect(403);
    expect(response.headers['www-authenticate']).toMatch(/error="insufficient_scope", .*, scope="reports:read"$/);
    expect(api.reached()).toBe(0);
  });

  it('responds with 401 invalid_token for a token that was never issued', async () => {
    const decisions = recordDecisions();
    const api = createApi({ url: as.introspectionEndpoint }, optionsFor(as));
    const response = await api.get('made-up').expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'inactive' }]);
  });

  it('accepts a revoked token until the cached response expires, then responds with 401 invalid_token', async () => {
    const decisions = recordDecisions();
    const clock = createSynchronousClock();
    const { access_token } = await as.issue({ scope: 'profile:read' });
    const api = createApi({ url: as.introspectionEndpoint }, { ...optionsFor(as), cache: { ttlSeconds: 60 }, clock });
    await api.get(access_token).expect(200);
    await as.revoke(access_token);
    clock.advance(59.999);
    await api.get(access_token).expect(200);
    clock.advance(0.001);
    const response = await api.get(access_token).expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(decisions.map(({ outcome, reason }) => reason ?? outcome)).toEqual(['accepted', 'accepted', 'inactive']);
    expect(api.authenticate.stats().endpointCalls).toBe(2);
  });

  it('responds with 401 invalid_token at once for a revoked token behind requireFresh', async () => {
    const decisions = recordDecisions();
    const clock = createSynchronousClock();
    const { access_token } = await as.issue({ scope: 'payments:write' });
    const guards = [requireScope('payments:write'), requireFresh({ maxAgeSeconds: 0 })];
    const api = createApi({ url: as.introspectionEndpoint }, { ...optionsFor(as), clock }, ...guards);
    await api.get(access_token).expect(200);
    await as.revoke(access_token);
    clock.advance(1);
    const response = await api.get(access_token).expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(decisions.slice(3)).toMatchObject([
      { by: 'tokenIntrospection', outcome: 'accepted' },
      { by: 'requireScope', outcome: 'accepted' },
      { by: 'requireFresh', outcome: 'rejected', status: 401, reason: 'inactive' },
    ]);
    expect(api.reached()).toBe(1);
  });

  it('responds with 401 invalid_token for a revoked token right after invalidate()', async () => {
    const { access_token } = await as.issue({ scope: 'profile:read' });
    const api = createApi({ url: as.introspectionEndpoint }, { ...optionsFor(as), clock: createSynchronousClock() });
    await api.get(access_token).expect(200);
    await as.revoke(access_token);
    api.authenticate.invalidate({ token: access_token });
    await api.get(access_token).expect(401);
  });

  it('responds with 401 invalid_token once exp has passed, although the response is cached', async () => {
    const decisions = recordDecisions();
    const clock = createSynchronousClock();
    const { access_token } = await as.issue({ scope: 'profile:read', ttlSeconds: 30 });
    const api = createApi({ url: as.introspectionEndpoint }, { ...optionsFor(as), cache: { ttlSeconds: 600 }, clock });
    const { body } = await api.get(access_token).expect(200);
    clock.advance(body.auth.exp - clock.seconds() - 0.001);
    await api.get(access_token).expect(200);
    expect(api.authenticate.stats().endpointCalls).toBe(1);
    clock.advance(5.001);
    const response = await api.get(access_token).expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(decisions.map(({ outcome, reason }) => reason ?? outcome)).toEqual(['accepted', 'accepted', 'expired']);
  });

  it('responds with 401 invalid_token for a refresh token, which has no audience', async () => {
    const decisions = recordDecisions();
    const { refresh_token } = await as.issue({ scope: 'profile:read' });
    const said = await as.introspect(refresh_token);
    expect(said).toMatchObject({ status: 200, body: { active: true, sub: 'alice' } });
    expect(said.body).not.toHaveProperty('token_type');
    expect(said.body).not.toHaveProperty('aud');
    const api = createApi({ url: as.introspectionEndpoint }, optionsFor(as));
    const response = await api.get(refresh_token).expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });

  it('responds with 200 for a refresh token if audience is false, because nothing else tells it apart', async () => {
    const { refresh_token } = await as.issue({ scope: 'profile:read' });
    const api = createApi({ url: as.introspectionEndpoint }, { ...optionsFor(as), audience: false });
    await api.get(refresh_token).expect(200);
  });

  it('responds with 401 invalid_token for a token that looks like a JWT, and introspects it once', async () => {
    const decisions = recordDecisions();
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';
    expect(await as.introspect(jwt)).toMatchObject({ status: 400, body: { error: 'unsupported_token_type' } });
    const api = createApi({ url: as.introspectionEndpoint }, { ...optionsFor(as), clock: createSynchronousClock() });
    const response = await api.get(jwt).expect(401);
    await api.get(jwt).expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(decisions).toMatchObject(Array(2).fill({ reason: 'unsupported_token_type' }));
    expect([api.authenticate.stats().endpointCalls, api.errors]).toEqual([1, []]);
  });

  it('responds with 503, never with invalid_token, if the client secret of the API is wrong', async () => {
    const decisions = recordDecisions();
    const { access_token } = await as.issue({ scope: 'profile:read' });
    const clientAuth = clientSecretBasic(as.resourceServer.clientId, 'wrong');
    const api = createApi({ url: as.introspectionEndpoint }, { ...optionsFor(as), clientAuth });
    for (const token of [access_token, 'made-up']) {
      const response = await api.get(token).expect(503);
      expect(response.headers).toMatchObject({ 'retry-after': '1', 'cache-control': 'no-store' });
      expect(response.headers).not.toHaveProperty('www-authenticate');
      expect(response.text).not.toContain('invalid_token');
    }
    expect(decisions).toMatchObject([
      { outcome: 'outage', status: 503, reason: 'client_rejected' },
      { outcome: 'outage', status: 503, reason: 'client_rejected' },
    ]);
    expect(api.reached()).toBe(0);
  });

  it('responds with 503 for tokens that are not cached while the server is down, and recovers once it is back', async () => {
    const decisions = recordDecisions();
    const cached = await as.issue({ scope: 'profile:read' });
    const cold = await as.issue({ scope: 'profile:read' });
    const api = createApi({ url: as.introspectionEndpoint }, { ...optionsFor(as), clock: createSynchronousClock() });
    await api.get(cached.access_token).expect(200);
    await as.stop();
    try {
      const response = await api.get(cold.access_token).expect(503);
      expect(response.headers['retry-after']).toBe('1');
      expect(response.headers).not.toHaveProperty('www-authenticate');
      await api.get(cached.access_token).expect(200);
    } finally {
      await as.start();
    }
    await api.get(cold.access_token).expect(200);
    expect(decisions.map(({ outcome, reason }) => reason ?? outcome)).toEqual([
      'accepted',
      'unreachable',
      'accepted',
      'accepted',
    ]);
  });

  it('responds with 503 for tokens that were not cached when the authorization server was killed', async () => {
    const decisions = recordDecisions();
    const mortal = await startAuthorizationServer();
    const cached = await mortal.issue({ scope: 'profile:read' });
    const cold = await mortal.issue({ scope: 'profile:read' });
    const clock = createSynchronousClock();
    const api = createApi({ url: mortal.introspectionEndpoint }, { ...optionsFor(mortal), clock });
    await api.get(cached.access_token).expect(200);
    await mortal.kill();
    await api.get(cached.access_token).expect(200);
    const response = await api.get(cold.access_token).expect(503);
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(response.text).not.toContain('invalid_token');
    clock.advance(60);
    await api.get(cached.access_token).expect(503);
    expect(decisions.map(({ outcome, reason }) => reason ?? outcome)).toEqual([
      'accepted',
      'accepted',
      'unreachable',
      'unreachable',
    ]);
    expect(api.reached()).toBe(2);
  }, 30_000);
});
