import { createPrivateKey, type JsonWebKey, KeyObject, type webcrypto } from 'node:crypto';
import { isCryptoKey, isKeyObject } from 'node:util/types';
import { optionError, secretError } from '../../option-error.js';
import type { ClientAuth } from '../../types.js';
import { type AssertionKey, writeAssertion } from './client-assertion.js';
import { requireAudience, requireClientId, requireOptions } from './client-identifier.js';

/** A private key: PEM (PKCS #8, PKCS #1 or SEC 1), JWK, `KeyObject` or `CryptoKey`. */
export type PrivateKey = string | JsonWebKey | KeyObject | webcrypto.CryptoKey;

export interface PrivateKeyJwtOptions {
  readonly clientId: string | undefined;
  /** The key, or a function that returns the current one; it is called for every attempt. */
  readonly key: PrivateKey | undefined | (() => PrivateKey | Promise<PrivateKey>);
  /** Default what a JWK or a `CryptoKey` names, else `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA`, by the key. */
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
  const common = { identity: `client:${clientId}`, needsIssuer: audience === undefined };
  if (typeof key === 'function') {
    return {
      ...common,
      sign: async (request) => writeAssertion(request, { clientId, audience }, parseKey(await key(), alg, keyId)),
    };
  }
  const parsed = parseKey(key, alg, keyId);
  return { ...common, sign: (request) => writeAssertion(request, { clientId, audience }, parsed) };
}

function parseKey(given: PrivateKey | undefined, alg: string | undefined, keyId: string | undefined): AssertionKey {
  const key = toKeyObject(given);
  if (key?.type !== 'private') {
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
  const chosen = alg ?? named.alg ?? (algorithms[0] as string);
  if (!algorithms.includes(chosen)) {
    throw optionError('alg', chosen, `this key signs with ${algorithms.join(', ')}`);
  }
  const kid: unknown = keyId ?? named.kid;
  if (kid !== undefined && typeof kid !== 'string') throw optionError('keyId', kid, 'write a string');
  return { key, alg: chosen, keyId: kid };
}

/** A `CryptoKey` is bound to one algorithm. */
function algorithmsOf({ algorithm }: webcrypto.CryptoKey): readonly string[] {
  const { name, hash } = algorithm as webcrypto.RsaHashedKeyAlgorithm;
  return [`${name === 'RSA-PSS' ? 'PS' : 'RS'}${hash.name.slice('SHA-'.length)}`];
}

function toKeyObject(given: PrivateKey | undefined): KeyObject | undefined {
  if (isKeyObject(given)) return given;
  if (isCryptoKey(given)) return KeyObject.from(given);
  try {
    if (typeof given === 'string') return createPrivateKey(given);
    if (isJwk(given)) return createPrivateKey({ key: given, format: 'jwk' });
  } catch {
    // What the engine says of a key it cannot read is not passed on.
  }
  return undefined;
}

function isJwk(given: unknown): given is JsonWebKey & { readonly alg?: string; readonly kid?: string } {
  return typeof given === 'object' && given !== null && !isKeyObject(given) && !isCryptoKey(given);
}
