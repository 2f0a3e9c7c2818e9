import { createSecretKey } from 'node:crypto';
import { type ClientSecretJwtOptions, clientSecretJwt, tokenIntrospection } from '../../lib/index.js';
import { assertionOf } from '../support/assertion.js';
import { ISSUER, signed } from '../support/signed.js';

const CLIENT_ID = 'reports-api';
const SECRET = 'hush-hush-hush-hush-hush-hush-hü';
const KEY = createSecretKey(Buffer.from(SECRET, 'utf8'));

function create(options: Partial<ClientSecretJwtOptions> = {}) {
  return clientSecretJwt({ clientId: CLIENT_ID, clientSecret: SECRET, ...options });
}

describe('clientSecretJwt', () => {
  it('sends one assertion with its type and the client, and never the secret', async () => {
    const { headers, parameters } = await signed(create());
    expect(headers).toEqual({});
    expect(parameters).toEqual({
      client_id: CLIENT_ID,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    });
  });

  it('signs for the client and the authorization server, valid for one minute', async () => {
    const { header, payload } = await assertionOf(create(), KEY);
    expect(header).toEqual({ alg: 'HS256', typ: 'client-authentication+jwt' });
    expect(payload).toEqual({
      iss: CLIENT_ID,
      sub: CLIENT_ID,
      aud: ISSUER,
      jti: expect.stringMatching(/^[\da-f-]{36}$/),
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 60,
    });
  });

  it.each(['HS256', 'HS384', 'HS512'] as const)('signs with %s', async (alg) => {
    const { header } = await assertionOf(create({ alg }), KEY);
    expect(header.alg).toBe(alg);
  });

  it('signs for another audience if one is set', async () => {
    const audience = `${ISSUER}/introspect`;
    expect((await assertionOf(create({ audience }), KEY, { issuer: undefined })).payload.aud).toBe(audience);
  });

  it('sends a new assertion with each request', async () => {
    const clientAuth = create();
    const assertions = await Promise.all(Array.from({ length: 20 }, () => assertionOf(clientAuth, KEY)));
    expect(new Set(assertions.map(({ payload }) => payload.jti)).size).toBe(20);
  });

  it('signs with the current secret of a function', async () => {
    const secrets = ['old', SECRET];
    const clientAuth = create({ clientSecret: async () => secrets.shift() ?? '' });
    expect((await assertionOf(clientAuth, createSecretKey(Buffer.from('old')))).payload.sub).toBe(CLIENT_ID);
    expect((await assertionOf(clientAuth, KEY)).payload.sub).toBe(CLIENT_ID);
  });

  it.each<[string, Partial<Record<keyof ClientSecretJwtOptions | 'key', unknown>>, string]>([
    ['another alg', { alg: 'RS256' }, 'Option "alg" is a string that cannot be used; write one of HS256, HS384, HS512'],
    ['no signature', { alg: 'none' }, 'Option "alg" is a string that cannot be used; write one of HS256, HS384, HS512'],
    [
      'two audiences',
      { audience: [ISSUER] },
      'Option "audience" is a list; write the recipient of the assertion: the issuer or the endpoint',
    ],
    [
      'an option it does not know',
      { key: 8_675_309 },
      'Option "key" is not known here; write one of clientId, clientSecret, alg, audience',
    ],
  ])('rejects %s', (_, options, message) => {
    expect(() => create(options as Partial<ClientSecretJwtOptions>)).toThrow(new TypeError(message));
  });

  it.each([undefined, null, 'secret'])('rejects options that are %p', (options) => {
    expect(() => clientSecretJwt(options as never)).toThrow(TypeError);
  });

  it('needs an audience: its option or the issuer', async () => {
    const options = { endpoint: `${ISSUER}/introspect`, audience: false } as const;
    expect(() => tokenIntrospection({ ...options, clientAuth: create() })).toThrow(
      new TypeError(
        'Option "issuer" is missing; write the issuer identifier of the authorization server, or give "clientAuth" an audience of its own',
      ),
    );
    expect(() => tokenIntrospection({ ...options, clientAuth: create(), issuer: ISSUER })).not.toThrow();
    expect(() => tokenIntrospection({ ...options, clientAuth: create({ audience: ISSUER }) })).not.toThrow();
    await expect(signed(create(), { issuer: undefined })).rejects.toThrow('no audience');
  });
});
