import { type JsonWebKey, type PublicKey, toPublicKey } from '../client-auth/keys.js';
import type { JwkSet, KeySource } from '../introspection/key-set.js';
import { parseUrl } from './parse-url.js';
import { type Rules, rejectOption } from './read-options.js';

/** Public keys as an app writes them: one key, a JWK Set, or the URL of a JWK Set. */
export type PublicKeys = PublicKey | JwkSet | URL;

/**
 * Parses the public keys in the option `name`. If a JWK Set has keys that cannot be read, they are ignored, because the issuer may publish
 * a key of a new type.
 *
 * @throws TypeError for a value that is not a public key, a JWK Set with at least one readable key, or the URL of a JWK Set
 */
export function parseKeySource(
  name: string,
  value: PublicKeys | undefined,
  allowHttp: boolean,
  rules: Rules,
): KeySource | undefined {
  if (value === undefined) return undefined;
  if (value instanceof URL || (typeof value === 'string' && URL.canParse(value))) {
    return parseUrl(name, value, allowHttp);
  }
  if (typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)) {
    const keys = value.keys.flatMap(toPublicJwk);
    return keys.length > 0 ? { keys } : rejectOption(name, value, rules);
  }
  return toPublicKey(value) ?? rejectOption(name, value, rules);
}

/**
 * Returns a list with the public JWK of a key, or an empty list if the value is not a key. `kid` and `alg` are kept, because the key that
 * verifies a signature is found by them.
 */
function toPublicJwk(value: JsonWebKey & { readonly kid?: unknown; readonly alg?: unknown }): JsonWebKey[] {
  const key = toPublicKey(value);
  if (key === undefined) return [];
  const { kid, alg } = Object(value);
  const names = { ...(typeof kid === 'string' && { kid }), ...(typeof alg === 'string' && { alg }) };
  return [{ ...key.export({ format: 'jwk' }), ...names }];
}
