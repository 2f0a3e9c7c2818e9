import { workos } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { describePreset } from '../support/preset-suite.js';
import { createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = {
  authkitDomain: 'auth.example.com',
  clientId: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
  clientSecret: '1eaaf7a47948398d89e2b07dce912b6a9c0282aa20e88c026fcb42fd6b06b73e',
};
const AUDIENCE = 'client_123456789';

// Token of the documentation with a shorter payload. WorkOS introspects tokens that look like a JWT.
const USER_TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyXzAxSlBYTjYifQ.dsMI3PBp5LWGeUosFUYYLsjC78swFMI4EUVXW1LN7yd80g';

const USER = {
  active: true,
  client_id: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
  iss: 'https://auth.example.com',
  aud: AUDIENCE,
  sub: 'user_01JPXN6KA7622KJ4VP83X1NTKX',
  org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
  sid: 'app_consent_01JPXN6KAQW83AMXXY5WX3RHTJ',
  jti: '01JPXN6KFGZQYW3AM2DEVX84YS',
  exp: 1742604853,
  iat: 1742604553,
  token_type: 'access_token',
};

const MACHINE = {
  active: true,
  aud: AUDIENCE,
  client_id: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
  iss: 'https://auth.example.com',
  sub: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
  org_id: 'org_01JJT1ZX4Y9BG603K4Q9SHZ1KW',
  jti: '01JPXN6KFGZQYW3AM2DEVX84YS',
  exp: 1742604853,
  iat: 1742604553,
  token_type: 'access_token',
};

const REFRESH = {
  active: true,
  client_id: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
  iss: 'https://auth.example.com',
  aud: AUDIENCE,
  sub: 'user_01JPXN6KA7622KJ4VP83X1NTKX',
  iat: 1742604553,
  token_type: 'refresh_token',
};

const DOCUMENTED: Documented = {
  url: 'https://auth.example.com/oauth2/introspection',
  contentType: 'application/x-www-form-urlencoded',
  parameters: { client_id: CREDENTIALS.clientId, client_secret: CREDENTIALS.clientSecret },
  tokens: { [USER_TOKEN]: USER, machine: MACHINE, refresh: REFRESH },
  refuseRequest: [400, { error: 'invalid_request' }],
  refuseClient: [401, { error: 'invalid_client' }],
};

const clock = createClock(1_742_604_600);

describePreset({
  name: 'workos',
  create: workos,
  credentials: CREDENTIALS,
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, audience: AUDIENCE, clock }),
  accepted: [
    ['a user', USER_TOKEN, { ...USER, scope: '' }],
    ['a machine', 'machine', { ...MACHINE, scope: '' }],
  ],
  token: 'machine',
  inactiveToken: 'revoked',
  furtherParameters: { token_type_hint: 'access_token' },
  fixed: { roles: expect.any(Function) },
});

describe('workos', () => {
  it('answers 401 invalid_token for an active refresh token', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...workos(CREDENTIALS), audience: AUDIENCE, clock });
    const response = await api.get('refresh').expect(401);
    expect(response.headers['www-authenticate']).toBe(
      'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this resource"',
    );
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'refresh_token' }]);
    expect(api.reached()).toBe(0);
  });

  it('answers 401 invalid_token for a token of another application', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...workos(CREDENTIALS), audience: 'client_987654321', clock });
    await api.get('machine').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });

  it('answers 401 invalid_token after exp', async () => {
    const time = createClock(1_742_604_600);
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...workos(CREDENTIALS), audience: AUDIENCE, clock: time });
    await api.get('machine').expect(200);
    time.advance(USER.exp + 5 - time.seconds());
    await api.get('machine').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'accepted' }, { outcome: 'rejected', reason: 'expired' }]);
  });

  it('can be combined with other options, which apply', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, {
      ...workos(CREDENTIALS),
      audience: AUDIENCE,
      allowRefreshTokens: true,
      clock,
    });
    const response = await api.get('refresh').expect(200);
    expect(response.body).toEqual({ auth: { ...REFRESH, scope: '' } });
  });

  it.each([
    ['authkitDomain', undefined],
    ['authkitDomain', ''],
    ['authkitDomain', 'https://auth.example.com'],
    ['authkitDomain', 'auth.example.com/'],
    ['authkitDomain', 'user@auth.example.com'],
  ])('throws a TypeError that names "%s" when it is %j', (name, value) => {
    const create = () => workos({ ...CREDENTIALS, [name]: value });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`"${name}"`);
  });
});
