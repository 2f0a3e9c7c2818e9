import { createPrivateKey, createPublicKey, type JsonWebKey, KeyObject, type webcrypto } from 'node:crypto';
import { isCryptoKey, isKeyObject } from 'node:util/types';
import { optionError, secretError } from '../core/option-error.js';

const MIN_RSA_BITS = 2048;

type Algorithms = readonly [string, ...string[]];

/** What each kind of key can sign with; the first is the default. */
const ALGORITHMS: Readonly<Record<string, Algorithms>> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
};

/** A private key: PEM (PKCS #8, PKCS #1 or SEC 1), JWK, `KeyObject` or `CryptoKey`. */
export type PrivateKey = string | JsonWebKey | KeyObject | webcrypto.CryptoKey;

/** A public key: PEM, JWK, `KeyObject` or `CryptoKey`. */
export type PublicKey = string | JsonWebKey | KeyObject | webcrypto.CryptoKey;

export interface SigningKey {
  readonly key: KeyObject;
  /** Those it can sign with, the first by preference. */
  readonly algorithms: Algorithms;
  readonly keyId: string | undefined;
}

/** `undefined` for what is no such key; what the engine says of it is not passed on. */
export function toPrivateKey(given: unknown): KeyObject | undefined {
  const key = toKeyObject(given, createPrivateKey);
  return key?.type === 'private' ? key : undefined;
}

/** The public half of a private key too; `undefined` for what is neither. */
export function toPublicKey(given: unknown): KeyObject | undefined {
  const key = toKeyObject(given, createPublicKey);
  if (key?.type === 'private') return createPublicKey(key);
  return key?.type === 'public' ? key : undefined;
}

/**
 * What signs a JWT: by default what a JWK or a `CryptoKey` names, else what the key can.
 *
 * @param prefix of the options' names
 * @throws TypeError
 */
export function parseSigningKey(
  given: PrivateKey | undefined,
  alg: string | undefined,
  keyId: string | undefined,
  prefix = '',
): SigningKey {
  const key = toPrivateKey(given);
  if (key === undefined) {
    throw secretError(`${prefix}key`, given, 'write a private key: PEM, JWK, KeyObject or CryptoKey');
  }
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: { namedCurve = '', modulusLength = Infinity } = {} } =
    key;
  const algorithms =
    isCryptoKey(given) && type === 'rsa' ? algorithmsOf(given) : ALGORITHMS[type === 'ec' ? namedCurve : type];
  if (algorithms === undefined || modulusLength < MIN_RSA_BITS) {
    throw secretError(
      `${prefix}key`,
      given,
      'write an RSA key of at least 2048 bits, or one of P-256, P-384, P-521 or Ed25519',
    );
  }
  const named = isJwk(given) ? given : {};
  const chosen = alg ?? named.alg;
  if (chosen !== undefined && !algorithms.includes(chosen)) {
    throw optionError(`${prefix}alg`, chosen, `this key signs with ${algorithms.join(', ')}`);
  }
  const kid: unknown = keyId ?? named.kid;
  if (kid !== undefined && typeof kid !== 'string') throw optionError(`${prefix}keyId`, kid, 'write a string');
  return { key, algorithms: chosen === undefined ? algorithms : [chosen], keyId: kid };
}

export function isJwk(given: unknown): given is JsonWebKey & { readonly alg?: string; readonly kid?: string } {
  return typeof given === 'object' && given !== null && !isKeyObject(given) && !isCryptoKey(given);
}

function toKeyObject(
  given: unknown,
  read: (key: string | { key: JsonWebKey; format: 'jwk' }) => KeyObject,
): KeyObject | undefined {
  if (isKeyObject(given)) return given;
  if (isCryptoKey(given)) return KeyObject.from(given);
  try {
    if (typeof given === 'string') return read(given);
    if (isJwk(given)) return read({ key: given, format: 'jwk' });
  } catch {
    // No key.
  }
  return undefined;
}

/** A `CryptoKey` is bound to one algorithm. */
function algorithmsOf({ algorithm }: webcrypto.CryptoKey): Algorithms {
  const { name, hash } = algorithm as webcrypto.RsaHashedKeyAlgorithm;
  return [`${name === 'RSA-PSS' ? 'PS' : 'RS'}${hash.name.slice('SHA-'.length)}`];
}
