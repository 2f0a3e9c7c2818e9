import { authentik } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = {
  url: 'https://authentik.example.com',
  clientId: 'Jb7XjrPw0qZb2ZkT',
  clientSecret: 'a+b/c %d:e=',
};
const NOW = 1_790_000_000;

const ACTIVE = {
  iss: 'https://authentik.example.com/application/o/reports/',
  sub: '2c6ee24b09816a6f14f95d1698b24ead4a1f3b9a3d5e9b9d5e0f0a1b2c3d4e5f',
  aud: CREDENTIALS.clientId,
  exp: NOW + 600,
  iat: NOW,
  auth_time: NOW - 10,
  acr: 'goauthentik.io/providers/oauth2/default',
  azp: CREDENTIALS.clientId,
  uid: 'Zo0n3q0s1yC7',
  active: true,
  scope: 'openid profile',
  client_id: CREDENTIALS.clientId,
};

const DOCUMENTED: Documented = {
  url: 'https://authentik.example.com/application/o/introspect/',
  contentType: 'application/x-www-form-urlencoded',
  // The server does not decode Basic credentials.
  authorization: basic('Jb7XjrPw0qZb2ZkT:a+b/c %d:e='),
  tokens: { user: ACTIVE, other_application: { ...ACTIVE, aud: 'Qn3rT5' } },
  refuseRequest: [200, { active: false }],
  refuseClient: [200, { active: false }],
};

const clock = createClock(NOW);

describePreset({
  name: 'authentik',
  create: authentik,
  credentials: CREDENTIALS,
  baseUrl: 'url',
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, audience: CREDENTIALS.clientId, clock }),
  accepted: [['a user', 'user', ACTIVE]],
  token: 'user',
  inactiveToken: 'revoked',
  furtherParameters: { token_type_hint: 'access_token' },
  fixed: { roles: expect.any(Function) },
});

describe('authentik', () => {
  it('answers 401 invalid_token for a token of another application', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...authentik(CREDENTIALS), audience: CREDENTIALS.clientId, clock });
    await api.get('other_application').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });

  it('throws a TypeError for a client identifier that cannot be sent without encoding', () => {
    expect(() => authentik({ ...CREDENTIALS, clientId: 'a:b' })).toThrow('Option "clientId"');
  });
});
