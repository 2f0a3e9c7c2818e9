import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type ClientAuth, clientSecretJwt, privateKeyJwt } from '../../lib/index.js';
import { assertionOf } from '../support/assertion.js';
import { signed } from '../support/signed.js';

const SECRET = 'x'.repeat(64);
const SECRET_KEY = createSecretKey(SECRET, 'utf8');
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ED25519 = generateKeyPairSync('ed25519');

const byKey = (key: KeyObject, alg?: string) => privateKeyJwt({ clientId: 'api', key, alg });
const bySecret = (alg?: 'HS256' | 'HS512') => clientSecretJwt({ clientId: 'api', clientSecret: SECRET, alg });

describe('an assertion for an endpoint whose metadata list algorithms', () => {
  it.each<[string, ClientAuth, KeyObject, string[] | undefined, string]>([
    ['the default where nothing is said', byKey(RSA.privateKey), RSA.publicKey, undefined, 'RS256'],
    ['the default where it is taken', byKey(RSA.privateKey), RSA.publicKey, ['PS256', 'RS256'], 'RS256'],
    ['the first other that the key can sign with', byKey(RSA.privateKey), RSA.publicKey, ['ES256', 'PS512'], 'PS512'],
    ['the newer name of the same', byKey(ED25519.privateKey), ED25519.publicKey, ['Ed25519'], 'Ed25519'],
    ['what was chosen, where it is taken', byKey(RSA.privateKey, 'PS256'), RSA.publicKey, ['RS256', 'PS256'], 'PS256'],
    ['the default of secrets where nothing is said', bySecret(), SECRET_KEY, undefined, 'HS256'],
    ['another of secrets', bySecret(), SECRET_KEY, ['RS256', 'HS512'], 'HS512'],
  ])('is signed with %s', async (_, clientAuth, key, signingAlgorithms, alg) => {
    expect((await assertionOf(clientAuth, key, { signingAlgorithms })).header.alg).toBe(alg);
  });

  it.each<[string, ClientAuth, string[], string]>([
    ['of another kind of key', byKey(RSA.privateKey), ['ES256'], 'RS256 or RS384 or RS512 or PS256 or PS384 or PS512'],
    ['other than what was chosen', byKey(RSA.privateKey, 'RS512'), ['RS256'], 'RS512'],
    ['other than what was chosen for a secret', bySecret('HS256'), ['HS512'], 'HS256'],
    ['none', bySecret(), [], 'HS256 or HS384 or HS512'],
  ])(
    'is not made when the metadata list algorithms %s, and the outage says so',
    async (_, clientAuth, signingAlgorithms, detail) => {
      await expect(signed(clientAuth, { signingAlgorithms })).rejects.toMatchObject({
        status: 503,
        code: 'credentials_unavailable',
        detail: `the endpoint does not take ${detail}`,
      });
    },
  );
});
