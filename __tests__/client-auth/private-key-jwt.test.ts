import { createSecretKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { inspect } from 'node:util';
import { type PrivateKey, type PrivateKeyJwtOptions, privateKeyJwt, tokenIntrospection } from '../../lib/index.js';
import { assertionOf } from '../support/assertion.js';
import { ISSUER, signed } from '../support/signed.js';

const CLIENT_ID = 'reports-api';
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const KEY_REMEDY = 'write a private key: PEM, JWK, KeyObject or CryptoKey';
const KIND_REMEDY = 'write an RSA key of at least 2048 bits, or one of P-256, P-384, P-521 or Ed25519';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const RSA_PSS = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const P521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const ED25519 = generateKeyPairSync('ed25519');

type Pair = typeof RSA;

const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8') =>
  String(key.export({ type: type as 'pkcs8', format: 'pem' }));
const jwk = (key: KeyObject, more: object = {}) => ({ ...key.export({ format: 'jwk' }), ...more });

function create(options: Partial<PrivateKeyJwtOptions> = {}) {
  return privateKeyJwt({ clientId: CLIENT_ID, key: P256.privateKey, ...options });
}

async function cryptoKey(key: KeyObject, algorithm: webcrypto.EcKeyImportParams | webcrypto.RsaHashedImportParams) {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

describe('an assertion of privateKeyJwt', () => {
  it('is one parameter with three parts, sent with its type and the client, and without headers', async () => {
    const { headers, parameters } = await signed(create());
    expect(headers).toEqual({});
    expect(parameters).toEqual({
      client_id: CLIENT_ID,
      client_assertion_type: TYPE,
      client_assertion: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    });
  });

  it('is for the client and the authorization server, valid for one minute', async () => {
    const { header, payload } = await assertionOf(create(), P256.publicKey);
    expect(header).toEqual({ alg: 'ES256', typ: 'client-authentication+jwt' });
    expect(payload).toEqual({
      iss: CLIENT_ID,
      sub: CLIENT_ID,
      aud: ISSUER,
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    const { iat = 0, exp = 0 } = payload;
    expect(exp - iat).toBe(60);
    expect(Math.abs(iat - Date.now() / 1000)).toBeLessThan(10);
  });

  it('is for another audience if one is set, with any issuer', async () => {
    const audience = `${ISSUER}/token`;
    expect((await assertionOf(create({ audience }), P256.publicKey)).payload.aud).toBe(audience);
    const { payload } = await assertionOf(create({ audience }), P256.publicKey, { issuer: undefined });
    expect(payload.aud).toBe(audience);
  });

  it('is different each time', async () => {
    const clientAuth = create();
    const assertions = await Promise.all(Array.from({ length: 50 }, () => assertionOf(clientAuth, P256.publicKey)));
    const ids = assertions.map(({ payload }) => payload.jti ?? '');
    expect(new Set(ids).size).toBe(50);
    // A version 4 UUID has 122 random bits.
    for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  it('has a kid if the key has one', async () => {
    const named = jwk(P256.privateKey, { kid: 'of the JWK' });
    expect((await assertionOf(create({ keyId: 'k1' }), P256.publicKey)).header.kid).toBe('k1');
    expect((await assertionOf(create({ key: named }), P256.publicKey)).header.kid).toBe('of the JWK');
    expect((await assertionOf(create({ key: named, keyId: 'k1' }), P256.publicKey)).header.kid).toBe('k1');
  });

  it.each<[alg: string, kind: string, pair: Pair]>([
    ['RS256', 'an RSA key', RSA],
    ['ES256', 'a key of P-256', P256],
    ['ES384', 'a key of P-384', P384],
    ['ES512', 'a key of P-521', P521],
    ['EdDSA', 'a key of Ed25519', ED25519],
  ])('is signed with %s by %s', async (alg, _, { privateKey, publicKey }) => {
    const { parameters } = await signed(create({ key: privateKey }));
    expect(JSON.parse(String(Buffer.from(parameters.client_assertion?.split('.')[0] ?? '', 'base64url')))).toEqual({
      alg,
      typ: 'client-authentication+jwt',
    });
    const { header, payload } = await assertionOf(create({ key: privateKey }), publicKey);
    expect([header.alg, payload.sub]).toEqual([alg, CLIENT_ID]);
  });

  it.each<[alg: string, pair: Pair]>([
    ['RS384', RSA],
    ['RS512', RSA],
    ['PS256', RSA],
    ['PS384', RSA],
    ['PS512', RSA],
    ['Ed25519', ED25519],
  ])('is signed with %s if alg says so', async (alg, { privateKey, publicKey }) => {
    const { header } = await assertionOf(create({ key: privateKey, alg }), publicKey);
    expect(header.alg).toBe(alg);
  });

  it('is signed with the alg of the JWK, unless the option says otherwise', async () => {
    const key = jwk(RSA.privateKey, { alg: 'PS384' });
    expect((await assertionOf(create({ key }), RSA.publicKey)).header.alg).toBe('PS384');
    expect((await assertionOf(create({ key, alg: 'RS256' }), RSA.publicKey)).header.alg).toBe('RS256');
  });

  it.each<[form: string, pair: Pair, () => PrivateKey | Promise<PrivateKey>]>([
    ['PEM of PKCS #8', RSA, () => pem(RSA.privateKey)],
    ['PEM of PKCS #8, with blank lines around it', RSA, () => `\n${pem(RSA.privateKey)}\n`],
    ['PEM of PKCS #1', RSA, () => pem(RSA.privateKey, 'pkcs1')],
    ['PEM of SEC 1', P256, () => pem(P256.privateKey, 'sec1')],
    ['JWK', P256, () => jwk(P256.privateKey)],
    ['JWK of Ed25519', ED25519, () => jwk(ED25519.privateKey)],
    ['KeyObject', ED25519, () => ED25519.privateKey],
    ['CryptoKey', P256, () => cryptoKey(P256.privateKey, { name: 'ECDSA', namedCurve: 'P-256' })],
    ['CryptoKey of RSA', RSA, () => cryptoKey(RSA.privateKey, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' })],
  ])('is signed by a key as %s, also from a function', async (_, { publicKey }, make) => {
    const key = await make();
    expect((await assertionOf(create({ key }), publicKey)).payload.iss).toBe(CLIENT_ID);
    expect((await assertionOf(create({ key: () => key }), publicKey)).payload.iss).toBe(CLIENT_ID);
    expect((await assertionOf(create({ key: async () => key }), publicKey)).payload.iss).toBe(CLIENT_ID);
  });

  it.each([
    ['RSASSA-PKCS1-v1_5', 'SHA-256', 'RS256'],
    ['RSASSA-PKCS1-v1_5', 'SHA-512', 'RS512'],
    ['RSA-PSS', 'SHA-256', 'PS256'],
    ['RSA-PSS', 'SHA-384', 'PS384'],
  ])('is signed with the algorithm of a CryptoKey of %s with %s: %s', async (name, hash, alg) => {
    const key = await cryptoKey(RSA.privateKey, { name, hash });
    const { header } = await assertionOf(create({ key }), RSA.publicKey);
    expect(header.alg).toBe(alg);
  });
});

describe('the key function of privateKeyJwt', () => {
  it('is called for every request, so that keys can be renewed', async () => {
    const keys = [jwk(P256.privateKey, { kid: 'old' }), jwk(P384.privateKey, { kid: 'new' })];
    const key = jest.fn<PrivateKey, []>(() => keys.shift() as PrivateKey);
    const clientAuth = create({ key });
    expect(key).not.toHaveBeenCalled();
    expect((await assertionOf(clientAuth, P256.publicKey)).header).toMatchObject({ alg: 'ES256', kid: 'old' });
    expect((await assertionOf(clientAuth, P384.publicKey)).header).toMatchObject({ alg: 'ES384', kid: 'new' });
    expect(key).toHaveBeenCalledTimes(2);
  });

  it.each<[string, () => PrivateKey]>([
    [
      'throws',
      () => {
        throw new Error('the vault is locked');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the vault is locked')) as unknown as PrivateKey],
  ])('makes signing fail when it %s', async (_, key) => {
    await expect(signed(create({ key }))).rejects.toThrow('the vault is locked');
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an empty string', ''],
    ['garbage', 'hush'],
    ['a public key', P256.publicKey],
    ['a key its alg is not for', P256.privateKey],
  ])('makes signing fail when it returns %s', async (_, key) => {
    await expect(signed(create({ key: () => key as PrivateKey, alg: 'RS256' }))).rejects.toThrow(TypeError);
  });
});

describe('privateKeyJwt rejects', () => {
  const PEM = pem(P256.privateKey);
  const DAMAGED = PEM.replace(/\n.{20}/, '\n');
  const MATERIAL = [DAMAGED, PEM].flatMap((text) => text.split('\n').filter((line) => /^[\w+/]{16,}/.test(line)));

  it.each<[string, Partial<Record<keyof PrivateKeyJwtOptions | 'secret', unknown>>, string]>([
    ['no key', { key: undefined }, `Option "key" is missing; ${KEY_REMEDY}`],
    ['null for a key', { key: null }, `Option "key" is null; ${KEY_REMEDY}`],
    ['an empty key', { key: '' }, `Option "key" is an empty string; ${KEY_REMEDY}`],
    ['PEM that is damaged', { key: DAMAGED }, `Option "key" is a string that cannot be used; ${KEY_REMEDY}`],
    [
      'PEM that is encrypted',
      { key: P256.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'hush' }) },
      `Option "key" is a string that cannot be used; ${KEY_REMEDY}`,
    ],
    [
      'PEM of a public key',
      { key: String(P256.publicKey.export({ type: 'spki', format: 'pem' })) },
      `Option "key" is a string that cannot be used; ${KEY_REMEDY}`,
    ],
    [
      'JWK of a public key',
      { key: P256.publicKey.export({ format: 'jwk' }) },
      `Option "key" is an object that cannot be used; ${KEY_REMEDY}`,
    ],
    [
      'a JWK without its public half',
      { key: { ...jwk(P256.privateKey), x: undefined } },
      `Option "key" is an object that cannot be used; ${KEY_REMEDY}`,
    ],
    ['a list of keys', { key: [PEM] }, `Option "key" is a list; ${KEY_REMEDY}`],
    ['a public key', { key: P256.publicKey }, `Option "key" is an object that cannot be used; ${KEY_REMEDY}`],
    [
      'a key of Ed448',
      { key: generateKeyPairSync('ed448').privateKey },
      `Option "key" is an object that cannot be used; ${KIND_REMEDY}`,
    ],
    [
      'a key of secp256k1',
      { key: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey },
      `Option "key" is an object that cannot be used; ${KIND_REMEDY}`,
    ],
    [
      'an RSA key of 1024 bits',
      { key: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey },
      `Option "key" is an object that cannot be used; ${KIND_REMEDY}`,
    ],
    [
      'an alg of other keys',
      { alg: 'RS256' },
      'Option "alg" is a string that cannot be used; this key signs with ES256',
    ],
    [
      'an alg of another curve',
      { alg: 'ES384' },
      'Option "alg" is a string that cannot be used; this key signs with ES256',
    ],
    ['an alg of secrets', { alg: 'HS256' }, 'Option "alg" is a string that cannot be used; this key signs with ES256'],
    ['no signature', { alg: 'none' }, 'Option "alg" is a string that cannot be used; this key signs with ES256'],
    ['an empty alg', { alg: '' }, 'Option "alg" is an empty string; this key signs with ES256'],
    [
      'an alg in a JWK that is not for its key',
      { key: jwk(P256.privateKey, { alg: 'RS256' }) },
      'Option "alg" is a string that cannot be used; this key signs with ES256',
    ],
    [
      'an RSA key for PSS alone, which jose cannot read',
      { key: RSA_PSS.privateKey },
      'Option "key" is an object that cannot be used; write an RSA key of at least 2048 bits, or one of P-256, P-384, P-521 or Ed25519',
    ],
    ['a keyId that is no string', { keyId: 1 }, 'Option "keyId" is 1; write a string'],
    [
      'no client',
      { clientId: '' },
      'Option "clientId" is an empty string; write the client identifier, a non-empty string',
    ],
    [
      'an empty audience',
      { audience: '' },
      'Option "audience" is an empty string; write the recipient of the assertion: the issuer or the endpoint',
    ],
    [
      'two audiences',
      { audience: [ISSUER, 'other'] },
      'Option "audience" is a list; write the recipient of the assertion: the issuer or the endpoint',
    ],
    [
      'an option it does not know',
      { secret: 'hush' },
      'Option "secret" is not known here; write one of clientId, key, alg, audience, keyId',
    ],
  ])('%s', (_, options, message) => {
    const attempt = () => create(options as Partial<PrivateKeyJwtOptions>);
    expect(attempt).toThrow(new TypeError(message));
    try {
      attempt();
    } catch (error) {
      for (const line of MATERIAL) expect(inspect(error, { depth: Infinity })).not.toContain(line);
      expect(error).not.toHaveProperty('cause');
    }
  });

  it('a symmetric key', () => {
    const key = createSecretKey(Buffer.from('hush'.repeat(16)));
    expect(() => create({ key })).toThrow(
      new TypeError(`Option "key" is an object that cannot be used; ${KEY_REMEDY}`),
    );
  });

  it.each([undefined, null, 'key'])('options that are %p', (options) => {
    expect(() => privateKeyJwt(options as never)).toThrow(TypeError);
  });
});

describe('privateKeyJwt', () => {
  it('has the client in its identity, and shows nothing of the key', () => {
    const key = pem(P256.privateKey);
    const { d = '' } = P256.privateKey.export({ format: 'jwk' });
    for (const clientAuth of [create({ key }), create({ key: jwk(P256.privateKey) }), create({ key: () => key })]) {
      expect(clientAuth.identity).toBe(`client:${CLIENT_ID}`);
      const shown = inspect(clientAuth, { depth: Infinity, showHidden: true }) + JSON.stringify(clientAuth);
      expect(shown).not.toContain(d);
      for (const line of key.split('\n').slice(1, -2)) expect(shown).not.toContain(line);
    }
  });

  it('needs an audience: its option or the issuer', () => {
    const options = { endpoint: `${ISSUER}/introspect`, audience: false } as const;
    expect(() => tokenIntrospection({ ...options, clientAuth: create() })).toThrow(
      new TypeError(
        'Option "issuer" is missing; write the issuer identifier of the authorization server, or give "clientAuth" an audience of its own',
      ),
    );
    expect(() => tokenIntrospection({ ...options, clientAuth: create(), issuer: ISSUER })).not.toThrow();
    expect(() => tokenIntrospection({ ...options, clientAuth: create({ audience: ISSUER }) })).not.toThrow();
  });

  it('makes signing fail without either', async () => {
    await expect(signed(create(), { issuer: undefined })).rejects.toThrow('no audience');
  });
});
