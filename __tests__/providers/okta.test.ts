import { okta } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = {
  issuer: 'https://shop.okta.com/oauth2/default',
  clientId: '0oa1gjh63g214q0Hq0g4',
  clientSecret: 'pWq-9_fK3sL',
};
const AUDIENCE = 'api://default';
const NOW = 1_790_000_000;

const ACTIVE = {
  active: true,
  token_type: 'Bearer',
  scope: 'openid reports:read',
  client_id: '0oa2hl2inow5Uqc6c357',
  username: 'alice@example.com',
  exp: NOW + 3600,
  iat: NOW,
  sub: 'alice@example.com',
  aud: AUDIENCE,
  iss: 'https://shop.okta.com/oauth2/default',
  jti: 'AT.7P4KlczBYVcWLkxduEuKeZfeiNYkZIC9uGJ28Cc-YaI',
  uid: '00uid4BxXw6I6TV4m0g3',
};

const DOCUMENTED: Documented = {
  url: 'https://shop.okta.com/oauth2/default/v1/introspect',
  contentType: 'application/x-www-form-urlencoded',
  authorization: basic('0oa1gjh63g214q0Hq0g4:pWq-9_fK3sL'),
  tokens: { user: ACTIVE, id_token: { ...ACTIVE, aud: '0oa2hl2inow5Uqc6c357' } },
  refuseRequest: [400, { error: 'invalid_request' }],
  refuseClient: [401, { error: 'invalid_client', error_description: 'No client credentials found.' }],
};

const clock = createClock(NOW);

describePreset({
  name: 'okta',
  create: okta,
  credentials: CREDENTIALS,
  baseUrl: 'issuer',
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, audience: AUDIENCE, clock }),
  accepted: [['a user', 'user', ACTIVE]],
  token: 'user',
  inactiveToken: 'revoked',
  furtherParameters: { token_type_hint: 'access_token' },
  fixed: { roles: expect.any(Function) },
});

describe('okta', () => {
  it.each(['https://shop.okta.com', 'https://shop.okta.com/', 'https://shop.okta.com/oauth2'])(
    'uses the endpoint of the org authorization server for the issuer %s',
    async (issuer) => {
      const standIn = await createStandIn({ ...DOCUMENTED, url: 'https://shop.okta.com/oauth2/v1/introspect' });
      const api = createProviderApi(standIn, { ...okta({ ...CREDENTIALS, issuer }), audience: AUDIENCE, clock });
      await api.get('user').expect(200);
      expect(standIn.refused).toEqual([]);
    },
  );

  it('answers 401 invalid_token for a token of another audience', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...okta(CREDENTIALS), audience: AUDIENCE, clock });
    await api.get('id_token').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });
});
