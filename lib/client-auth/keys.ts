import { createPrivateKey, createPublicKey, type JsonWebKeyInput, KeyObject, type webcrypto } from 'node:crypto';
import { isCryptoKey, isKeyObject } from 'node:util/types';
import { optionError, secretError } from '../core/option-error.js';

const MIN_RSA_BITS = 2048;

type Algorithms = readonly [string, ...string[]];

/** Signing algorithms of each key type or curve. The first algorithm of each list is the default. */
const ALGORITHMS: Readonly<Record<string, Algorithms>> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
};

/**
 * A JSON Web Key (RFC 7517) with any members. This type accepts the key types of all versions of @types/node, whose names and members
 * differ.
 */
export type JsonWebKey = NodeJwk | webcrypto.JsonWebKey | Readonly<Record<string, unknown>>;

/** A JSON Web Key, as `node:crypto` takes it. */
type NodeJwk = JsonWebKeyInput['key'];

/** A private key: PEM (PKCS #8, PKCS #1 or SEC 1), JWK, `KeyObject` or `CryptoKey`. */
export type PrivateKey = string | JsonWebKey | KeyObject | webcrypto.CryptoKey;

/** A public key: PEM, JWK, `KeyObject` or `CryptoKey`. */
export type PublicKey = string | JsonWebKey | KeyObject | webcrypto.CryptoKey;

export interface SigningKey {
  readonly key: KeyObject;
  /** Algorithms that the key can use, the preferred one first. */
  readonly algorithms: Algorithms;
  readonly keyId: string | undefined;
}

/**
 * Parses a private key. Returns `undefined` for anything else. The error of the parser is dropped, because it may show parts of the key.
 */
export function toPrivateKey(input: unknown): KeyObject | undefined {
  const key = toKeyObject(input, createPrivateKey);
  return key?.type === 'private' ? key : undefined;
}

/** Parses a public key, or derives the public key from a private key. Returns `undefined` for anything else. */
export function toPublicKey(input: unknown): KeyObject | undefined {
  const key = toKeyObject(input, createPublicKey);
  if (key?.type === 'private') return createPublicKey(key);
  return key?.type === 'public' ? key : undefined;
}

/**
 * Parses a key that signs JWTs. If the key is a JWK, its members `alg` and `kid` are the defaults of `alg` and `keyId`. An RSA `CryptoKey`
 * signs only with its own algorithm. If neither `alg`, the JWK nor the `CryptoKey` names an algorithm, every algorithm of the key type or
 * curve is allowed.
 *
 * @param prefix stands before the names of the options in errors
 * @throws TypeError when the key is missing, too weak or of another type, or cannot sign with `alg`, or `keyId` is not a string
 */
export function parseSigningKey(
  input: PrivateKey | undefined,
  alg: string | undefined,
  keyId: string | undefined,
  prefix = '',
): SigningKey {
  const key = toPrivateKey(input);
  if (key === undefined) {
    throw secretError(`${prefix}key`, input, 'write a private key: PEM, JWK, KeyObject or CryptoKey');
  }
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: { namedCurve = '', modulusLength = Infinity } = {} } =
    key;
  const algorithms =
    isCryptoKey(input) && type === 'rsa' ? algorithmsOf(input) : ALGORITHMS[type === 'ec' ? namedCurve : type];
  if (algorithms === undefined || modulusLength < MIN_RSA_BITS) {
    throw secretError(
      `${prefix}key`,
      input,
      'write an RSA key of at least 2048 bits, or one of P-256, P-384, P-521 or Ed25519',
    );
  }
  const named = isJwk(input) ? input : {};
  const chosen = alg ?? named.alg;
  if (chosen !== undefined && !algorithms.includes(chosen)) {
    throw optionError(`${prefix}alg`, chosen, `this key signs with ${algorithms.join(', ')}`);
  }
  const kid: unknown = keyId ?? named.kid;
  if (kid !== undefined && typeof kid !== 'string') throw optionError(`${prefix}keyId`, kid, 'write a string');
  return { key, algorithms: chosen === undefined ? algorithms : [chosen], keyId: kid };
}

export function isJwk(input: unknown): input is NodeJwk & { readonly alg?: string; readonly kid?: string } {
  return typeof input === 'object' && input !== null && !isKeyObject(input) && !isCryptoKey(input);
}

function toKeyObject(
  input: unknown,
  read: (key: string | { key: NodeJwk; format: 'jwk' }) => KeyObject,
): KeyObject | undefined {
  if (isKeyObject(input)) return input;
  if (isCryptoKey(input)) return KeyObject.from(input);
  try {
    if (typeof input === 'string') return read(input);
    if (isJwk(input)) return read({ key: input, format: 'jwk' });
  } catch {
    // Not a key.
  }
  return undefined;
}

/** Returns the only algorithm that this RSA `CryptoKey` can be used with, as a list. */
function algorithmsOf({ algorithm }: webcrypto.CryptoKey): Algorithms {
  const { name, hash } = algorithm as webcrypto.RsaHashedKeyAlgorithm;
  return [`${name === 'RSA-PSS' ? 'PS' : 'RS'}${hash.name.slice('SHA-'.length)}`];
}
