import type { webcrypto } from 'node:crypto';
import { isCryptoKey } from 'node:util/types';
import { optionError, secretError } from '../../option-error.js';
import type { ClientAuth } from '../../types.js';
import { isJwk, type PrivateKey, toPrivateKey } from '../key-object.js';
import { type AssertionKey, writeAssertion } from './client-assertion.js';
import { requireAudience, requireClientId, requireOptions } from './client-identifier.js';
import { ownMethod } from './own-method.js';

/** What `privateKeyJwt()` takes. */
export interface PrivateKeyJwtOptions {
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The key, or a function that returns the current one; it is called for every attempt. */
  readonly key: PrivateKey | undefined | (() => PrivateKey | Promise<PrivateKey>);
  /**
   * Default what a JWK or a `CryptoKey` names, else by the key the first of `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA` and
   * what else it can sign with that the metadata of an `authorizationServer` advertise.
   */
  readonly alg?: string | undefined;
  /** Who the assertion is for. Default the authorization server's issuer; some servers want the endpoint instead. */
  readonly audience?: string | undefined;
  /** The `kid` by which the server finds the public key. Default what a JWK names. */
  readonly keyId?: string | undefined;
}

const MIN_RSA_BITS = 2048;

/** What each kind of key can sign with; the first is the default. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
};

/**
 * A JWT signed with the client's private key (`private_key_jwt` of OpenID Connect Core section 9,
 * [RFC 7523](https://www.rfc-editor.org/rfc/rfc7523)): the server knows the public key alone.
 *
 * @throws TypeError when an option is missing, unknown or wrong, or the key cannot sign with `alg`; a function's failure is a
 * 503 instead
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): ClientAuth {
  requireOptions(options, ['clientId', 'key', 'alg', 'audience', 'keyId']);
  const { key, alg, audience, keyId } = options;
  const clientId = requireClientId(options.clientId);
  requireAudience(audience);
  const common = {
    identity: `client:${clientId}`,
    clientId,
    methods: ['private_key_jwt'],
    needsIssuer: audience === undefined,
  };
  if (typeof key === 'function') {
    return ownMethod({
      ...common,
      sign: async (request) => writeAssertion(request, { clientId, audience }, parseKey(await key(), alg, keyId)),
    });
  }
  const parsed = parseKey(key, alg, keyId);
  return ownMethod({ ...common, sign: (request) => writeAssertion(request, { clientId, audience }, parsed) });
}

function parseKey(given: PrivateKey | undefined, alg: string | undefined, keyId: string | undefined): AssertionKey {
  const key = toPrivateKey(given);
  if (key === undefined) {
    throw secretError('key', given, 'write a private key: PEM, JWK, KeyObject or CryptoKey');
  }
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: { namedCurve = '', modulusLength = Infinity } = {} } =
    key;
  const algorithms =
    isCryptoKey(given) && type === 'rsa' ? algorithmsOf(given) : ALGORITHMS[type === 'ec' ? namedCurve : type];
  if (algorithms === undefined || modulusLength < MIN_RSA_BITS) {
    throw secretError('key', given, 'write an RSA key of at least 2048 bits, or one of P-256, P-384, P-521 or Ed25519');
  }
  const named = isJwk(given) ? given : {};
  const chosen = alg ?? named.alg;
  if (chosen !== undefined && !algorithms.includes(chosen)) {
    throw optionError('alg', chosen, `this key signs with ${algorithms.join(', ')}`);
  }
  const kid: unknown = keyId ?? named.kid;
  if (kid !== undefined && typeof kid !== 'string') throw optionError('keyId', kid, 'write a string');
  return { key, algorithms: chosen === undefined ? algorithms : [chosen], keyId: kid };
}

/** A `CryptoKey` is bound to one algorithm. */
function algorithmsOf({ algorithm }: webcrypto.CryptoKey): readonly string[] {
  const { name, hash } = algorithm as webcrypto.RsaHashedKeyAlgorithm;
  return [`${name === 'RSA-PSS' ? 'PS' : 'RS'}${hash.name.slice('SHA-'.length)}`];
}
