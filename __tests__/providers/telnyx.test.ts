import { clientSecretPost } from '../../lib/index.js';
import { telnyx } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = { clientId: 'telnyx-reports', clientSecret: 'Kx8_2v-Qm' };
const AUDIENCE = 'https://api.example.com';
const NOW = 1_742_604_600;

const ACTIVE = {
  active: true,
  scope: 'admin messaging',
  client_id: 'telnyx-portal',
  exp: NOW + 3600,
  iat: NOW,
  iss: 'https://api.telnyx.com',
  aud: AUDIENCE,
};

const DOCUMENTED: Documented = {
  url: 'https://api.telnyx.com/v2/oauth/introspect',
  contentType: 'application/x-www-form-urlencoded',
  authorization: basic('telnyx-reports:Kx8_2v-Qm'),
  tokens: { full: ACTIVE, bare: { active: true } },
  refuseRequest: [400, { error: 'invalid_request' }],
  refuseClient: [401, { error: 'invalid_client' }],
};

const clock = createClock(NOW);

describePreset({
  name: 'telnyx',
  create: telnyx,
  credentials: CREDENTIALS,
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, audience: AUDIENCE, clock }),
  accepted: [['a full reply', 'full', ACTIVE]],
  token: 'full',
  inactiveToken: 'revoked',
  furtherParameters: { account: '42' },
});

describe('telnyx', () => {
  it('answers 200 for a response with only active, with audience: false', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...telnyx(CREDENTIALS), audience: false, clock });
    const response = await api.get('bare').expect(200);
    expect(response.body).toEqual({ auth: { active: true, scope: '' } });
  });

  it('answers 401 invalid_token for a response without aud, when an audience is required', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...telnyx(CREDENTIALS), audience: AUDIENCE, clock });
    await api.get('bare').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });

  it('sends JSON, which is documented too, with requestFormat: json', async () => {
    const standIn = await createStandIn({ ...DOCUMENTED, contentType: 'application/json' });
    const api = createProviderApi(standIn, {
      ...telnyx(CREDENTIALS),
      requestFormat: 'json',
      audience: AUDIENCE,
      clock,
    });
    await api.get('full').expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it('sends its credentials in the body when clientAuth is overridden', async () => {
    const { authorization: _notSent, ...documented } = DOCUMENTED;
    const parameters = { client_id: CREDENTIALS.clientId, client_secret: CREDENTIALS.clientSecret };
    const standIn = await createStandIn({ ...documented, parameters });
    const api = createProviderApi(standIn, {
      ...telnyx(CREDENTIALS),
      clientAuth: clientSecretPost(CREDENTIALS.clientId, CREDENTIALS.clientSecret),
      audience: AUDIENCE,
      clock,
    });
    await api.get('full').expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it('answers 503 and never invalid_token when Telnyx calls the request invalid', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, {
      ...telnyx({ ...CREDENTIALS, parameters: { unheard_of: 'yes' } }),
      audience: AUDIENCE,
      clock,
    });
    const response = await api.get('full').expect(503);
    expect(response.text).not.toContain('invalid_token');
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
    expect(standIn.refused).toEqual(['parameters token=full&unheard_of=yes']);
  });

  it('can be combined with other options, which apply', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, {
      ...telnyx(CREDENTIALS),
      audience: AUDIENCE,
      issuer: 'https://elsewhere.example',
      clock,
    });
    const decisions = recordDecisions();
    await api.get('full').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'issuer_mismatch' }]);
  });
});
