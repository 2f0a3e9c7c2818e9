import { notion } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { json } from '../support/endpoint.js';
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

describe('notion', () => {
  it('answers 200 with the documented claims and iat in seconds, having asked as documented', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...notion(CREDENTIALS), clock });
    const response = await api.get('documented').expect(200);
    expect(response.body).toEqual({ auth: { active: true, scope: SCOPE, iat: 1727554061 } });
    expect([standIn.refused, standIn.asked.length]).toEqual([[], 1]);
  });

  it.each([
    ['with_request_id', { active: true, scope: SCOPE, iat: 1727554061, request_id: 'f2b6c9' }],
    ['in_seconds', { active: true, scope: SCOPE, iat: 1727554061 }],
    ['issued_at_zero', { active: true, scope: SCOPE, iat: 0 }],
    ['without_iat', { active: true, scope: SCOPE }],
  ])('leaves the rest of a reply as it came: %s', async (token, auth) => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...notion(CREDENTIALS), clock });
    const response = await api.get(token).expect(200);
    expect(response.body).toEqual({ auth });
  });

  it('accepts a revoked token no longer than the ttl, though replies name no expiry', async () => {
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

  it('answers 401 invalid_token for a token that is not active', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...notion(CREDENTIALS), clock });
    const response = await api.get('revoked').expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'inactive' }]);
    expect([standIn.refused, api.reached()]).toEqual([[], 0]);
  });

  it('answers 503 and never invalid_token when Notion refuses the credentials with 400 {}', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...notion({ ...CREDENTIALS, clientSecret: 'secret_old' }), clock });
    const response = await api.get('documented').expect(503);
    expect(response.headers).toMatchObject({ 'retry-after': '1', 'cache-control': 'no-store' });
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(response.text).not.toContain('invalid_token');
    expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
    expect([standIn.refused.length, api.reached()]).toEqual([1, 0]);
  });

  it.each([
    ['no JSON', '<html></html>'],
    ['null', 'null'],
    ['a list', '[{"active":true}]'],
    ['active in quotes', '{"active":"true","scope":"read_content"}'],
  ])('answers 503 for a reply that is %s', async (_what, body) => {
    const standIn = await createStandIn(DOCUMENTED);
    standIn.answer = (res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(body);
    const api = createProviderApi(standIn, { ...notion(CREDENTIALS), clock });
    await api.get('documented').expect(503);
    expect(api.errors).toMatchObject([{ code: 'bad_response' }]);
    expect(api.reached()).toBe(0);
  });

  it('sends the Notion-Version it is told to', async () => {
    const standIn = await createStandIn({ ...DOCUMENTED, headers: { 'notion-version': '2022-06-28' } });
    const api = createProviderApi(standIn, { ...notion({ ...CREDENTIALS, notionVersion: '2022-06-28' }), clock });
    await api.get('documented').expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it('sends further headers and parameters beside its own', async () => {
    const standIn = await createStandIn({
      ...DOCUMENTED,
      parameters: { workspace: 'acme' },
      headers: { 'notion-version': '2026-03-11', 'x-request-source': 'reports' },
    });
    const preset = notion({
      ...CREDENTIALS,
      headers: { 'X-Request-Source': 'reports' },
      parameters: { workspace: 'acme' },
    });
    await createProviderApi(standIn, { ...preset, clock })
      .get('documented')
      .expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it.each(['notion-version', 'Notion-Version', 'NOTION-VERSION'])(
    'sends one Notion-Version, the one given, when it is given as the header %s',
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

  it('sends Base64 of id:secret as documented, whatever characters the secret holds', async () => {
    const clientSecret = 'secret_A/b+c=~';
    const standIn = await createStandIn({
      ...DOCUMENTED,
      authorization: basic(`${CREDENTIALS.clientId}:${clientSecret}`),
    });
    const api = createProviderApi(standIn, { ...notion({ ...CREDENTIALS, clientSecret }), clock });
    await api.get('documented');
    expect(standIn.refused).toEqual([]);
  });

  it('spreads beside other options, which count', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...notion(CREDENTIALS), scopes: ['read_comments'], clock });
    const response = await api.get('documented').expect(403);
    expect(response.headers['www-authenticate']).toMatch(/error="insufficient_scope", .*, scope="read_comments"$/);
  });

  it.each([
    ['clientId', undefined],
    ['clientId', ''],
    ['clientSecret', undefined],
    ['clientSecret', ''],
  ])('throws a TypeError that names "%s" when it is %j', (name, value) => {
    const create = () => notion({ ...CREDENTIALS, [name]: value });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`"${name}"`);
  });

  it('throws a TypeError for an option it does not know, rather than drop it', () => {
    const misplaced = { ...CREDENTIALS, scopes: ['read_content'] };
    expect(() => notion(misplaced)).toThrow(TypeError);
    expect(() => notion(misplaced)).toThrow('"scopes"');
  });

  it('returns options and nothing else', () => {
    expect(notion(CREDENTIALS)).toEqual({
      endpoint: DOCUMENTED.url,
      clientAuth: { identity: `client:${CREDENTIALS.clientId}`, sign: expect.any(Function) },
      requestFormat: 'json',
      headers: { 'notion-version': '2026-03-11' },
      parameters: {},
      normalizeResponse: expect.any(Function),
      audience: false,
    });
  });
});
