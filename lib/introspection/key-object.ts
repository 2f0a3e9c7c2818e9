import { createPrivateKey, createPublicKey, type JsonWebKey, KeyObject, type webcrypto } from 'node:crypto';
import { isCryptoKey, isKeyObject } from 'node:util/types';

/** A private key: PEM (PKCS #8, PKCS #1 or SEC 1), JWK, `KeyObject` or `CryptoKey`. */
export type PrivateKey = string | JsonWebKey | KeyObject | webcrypto.CryptoKey;

/** A public key: PEM, JWK, `KeyObject` or `CryptoKey`. */
export type PublicKey = string | JsonWebKey | KeyObject | webcrypto.CryptoKey;

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
