import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { zitadel } from '../../lib/providers/index.js';
import { createApi } from '../support/api.js';
import { assertionOf } from '../support/assertion.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createEndpoint } from '../support/endpoint.js';
import { describePreset } from '../support/preset-suite.js';
import { basic, createProviderApi, createStandIn, type Documented } from '../support/stand-in.js';

const CREDENTIALS = {
  issuer: 'https://shop.zitadel.cloud',
  clientId: '78366401571920522@shop',
  clientSecret: 'xq9!Kd/Tu+4 ~*',
};
const PROJECT = '69234237810729019';
const NOW = 1_790_000_000;

const ACTIVE = {
  active: true,
  scope: 'openid profile',
  client_id: '78366401571920777@shop',
  token_type: 'Bearer',
  exp: NOW + 43_200,
  iat: NOW,
  nbf: NOW,
  sub: '165460784409737834',
  aud: ['78366401571920777@shop', CREDENTIALS.clientId, PROJECT],
  iss: 'https://shop.zitadel.cloud',
  jti: '181718271826172612',
  username: 'alice@shop.example.com',
};

const DOCUMENTED: Documented = {
  url: 'https://shop.zitadel.cloud/oauth/v2/introspect',
  contentType: 'application/x-www-form-urlencoded',
  authorization: basic('78366401571920522%40shop:xq9%21Kd%2FTu%2B4+%7E*'),
  tokens: { user: ACTIVE, other_project: { ...ACTIVE, aud: ['78366401571920777@shop'] } },
  refuseRequest: [400, { error: 'invalid_request' }],
  refuseClient: [401, { error: 'invalid_client' }],
};

const clock = createClock(NOW);

describePreset({
  name: 'zitadel',
  create: zitadel,
  credentials: CREDENTIALS,
  baseUrl: 'issuer',
  documented: DOCUMENTED,
  use: (preset) => ({ ...preset, audience: PROJECT, clock }),
  accepted: [['a user', 'user', ACTIVE]],
  token: 'user',
  inactiveToken: 'of_a_project_that_is_not_asked',
  furtherParameters: { token_type_hint: 'access_token' },
  fixed: { roles: expect.any(Function) },
});

describe('zitadel', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  /** The key file of an application. Its key is PEM of PKCS #1. */
  const keyFile = {
    type: 'application',
    keyId: '81693565968962154',
    key: pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    appId: '78366403256846242',
    clientId: '78366401571920522@shop',
  };
  const { clientId, key, keyId } = keyFile;

  async function assertionFor(options: Parameters<typeof zitadel>[0], publicKey: KeyObject = pair.publicKey) {
    return assertionOf(zitadel(options).clientAuth, publicKey);
  }

  it('signs with the key of a key file, with the issuer as audience', async () => {
    const { header, payload } = await assertionFor({ issuer: 'https://shop.zitadel.cloud/', clientId, key, keyId });
    expect(header).toMatchObject({ alg: 'RS256', kid: '81693565968962154' });
    expect(payload).toMatchObject({
      iss: clientId,
      sub: clientId,
      aud: 'https://shop.zitadel.cloud',
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
  });

  it('accepts a function as key', async () => {
    const vault = jest.fn(async () => key);
    await assertionFor({ issuer: CREDENTIALS.issuer, clientId, key: vault, keyId });
    expect(vault).toHaveBeenCalledTimes(1);
  });

  it('answers 200 after a request with an assertion and without a secret', async () => {
    const endpoint = await createEndpoint({ ...ACTIVE, aud: PROJECT });
    const preset = zitadel({ issuer: new URL(endpoint.url).origin, clientId, key, keyId });
    const api = createApi({ url: String(preset.endpoint) }, { ...preset, audience: PROJECT, clock });
    await api.get('user').expect(200);
    const [asked] = endpoint.asked;
    expect([asked?.method, asked?.url, asked?.headers.authorization]).toEqual([
      'POST',
      '/oauth/v2/introspect',
      undefined,
    ]);
    expect(Object.fromEntries(asked?.form ?? [])).toEqual({
      token: 'user',
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    });
  });

  it('never shows its key', () => {
    const [, line = ''] = key.split('\n');
    const shown = inspect(zitadel({ issuer: CREDENTIALS.issuer, clientId, key, keyId }), {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
    });
    expect(line.length).toBeGreaterThan(60);
    expect(shown).not.toContain(line);
    expect(() => zitadel({ issuer: CREDENTIALS.issuer, clientId, key: line, keyId })).toThrow(
      'Option "key" is a string that cannot be used',
    );
  });

  it.each([
    ['clientSecret', { ...CREDENTIALS, key, keyId }],
    ['clientSecret', { issuer: CREDENTIALS.issuer, clientId }],
    ['key', { issuer: CREDENTIALS.issuer, clientId, key: undefined, keyId }],
    ['key', { issuer: CREDENTIALS.issuer, clientId, keyId }],
    ['clientId', { issuer: CREDENTIALS.issuer, clientId: undefined, key, keyId }],
    ['issuer', { issuer: undefined, clientId, key, keyId }],
    ['type', { issuer: CREDENTIALS.issuer, ...keyFile }],
  ])('throws a TypeError that names "%s" when the way to authenticate is unclear', (name, options) => {
    const create = () => zitadel(options);
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`Option "${name}" is `);
  });

  it('answers 401 invalid_token for a token of another project', async () => {
    const decisions = recordDecisions();
    const standIn = await createStandIn(DOCUMENTED);
    const api = createProviderApi(standIn, { ...zitadel(CREDENTIALS), audience: PROJECT, clock });
    await api.get('other_project').expect(401);
    expect(decisions).toMatchObject([{ outcome: 'rejected', reason: 'audience_mismatch' }]);
    expect(api.reached()).toBe(0);
  });
});
