import { vmwareCloud } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { json } from '../support/endpoint.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const URL_OF_ORGANISATION = 'https://console.cloud.example/csp/gateway/am/api/auth/token/introspect';
const CREDENTIALS = { endpoint: URL_OF_ORGANISATION, clientId: 'reports', clientSecret: 'Yt5kq9' };
const NOW = 1_742_604_600;

const ACTIVE = {
  active: true,
  exp: NOW + 86_400,
  iat: NOW,
  orgId: '7d6a3f1e-9e0d-4f5b-8a55-0a0b6f7d2c11',
  sub: 'example.com:8d1f',
  token_type: 'refresh_token',
};

const DOCUMENTED: Documented = {
  url: URL_OF_ORGANISATION,
  contentType: 'application/x-www-form-urlencoded',
  authorization: basic('reports:Yt5kq9'),
  tokens: {
    refresh: ACTIVE,
    never: { active: false, exp: 0, iat: 0, orgId: 'string', sub: 'string', token_type: 'string' },
  },
  refuseRequest: [400, { message: 'Bad Request' }],
  refuseClient: [400, { message: 'Invalid authorization header' }],
};

const clock = createClock(NOW);

describePreset({
  name: 'vmwareCloud',
  create: vmwareCloud,
  credentials: CREDENTIALS,
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, clock }),
  accepted: [['a refresh token', 'refresh', { ...ACTIVE, scope: '' }]],
  token: 'refresh',
  inactiveToken: 'never',
  furtherParameters: { orgId: '7d6a3f1e' },
  fixed: { audience: false, allowRefreshTokens: true },
});

describe('vmwareCloud', () => {
  // Without clientSecret the client is public. Empty or undefined means that a variable was not set.
  it('authenticates a public client with its identifier and an empty secret', async () => {
    const standIn = await createStandIn({ ...DOCUMENTED, authorization: basic('public-app:') });
    const preset = vmwareCloud({ endpoint: URL_OF_ORGANISATION, clientId: 'public-app' });
    await createProviderApi(standIn, { ...preset, clock })
      .get('refresh')
      .expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it('sends Base64 of id:secret as documented, with any characters in the secret', async () => {
    const clientSecret = 'Yt5/kq+9=~';
    const standIn = await createStandIn({ ...DOCUMENTED, authorization: basic(`reports:${clientSecret}`) });
    const api = createProviderApi(standIn, { ...vmwareCloud({ ...CREDENTIALS, clientSecret }), clock });
    await api.get('refresh');
    expect(standIn.refused).toEqual([]);
  });

  it.each([undefined, ''])('throws a TypeError that names "endpoint" when it is %j', (endpoint) => {
    const create = () => vmwareCloud({ ...CREDENTIALS, endpoint });
    expect(create).toThrow(TypeError);
    expect(create).toThrow('Option "endpoint" is ');
  });

  it.each([
    [404, 'bad_response'],
    [409, 'bad_response'],
    [429, 'rate_limited'],
    [500, 'server_error'],
  ])('answers 503 and never invalid_token for the documented error %i', async (status, code) => {
    const standIn = await createStandIn(DOCUMENTED);
    standIn.answer = (res) => json(res, { message: 'error' }, status);
    const api = createProviderApi(standIn, { ...vmwareCloud(CREDENTIALS), clock });
    const response = await api.get('refresh').expect(503);
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(response.text).not.toContain('invalid_token');
    expect(api.errors).toMatchObject([{ code }]);
    expect([standIn.refused, api.reached()]).toEqual([[], 0]);
  });

  it('passes on the Retry-After of a 429', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    standIn.answer = (res) => void res.writeHead(429, { 'retry-after': '17' }).end();
    const api = createProviderApi(standIn, { ...vmwareCloud(CREDENTIALS), clock });
    const response = await api.get('refresh').expect(503);
    expect(response.headers['retry-after']).toBe('17');
    expect(api.errors).toMatchObject([{ code: 'rate_limited', retryAfterSeconds: 17 }]);
  });

  it('can be combined with other options, which apply', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...vmwareCloud(CREDENTIALS), allowRefreshTokens: false, clock });
    await api.get('refresh').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'refresh_token' }]);
  });
});
