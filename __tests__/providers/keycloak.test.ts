import { clientAssertion } from '../../lib/index.js';
import { keycloak } from '../../lib/providers/index.js';
import { createClock } from '../support/clock.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = {
  url: 'https://sso.example.com',
  realm: 'shop & co',
  clientId: 'reports-api',
  clientSecret: 'kX3+/ %=9',
};
const NOW = 1_790_000_000;

const ACTIVE = {
  exp: NOW + 300,
  iat: NOW,
  nbf: 0,
  jti: 'onrtac:4a0c1a9e-62a5-4d8b-8a5b-0b2f3c9b7c11',
  iss: 'https://sso.example.com/realms/shop%20&%20co',
  aud: ['reports-api', 'account'],
  sub: '5f8c0c1e-8f33-4c1c-9d5e-0a3f7a7a2b90',
  typ: 'Bearer',
  azp: 'portal',
  sid: 'e2b7a6de-7b8c-4a86-9c57-6c2c1f0f8d55',
  realm_access: { roles: ['reader'] },
  scope: 'profile email',
  client_id: 'portal',
  username: 'alice',
  token_type: 'Bearer',
  active: true,
};
const { aud: _list, ...OF_NO_AUDIENCE } = ACTIVE;

const DOCUMENTED: Documented = {
  url: 'https://sso.example.com/realms/shop%20%26%20co/protocol/openid-connect/token/introspect',
  contentType: 'application/x-www-form-urlencoded',
  authorization: basic('reports-api:kX3%2B%2F+%25%3D9'),
  tokens: {
    user: ACTIVE,
    one_audience: { ...ACTIVE, aud: 'reports-api' },
    other_audience: { ...ACTIVE, aud: 'account' },
    no_audience: OF_NO_AUDIENCE,
  },
  refuseRequest: [400, { error: 'invalid_request', error_description: 'Token not provided.' }],
  refuseClient: [401, { error: 'invalid_request', error_description: 'Authentication failed.' }],
};

const clock = createClock(NOW);

describePreset({
  name: 'keycloak',
  create: keycloak,
  credentials: CREDENTIALS,
  baseUrl: 'url',
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, audience: 'reports-api', clock }),
  accepted: [
    ['a user, nbf being 0', 'user', ACTIVE],
    ['a token for one audience', 'one_audience', { ...ACTIVE, aud: 'reports-api' }],
  ],
  token: 'user',
  inactiveToken: 'of_another_realm',
  furtherParameters: { token_type_hint: 'access_token' },
  fixed: { roles: expect.any(Function) },
});

describe('keycloak', () => {
  it.each(['other_audience', 'no_audience'])('answers 401 invalid_token for a token of %s', async (token) => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...keycloak(CREDENTIALS), audience: 'reports-api', clock });
    const response = await api.get(token).expect(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(api.reached()).toBe(0);
  });

  it('accepts a token without an audience with audience: false', async () => {
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...keycloak(CREDENTIALS), audience: false, clock });
    await api.get('no_audience').expect(200);
  });

  it('uses the path /auth of an older server', () => {
    const { endpoint } = keycloak({ ...CREDENTIALS, url: 'https://sso.example.com/auth', realm: 'shop' });
    expect(endpoint).toBe('https://sso.example.com/auth/realms/shop/protocol/openid-connect/token/introspect');
  });

  it('takes another client authentication instead of a secret, and still reads roles of the client', () => {
    const { clientSecret: _secret, ...others } = CREDENTIALS;
    const clientAuth = clientAssertion({ clientId: 'reports-api', assertion: '/var/run/secrets/keycloak/token' });
    const preset = keycloak({ ...others, clientAuth });
    expect(preset.clientAuth).toBe(clientAuth);
    expect(preset.endpoint).toBe(DOCUMENTED.url);
    const claims = { active: true as const, scope: '', resource_access: { 'reports-api': { roles: ['reader'] } } };
    expect(preset.roles(claims)).toEqual(['reader', 'reports-api:reader']);
  });

  it('throws for a secret together with another client authentication, and without a client for its roles', () => {
    const clientAuth = clientAssertion({ assertion: '/var/run/secrets/keycloak/token' });
    expect(() => keycloak({ ...CREDENTIALS, clientAuth })).toThrow('Option "clientSecret"');
    expect(() => keycloak({ ...CREDENTIALS, clientAuth })).not.toThrow(CREDENTIALS.clientSecret);
    const { clientSecret: _secret, ...others } = CREDENTIALS;
    expect(() => keycloak({ ...others, clientId: undefined, clientAuth })).toThrow('Option "clientId"');
  });

  it('does not take a client authentication that another package added to Object.prototype', () => {
    const { clientSecret: _secret, ...others } = CREDENTIALS;
    Object.defineProperty(Object.prototype, 'clientAuth', { value: { sign() {} }, configurable: true });
    try {
      expect(() => keycloak(others)).toThrow('Option "clientSecret"');
    } finally {
      Reflect.deleteProperty(Object.prototype, 'clientAuth');
    }
  });

  it.each([undefined, '', '.', '..'])('throws a TypeError that names "realm" when it is %j', (realm) => {
    const create = () => keycloak({ ...CREDENTIALS, realm });
    expect(create).toThrow(TypeError);
    expect(create).toThrow('Option "realm" is ');
  });
});
