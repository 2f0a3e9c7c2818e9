import { github } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { json } from '../support/endpoint.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = { clientId: 'Iv1.8a61f9b3a7aba766', clientSecret: '3fa9-e7c1' };

const AUTHORIZATION = {
  id: 1,
  url: 'https://api.github.com/authorizations/1',
  scopes: ['public_repo', 'user'],
  token: 'ghu_16C7e42F292c6912E7',
  token_last_eight: '6912E7',
  hashed_token: '25f94a2a5c7fbaf499c665bc73d67c1c87e496da8985131633ee0a95819db2e8',
  app: { url: 'http://my-github-app.com', name: 'my github app', client_id: 'Iv1.8a61f9b3a7aba766' },
  note: 'optional note',
  updated_at: '2026-09-06T20:39:23Z',
  created_at: '2026-09-06T17:26:27Z',
  fingerprint: 'jklmnop12345678',
  expires_at: '2026-09-07T01:26:27Z',
  user: { login: 'octocat', id: 1, node_id: 'MDQ6VXNlcjE=', type: 'User', site_admin: false },
};
const CREATED = Date.parse('2026-09-06T17:26:27Z') / 1000;
const AUTH = {
  active: true,
  scope: 'public_repo user',
  client_id: 'Iv1.8a61f9b3a7aba766',
  iat: CREATED,
  exp: CREATED + 8 * 3600,
  sub: '1',
  username: 'octocat',
};

const DOCUMENTED: Documented = {
  url: 'https://api.github.com/applications/Iv1.8a61f9b3a7aba766/token',
  contentType: 'application/json',
  authorization: basic('Iv1.8a61f9b3a7aba766:3fa9-e7c1'),
  tokenParameter: 'access_token',
  headers: { 'x-github-api-version': '2022-11-28' },
  tokens: {
    documented: AUTHORIZATION,
    lasting: { ...AUTHORIZATION, expires_at: null },
    of_no_user: { ...AUTHORIZATION, user: null, scopes: null },
  },
  inactive: [404, { message: 'Not Found', status: '404' }],
  refuseRequest: [422, { message: 'Validation Failed' }],
  refuseClient: [401, { message: 'Bad credentials' }],
};

const clock = createClock(CREATED + 60);

describePreset({
  name: 'github',
  create: github,
  credentials: CREDENTIALS,
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, clock }),
  accepted: [['a token, as RFC 7662 names them', 'documented', AUTH]],
  token: 'documented',
  inactiveToken: 'revoked',
  furtherParameters: { note: 'x' },
  fixed: {
    requestFormat: 'json',
    tokenParameter: 'access_token',
    normalizeResponse: { statuses: [404], normalize: expect.any(Function), identity: 'github 1' },
    audience: false,
  },
});

describe('github', () => {
  it.each([
    ['lasting', { ...AUTH, exp: undefined }],
    ['of_no_user', { ...AUTH, scope: '', sub: undefined, username: undefined }],
  ])('leaves out claims that the response does not contain: %s', async (token, auth) => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...github(CREDENTIALS), clock });
    expect((await api.get(token).expect(200)).body).toEqual({ auth: JSON.parse(JSON.stringify(auth)) });
  });

  it('never shows the token that GitHub repeats', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...github(CREDENTIALS), clock });
    expect((await api.get('documented').expect(200)).text).not.toContain(AUTHORIZATION.token);
  });

  it('uses the option apiUrl for a GitHub Enterprise Server', async () => {
    const standIn = await createStandIn({
      ...DOCUMENTED,
      url: 'https://git.example.com/api/v3/applications/Iv1.8a61f9b3a7aba766/token',
    });
    const preset = github({ ...CREDENTIALS, apiUrl: 'https://git.example.com/api/v3/' });
    await createProviderApi(standIn, { ...preset, clock })
      .get('documented')
      .expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it.each([
    ['no JSON', '<html></html>'],
    ['null', 'null'],
    ['without an app', '{"scopes":[]}'],
    ['with a time that is none', JSON.stringify({ ...AUTHORIZATION, expires_at: 'soon' })],
    ['with scopes that hold spaces', JSON.stringify({ ...AUTHORIZATION, scopes: ['a b'] })],
  ])('answers 503 for a response %s', async (_what, body) => {
    const standIn = await createStandIn(DOCUMENTED);
    standIn.answer = (res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(body);
    const api = createProviderApi(standIn, { ...github(CREDENTIALS), clock });
    await api.get('documented').expect(503);
    expect(api.reached()).toBe(0);
  });

  it('answers 503 when GitHub asks to slow down', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    standIn.answer = (res) => json(res, { message: 'rate limited' }, 429);
    await createProviderApi(standIn, { ...github(CREDENTIALS), clock })
      .get('documented')
      .expect(503);
  });

  it.each(['git.example.com', 'https://git.example.com/api/v3?page=1'])(
    'throws a TypeError for the apiUrl %s',
    (apiUrl) => {
      expect(() => github({ ...CREDENTIALS, apiUrl })).toThrow('Option "apiUrl"');
    },
  );
});
