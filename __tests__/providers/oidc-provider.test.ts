import { oidcProvider } from '../../lib/providers/index.js';
import { createApi } from '../support/api.js';
import { startAuthorizationServer } from '../support/authorization-server.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = { issuer: 'https://auth.example.com/oidc', clientId: 'reports api', clientSecret: 'c+d/e %f=' };
const AUDIENCE = 'urn:reports';
const NOW = 1_790_000_000;

const ACTIVE = {
  active: true,
  sub: 'alice',
  client_id: 'portal',
  exp: NOW + 3600,
  iat: NOW,
  iss: 'https://auth.example.com/oidc',
  aud: AUDIENCE,
  scope: 'reports:read',
  token_type: 'Bearer',
};
const { aud: _audience, token_type: _type, ...REFRESH } = ACTIVE;

const DOCUMENTED: Documented = {
  url: 'https://auth.example.com/oidc/token/introspection',
  contentType: 'application/x-www-form-urlencoded',
  authorization: basic('reports+api:c%2Bd%2Fe+%25f%3D'),
  tokens: { user: ACTIVE, refresh: REFRESH },
  refuseRequest: [400, { error: 'invalid_request', error_description: "missing required parameter 'token'" }],
  refuseClient: [401, { error: 'invalid_client', error_description: 'client authentication failed' }],
};

const clock = createClock(NOW);

describePreset({
  name: 'oidcProvider',
  create: oidcProvider,
  credentials: CREDENTIALS,
  baseUrl: 'issuer',
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, audience: AUDIENCE, clock }),
  accepted: [['a user', 'user', ACTIVE]],
  token: 'user',
  inactiveToken: 'revoked',
  furtherParameters: { token_type_hint: 'access_token' },
});

describe('oidcProvider', () => {
  it('answers 401 invalid_token for a refresh token, which has no audience', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...oidcProvider(CREDENTIALS), audience: AUDIENCE, clock });
    await api.get('refresh').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });

  it('with a running oidc-provider answers 200, 401 after revocation, and 503 for a wrong secret', async () => {
    const decisions = recordDecisions();
    const { issuer, audience, resourceServer, introspectionEndpoint, issue, revoke } = await startAuthorizationServer();
    const preset = oidcProvider({ issuer, ...resourceServer });
    expect(preset.endpoint).toBe(introspectionEndpoint);
    const url = String(preset.endpoint);
    const { access_token, refresh_token } = await issue({ scope: 'reports:read' });

    const api = createApi({ url }, { ...preset, audience, issuer, cache: false });
    const response = await api.get(access_token).expect(200);
    expect(response.body.auth).toMatchObject({ active: true, sub: 'alice', aud: audience, scope: 'reports:read' });
    await api.get(refresh_token).expect(401);

    const mistaken = oidcProvider({ issuer, ...resourceServer, clientSecret: 'wrong' });
    const other = createApi({ url }, { ...mistaken, audience, issuer, cache: false });
    await other.get(access_token).expect(503);
    expect(other.errors).toMatchObject([{ code: 'client_rejected' }]);

    await revoke(access_token);
    await api.get(access_token).expect(401);
    expect(decisions.map(({ outcome, reason }) => reason ?? outcome)).toEqual([
      'accepted',
      'audience_mismatch',
      'client_rejected',
      'inactive',
    ]);
    expect([api.reached(), other.reached()]).toEqual([1, 0]);
  }, 30_000);
});
