import { hydra } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { describePreset } from '../support/preset-suite.js';
import { createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = { adminUrl: 'https://sharp-euler.projects.oryapis.com', apiKey: 'ory_pat_7eJ9aQmT2' };
const AUDIENCE = 'https://reports.example.com';
const NOW = 1_790_000_000;

const ACTIVE = {
  active: true,
  scope: 'offline reports:read',
  client_id: '9a2f6c1e-5d4b-4f3e-8f0a-1b2c3d4e5f60',
  sub: 'alice',
  exp: NOW + 3600,
  iat: NOW,
  nbf: NOW,
  aud: [AUDIENCE],
  iss: 'https://sharp-euler.projects.oryapis.com',
  token_type: 'Bearer',
  token_use: 'access_token',
  ext: { tenant: 'north' },
};

const NETWORK: Documented = {
  url: 'https://sharp-euler.projects.oryapis.com/admin/oauth2/introspect',
  contentType: 'application/x-www-form-urlencoded',
  authorization: 'Bearer ory_pat_7eJ9aQmT2',
  tokens: {
    ory_at_user: ACTIVE,
    ory_at_other: { ...ACTIVE, aud: [] },
    ory_rt_user: { ...ACTIVE, token_use: 'refresh_token' },
  },
  refuseRequest: [400, { error: 'invalid_request' }],
  refuseClient: [401, { error: { code: 401, status: 'Unauthorized', message: 'Access credentials are invalid' } }],
};

const clock = createClock(NOW);

describePreset({
  name: 'hydra',
  create: hydra,
  credentials: CREDENTIALS,
  secret: 'apiKey',
  baseUrl: 'adminUrl',
  documented: NETWORK,
  use: (preset) => ({ ...preset, audience: AUDIENCE, clock }),
  accepted: [['a user, with what the session adds', 'ory_at_user', ACTIVE]],
  token: 'ory_at_user',
  inactiveToken: 'ory_at_revoked',
  furtherParameters: { scope: 'reports:read' },
});

describe('hydra', () => {
  const { authorization: _none, ...open } = NETWORK;
  const ADMIN_PORT: Documented = { ...open, url: 'http://127.0.0.1:4445/admin/oauth2/introspect' };

  it('sends no credentials to an admin port without an API key', async () => {
    const standIn = await createStandIn(ADMIN_PORT);
    const preset = hydra({ adminUrl: 'http://127.0.0.1:4445/' });
    const api = createProviderApi(standIn, { ...preset, audience: AUDIENCE, clock });
    expect((await api.get('ory_at_user').expect(200)).body).toEqual({ auth: ACTIVE });
    expect([standIn.refused, preset.clientAuth.identity]).toEqual([[], 'none']);
  });

  it.each([
    ['refresh_token', 'ory_rt_user'],
    ['audience_mismatch', 'ory_at_other'],
  ])('answers 401 invalid_token with the reason %s', async (reason, token) => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(NETWORK);
    const api = createProviderApi(standIn, { ...hydra(CREDENTIALS), audience: AUDIENCE, clock });
    const response = await api.get(token).expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason }]);
    expect(api.reached()).toBe(0);
  });

  it('throws a TypeError for an API key that cannot be sent, without showing it', () => {
    const create = () => hydra({ ...CREDENTIALS, apiKey: 'ory_pat_7eJ9\n' });
    expect(create).toThrow(TypeError);
    expect(create).not.toThrow(/ory_pat/);
  });
});
