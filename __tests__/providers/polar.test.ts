import { polar } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { describePreset } from '../support/preset-suite.js';
import { createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = { clientId: 'polar_ci_reports', clientSecret: 'polar_cs_8Zq+/w=&' };
const AUDIENCE = 'polar_ci_portal';
const NOW = 1_742_604_600;

const ACTIVE = {
  active: true,
  client_id: 'polar_ci_portal',
  token_type: 'access_token',
  scope: 'openid profile products:read',
  sub_type: 'user',
  sub: '0a7f4a0a-6a5c-4c5e-9d9b-6ad1b4f1f0de',
  aud: AUDIENCE,
  iss: 'https://polar.sh',
  exp: NOW + 3600,
  iat: NOW,
};

const DOCUMENTED: Documented = {
  url: 'https://api.polar.sh/v1/oauth2/introspect',
  contentType: 'application/x-www-form-urlencoded',
  parameters: { client_id: CREDENTIALS.clientId, client_secret: CREDENTIALS.clientSecret },
  tokens: {
    polar_at_user: ACTIVE,
    polar_rt_user: { ...ACTIVE, token_type: 'refresh_token' },
    polar_at_organization: { ...ACTIVE, sub_type: 'organization' },
  },
  refuseRequest: [422, { detail: [{ type: 'missing', loc: ['body', 'token'], msg: 'Field required' }] }],
  refuseClient: [401, { error: 'invalid_client' }],
};

const clock = createClock(NOW);

describePreset({
  name: 'polar',
  create: polar,
  credentials: CREDENTIALS,
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, audience: AUDIENCE, clock }),
  accepted: [['a user', 'polar_at_user', ACTIVE]],
  token: 'polar_at_user',
  inactiveToken: 'polar_at_revoked',
  furtherParameters: { token_type_hint: 'access_token' },
});

describe('polar', () => {
  it('uses the sandbox with server: sandbox', async () => {
    const standIn = await createStandIn({ ...DOCUMENTED, url: 'https://sandbox-api.polar.sh/v1/oauth2/introspect' });
    const api = createProviderApi(standIn, {
      ...polar({ ...CREDENTIALS, server: 'sandbox' }),
      audience: AUDIENCE,
      clock,
    });
    const response = await api.get('polar_at_organization').expect(200);
    expect(response.body.auth.sub_type).toBe('organization');
  });

  it('answers 401 invalid_token for an active refresh token', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...polar(CREDENTIALS), audience: AUDIENCE, clock });
    const response = await api.get('polar_rt_user').expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'refresh_token' }]);
    expect(api.reached()).toBe(0);
  });

  it('answers 401 invalid_token for a token of another audience', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...polar(CREDENTIALS), audience: 'polar_ci_other', clock });
    await api.get('polar_at_user').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });

  it('can be combined with other options, which apply', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, {
      ...polar(CREDENTIALS),
      audience: [AUDIENCE, 'polar_ci_other'],
      issuer: 'https://polar.sh',
      scopes: ['products:write'],
      realm: 'portal',
      clock,
    });
    const response = await api.get('polar_at_user').expect(403);
    expect(response.headers['www-authenticate']).toMatch(
      /^Bearer realm="portal", error="insufficient_scope", .*, scope="products:write"$/,
    );
  });

  it('throws a TypeError that names "server" for an unknown server', () => {
    const create = () => polar({ ...CREDENTIALS, server: 'staging' as 'sandbox' });
    expect(create).toThrow(TypeError);
    expect(create).toThrow('"server"');
  });
});
