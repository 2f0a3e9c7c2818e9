import { hash } from 'node:crypto';

/** What makes a public key of each kind, in the order in which it is digested. */
const MEMBERS: ReadonlyMap<unknown, string[]> = new Map<unknown, string[]>([
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
  ['RSA', ['e', 'kty', 'n']],
]);

/**
 * The SHA-256 thumbprint of a public key (RFC 7638 section 3), without the detour that Web Crypto makes of a digest.
 *
 * @throws Error for what is no key of a kind known here
 */
export function keyThumbprintOf(jwk: Readonly<Record<string, unknown>>): string {
  const names = MEMBERS.get(jwk.kty);
  if (names?.every((name) => typeof jwk[name] === 'string') !== true) throw new Error('kind of key');
  return hash('sha256', JSON.stringify(jwk, names), 'base64url');
}
