import { pingfederate } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = { url: 'https://sso.example.com:9031', clientId: 'reports_rs', clientSecret: '2Fed&p=ss word' };
const NOW = 1_790_000_000;

/** The configuration of the access token manager can add members. */
const ACTIVE = {
  active: true,
  client_id: 'portal',
  scope: 'reports:read',
  exp: NOW + 7200,
  aud: 'reports',
  sub: 'alice',
  username: 'alice',
};
const { scope: _default, ...OF_DEFAULT_SCOPE } = ACTIVE;

const DOCUMENTED: Documented = {
  url: 'https://sso.example.com:9031/as/introspect.oauth2',
  contentType: 'application/x-www-form-urlencoded',
  authorization: basic('reports_rs:2Fed%26p%3Dss+word'),
  tokens: {
    user: ACTIVE,
    default_scope: OF_DEFAULT_SCOPE,
    nothing_but_active: { active: true },
  },
  refuseRequest: [400, { error: 'invalid_request' }],
  refuseClient: [401, { error: 'invalid_client' }],
};

const clock = createClock(NOW);

describePreset({
  name: 'pingfederate',
  create: pingfederate,
  credentials: CREDENTIALS,
  baseUrl: 'url',
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, audience: 'reports', clock }),
  accepted: [
    ['a user', 'user', ACTIVE],
    ['a token of the default scope', 'default_scope', { ...OF_DEFAULT_SCOPE, scope: '' }],
  ],
  token: 'user',
  inactiveToken: 'revoked',
  furtherParameters: { token_type_hint: 'access_token' },
});

describe('pingfederate', () => {
  it('answers 401 invalid_token for a response with only active, as for refresh tokens', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...pingfederate(CREDENTIALS), audience: 'reports', clock });
    await api.get('nothing_but_active').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });
});
