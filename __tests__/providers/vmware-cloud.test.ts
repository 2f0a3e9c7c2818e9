import { vmwareCloud } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { json } from '../support/endpoint.js';
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

describe('vmwareCloud', () => {
  it('answers 200 for a refresh token with the documented claims, having asked as documented', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...vmwareCloud(CREDENTIALS), clock });
    const response = await api.get('refresh').expect(200);
    expect(response.body).toEqual({ auth: { ...ACTIVE, scope: '' } });
    expect([standIn.refused, standIn.asked.length]).toEqual([[], 1]);
  });

  it('answers 401 invalid_token for the documented reply about a token that is not active', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...vmwareCloud(CREDENTIALS), clock });
    const response = await api.get('never').expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'inactive' }]);
    expect([standIn.refused, api.reached()]).toEqual([[], 0]);
  });

  it('authenticates a public client with its identifier and an empty secret', async () => {
    const standIn = await createStandIn({ ...DOCUMENTED, authorization: basic('public-app:') });
    const preset = vmwareCloud({ endpoint: URL_OF_ORGANISATION, clientId: 'public-app' });
    await createProviderApi(standIn, { ...preset, clock })
      .get('refresh')
      .expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it('sends Base64 of id:secret as documented, whatever characters the secret holds', async () => {
    const clientSecret = 'Yt5/kq+9=~';
    const standIn = await createStandIn({ ...DOCUMENTED, authorization: basic(`reports:${clientSecret}`) });
    const api = createProviderApi(standIn, { ...vmwareCloud({ ...CREDENTIALS, clientSecret }), clock });
    await api.get('refresh');
    expect(standIn.refused).toEqual([]);
  });

  it('answers 503 and never invalid_token when it refuses the credentials with 400', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...vmwareCloud({ ...CREDENTIALS, clientSecret: 'old' }), clock });
    const response = await api.get('refresh').expect(503);
    expect(response.headers).toMatchObject({ 'retry-after': '1', 'cache-control': 'no-store' });
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(response.text).not.toContain('invalid_token');
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
    expect([standIn.refused.length, api.reached()]).toEqual([1, 0]);
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

  it('hands the Retry-After of a 429 on', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    standIn.answer = (res) => void res.writeHead(429, { 'retry-after': '17' }).end();
    const api = createProviderApi(standIn, { ...vmwareCloud(CREDENTIALS), clock });
    const response = await api.get('refresh').expect(503);
    expect(response.headers['retry-after']).toBe('17');
    expect(api.errors).toMatchObject([{ code: 'rate_limited', retryAfterSeconds: 17 }]);
  });

  it('sends further headers and parameters beside its own', async () => {
    const standIn = await createStandIn({
      ...DOCUMENTED,
      parameters: { orgId: '7d6a3f1e' },
      headers: { 'x-request-source': 'reports' },
    });
    const preset = vmwareCloud({
      ...CREDENTIALS,
      headers: { 'X-Request-Source': 'reports' },
      parameters: { orgId: '7d6a3f1e' },
    });
    await createProviderApi(standIn, { ...preset, clock })
      .get('refresh')
      .expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it('spreads beside other options, which count', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...vmwareCloud(CREDENTIALS), allowRefreshTokens: false, clock });
    await api.get('refresh').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'refresh_token' }]);
  });

  it.each([
    ['clientId', undefined],
    ['clientId', ''],
    // Left out it means a public client; empty it is a variable that was never filled.
    ['clientSecret', ''],
  ])('throws a TypeError that names "%s" when it is %j', (name, value) => {
    const create = () => vmwareCloud({ ...CREDENTIALS, [name]: value });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`"${name}"`);
  });

  it('throws a TypeError for an option it does not know, rather than drop it', () => {
    const misplaced = { ...CREDENTIALS, scopes: ['admin'] };
    expect(() => vmwareCloud(misplaced)).toThrow(TypeError);
    expect(() => vmwareCloud(misplaced)).toThrow('"scopes"');
  });

  it('returns options and nothing else', () => {
    expect(vmwareCloud(CREDENTIALS)).toEqual({
      endpoint: URL_OF_ORGANISATION,
      clientAuth: { identity: 'client:reports', sign: expect.any(Function) },
      headers: {},
      parameters: {},
      audience: false,
      allowRefreshTokens: true,
    });
  });
});
