import { curity } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { json } from '../support/endpoint.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = {
  url: 'https://login.example.com',
  clientId: 'introspect-client',
  clientSecret: 'P4ss%word+1',
};
const NOW = 1_790_000_000;

const CLAIMS = {
  jti: 'e0a4f1a4-4a35-4b0a-8a4a-2f9d8d3b5b1c',
  delegationId: 'a1b2c3d4-0000-4000-8000-1234567890ab',
  exp: NOW + 300,
  nbf: NOW,
  scope: 'openid reports',
  iss: 'https://login.example.com/oauth/v2/oauth-anonymous',
  sub: 'jané',
  aud: 'reports-api',
  iat: NOW,
  purpose: 'access_token',
};

function encode(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

function jwt(payload: unknown): string {
  return `${encode({ kid: '-38074812', alg: 'RS256' })}.${encode(payload)}.c2lnbmF0dXJl`;
}

const DOCUMENTED: Documented = {
  url: 'https://login.example.com/oauth/v2/oauth-introspect',
  contentType: 'application/x-www-form-urlencoded',
  authorization: basic('introspect-client:P4ss%25word%2B1'),
  headers: { accept: 'application/jwt' },
  tokens: { _0XBPWQQ_user: jwt(CLAIMS) },
  inactive: [204],
  refuseRequest: [400, { error: 'invalid_request' }],
  refuseClient: [401, { error: 'invalid_client' }],
};

const clock = createClock(NOW);
const use = (preset: ReturnType<typeof curity>) => ({ ...preset, audience: 'reports-api', clock });

describePreset({
  name: 'curity',
  create: curity,
  credentials: CREDENTIALS,
  baseUrl: 'url',
  documented: DOCUMENTED,
  use,
  accepted: [['a phantom token', '_0XBPWQQ_user', { active: true, ...CLAIMS }]],
  token: '_0XBPWQQ_user',
  inactiveToken: '_0XBPWQQ_revoked',
  furtherParameters: { token_type_hint: 'access_token' },
  fixed: { normalizeResponse: { statuses: [204], normalize: expect.any(Function), identity: 'curity 1' } },
});

describe('curity', () => {
  async function answered(contentType: string | undefined, body: string, status = 200) {
    const standIn = await createStandIn(DOCUMENTED);
    standIn.answer = (res) =>
      void res.writeHead(status, contentType === undefined ? {} : { 'content-type': contentType }).end(body);
    return createProviderApi(standIn, use(curity(CREDENTIALS)));
  }

  it.each(['application/jwt;charset=UTF-8', 'Application/JWT ; charset=utf-8'])(
    'reads a JWT of the media type %s',
    async (type) => {
      const api = await answered(type, jwt(CLAIMS));
      await api.get('_0XBPWQQ_user').expect(200);
    },
  );

  it.each([
    ['as JSON', 'application/json', JSON.stringify({ active: true, ...CLAIMS })],
    ['that is a JWT and says it is JSON', 'application/json', jwt(CLAIMS)],
    ['that is a JWT of another type', 'application/jwt-not', jwt(CLAIMS)],
    ['that is a JWT and says it is text', 'text/plain', jwt(CLAIMS)],
    ['that does not say what it is', undefined, jwt(CLAIMS)],
    ['without a body', 'application/jwt', ''],
    ['with JSON that says it is a JWT', 'application/jwt', JSON.stringify({ active: true, ...CLAIMS })],
    ['with a page', 'application/jwt', '<html></html>'],
    ['with two parts', 'application/jwt', jwt(CLAIMS).split('.').slice(0, 2).join('.')],
    ['without a signature', 'application/jwt', jwt(CLAIMS).replace(/[^.]+$/, '')],
    ['with four parts', 'application/jwt', `${jwt(CLAIMS)}.x`],
    ['that is encrypted', 'application/jwt', 'eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVydGV4dA.dGFn'],
    ['with something before it', 'application/jwt', `Bearer ${jwt(CLAIMS)}`],
    ['with a line behind it', 'application/jwt', `${jwt(CLAIMS)}\n${jwt(CLAIMS)}`],
    ['whose payload is not JSON', 'application/jwt', jwt('{"sub":')],
    [
      'whose payload is not UTF-8',
      'application/jwt',
      `e30.${Buffer.from('{"sub":"\xff"}', 'latin1').toString('base64url')}.e30`,
    ],
    ['whose payload is null', 'application/jwt', jwt('null')],
    ['whose payload is a list', 'application/jwt', jwt([CLAIMS])],
    ['whose payload is a string', 'application/jwt', jwt('"active"')],
    ['whose payload is a number', 'application/jwt', jwt('1')],
    ['whose "exp" is a string', 'application/jwt', jwt({ ...CLAIMS, exp: String(CLAIMS.exp) })],
    ['whose "active" is a string', 'application/jwt', jwt({ ...CLAIMS, active: 'yes' })],
    ['whose "active" is null', 'application/jwt', jwt({ ...CLAIMS, active: null })],
  ])('answers 503 for a response %s', async (_what, type, body) => {
    const api = await answered(type, body);
    await api.get('_0XBPWQQ_user').expect(503);
    expect(api.errors).toMatchObject([{ code: 'bad_response' }]);
    expect(api.reached()).toBe(0);
  });

  it('answers 401 invalid_token for a JWT with active: false', async () => {
    const api = await answered('application/jwt', jwt({ ...CLAIMS, active: false }));
    await api.get('_0XBPWQQ_user').expect(401);
    expect(api.reached()).toBe(0);
  });

  it('answers 401 invalid_token once exp of the JWT has passed', async () => {
    const api = await answered('application/jwt', jwt({ ...CLAIMS, exp: NOW - 60 }));
    await api.get('_0XBPWQQ_user').expect(401);
  });

  it('answers 401 invalid_token for a JWT of another audience', async () => {
    const api = await answered('application/jwt', jwt({ ...CLAIMS, aud: 'other-api' }));
    await api.get('_0XBPWQQ_user').expect(401);
  });

  it.each([201, 205, 404, 500])('answers 503 for status %d with any body', async (status) => {
    const api = await answered('application/jwt', status === 205 ? '' : jwt(CLAIMS), status);
    await api.get('_0XBPWQQ_user').expect(503);
    expect(api.reached()).toBe(0);
  });

  it('uses the option path', async () => {
    const standIn = await createStandIn({ ...DOCUMENTED, url: 'https://login.example.com/dev/introspection' });
    const api = createProviderApi(standIn, use(curity({ ...CREDENTIALS, path: '/dev/introspection' })));
    await api.get('_0XBPWQQ_user').expect(200);
    expect(standIn.refused).toEqual([]);
  });

  it('fails closed when the app requests JSON', async () => {
    const standIn = await createStandIn({ ...DOCUMENTED, headers: { accept: 'application/json' } });
    standIn.answer = (res) => json(res, { active: true, ...CLAIMS });
    const preset = curity({ ...CREDENTIALS, headers: { Accept: 'application/json' } });
    const api = createProviderApi(standIn, use(preset));
    await api.get('_0XBPWQQ_user').expect(503);
    expect([standIn.refused, api.reached()]).toEqual([[], 0]);
  });

  it.each(['', '/', 'oauth-introspect', '/introspect?tenant=1', '/introspect#a', '/a/../b'])(
    'throws a TypeError that names "path" when it is %j',
    (path) => {
      const create = () => curity({ ...CREDENTIALS, path });
      expect(create).toThrow(TypeError);
      expect(create).toThrow('Option "path" is ');
    },
  );
});
