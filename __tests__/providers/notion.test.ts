import { notion } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { json } from '../support/endpoint.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = { clientId: '463558a3-725e-4f37-b6d3-0889894f68de', clientSecret: 'secret_Ab3dEf' };
const SCOPE = 'read_content insert_content update_content';

const DOCUMENTED: Documented = {
  url: 'https://api.notion.com/v1/oauth/introspect',
  contentType: 'application/json',
  authorization: basic('463558a3-725e-4f37-b6d3-0889894f68de:secret_Ab3dEf'),
  headers: { 'notion-version': '2026-03-11' },
  tokens: {
    documented: { active: true, scope: SCOPE, iat: 1727554061083 },
    with_request_id: { active: true, scope: SCOPE, iat: 1727554061083, request_id: 'f2b6c9' },
    in_seconds: { active: true, scope: SCOPE, iat: 1727554061 },
    issued_at_zero: { active: true, scope: SCOPE, iat: 0 },
    without_iat: { active: true, scope: SCOPE },
  },
  refuseRequest: [400, {}],
  refuseClient: [400, {}],
};

const clock = createClock(1_727_554_100);

describePreset({
  name: 'notion',
  create: notion,
  credentials: CREDENTIALS,
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, clock }),
  accepted: [['a token, its iat in seconds', 'documented', { active: true, scope: SCOPE, iat: 1727554061 }]],
  token: 'documented',
  inactiveToken: 'revoked',
  furtherParameters: { workspace: 'acme' },
  fixed: {
    requestFormat: 'json',
    normalizeResponse: { normalize: expect.any(Function), identity: 'notion 1' },
    audience: false,
  },
});

describe('notion', () => {
  it.each([
    ['with_request_id', { active: true, scope: SCOPE, iat: 1727554061, request_id: 'f2b6c9' }],
    ['in_seconds', { active: true, scope: SCOPE, iat: 1727554061 }],
    ['issued_at_zero', { active: true, scope: SCOPE, iat: 0 }],
    ['without_iat', { active: true, scope: SCOPE }],
  ])('leaves other members unchanged: %s', async (token, auth) => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...notion(CREDENTIALS), clock });
    const response = await api.get(token).expect(200);
    expect(response.body).toEqual({ auth });
  });

  it('accepts a revoked token no longer than the ttl, though responses contain no exp', async () => {
    const time = createClock(1_727_554_100);
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...notion(CREDENTIALS), cache: { ttlSeconds: 30 }, clock: time });
    await api.get('documented').expect(200);
    standIn.answer = (res) => json(res, { active: false });
    time.advance(29.999);
    await api.get('documented').expect(200);
    expect(standIn.asked).toHaveLength(1);
    time.advance(0.001);
    await api.get('documented').expect(401);
    expect(standIn.asked).toHaveLength(2);
  });

  it.each([
    ['no JSON', '<html></html>'],
    ['null', 'null'],
    ['a list', '[{"active":true}]'],
    ['active in quotes', '{"active":"true","scope":"read_content"}'],
  ])('answers 503 for a response that is %s', async (_what, body) => {
    const standIn = await createStandIn(DOCUMENTED);
    standIn.answer = (res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(body);
    const api = createProviderApi(standIn, { ...notion(CREDENTIALS), clock });
    await api.get('documented').expect(503);
    expect(api.errors).toMatchObject([{ code: 'bad_response' }]);
    expect(api.reached()).toBe(0);
  });

  it('sends the configured Notion-Version', async () => {
    const standIn = await createStandIn({ ...DOCUMENTED, headers: { 'notion-version': '2022-06-28' } });
    const api = createProviderApi(standIn, { ...notion({ ...CREDENTIALS, notionVersion: '2022-06-28' }), clock });
    await api.get('documented').expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it.each(['notion-version', 'Notion-Version', 'NOTION-VERSION'])(
    'sends only the Notion-Version of the header %s when headers has one',
    async (name) => {
      const standIn = await createStandIn({ ...DOCUMENTED, headers: { 'notion-version': '2022-06-28' } });
      const preset = notion({ ...CREDENTIALS, headers: { [name]: '2022-06-28' } });
      await createProviderApi(standIn, { ...preset, clock })
        .get('documented')
        .expect(200);
      expect(standIn.refused).toEqual([]);
      expect(preset.headers).toEqual({ 'notion-version': '2022-06-28' });
    },
  );

  it('sends Base64 of id:secret as documented, with any characters in the secret', async () => {
    const clientSecret = 'secret_A/b+c=~';
    const standIn = await createStandIn({
      ...DOCUMENTED,
      authorization: basic(`${CREDENTIALS.clientId}:${clientSecret}`),
    });
    const api = createProviderApi(standIn, { ...notion({ ...CREDENTIALS, clientSecret }), clock });
    await api.get('documented');
    expect(standIn.refused).toEqual([]);
  });

  it('can be combined with other options, which apply', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...notion(CREDENTIALS), scopes: ['read_comments'], clock });
    const response = await api.get('documented').expect(403);
    expect(response.headers['www-authenticate']).toMatch(/error="insufficient_scope", .*, scope="read_comments"$/);
  });
});
