import { hash } from 'node:crypto';

/** Required members of each type of public key, in the order in which RFC 7638 digests them. */
const MEMBERS: ReadonlyMap<unknown, string[]> = new Map<unknown, string[]>([
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
  ['RSA', ['e', 'kty', 'n']],
]);

/**
 * Returns the SHA-256 thumbprint of a public key (RFC 7638 section 3). The function is synchronous, unlike a digest of Web Crypto.
 *
 * @throws Error for a value that is not a key of a known type
 */
export function keyThumbprint(jwk: Readonly<Record<string, unknown>>): string {
  const names = MEMBERS.get(jwk.kty);
  if (names?.every((name) => typeof jwk[name] === 'string') !== true) throw new Error('kind of key');
  return hash('sha256', JSON.stringify(jwk, names), 'base64url');
}
