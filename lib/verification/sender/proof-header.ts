/** Names of JWK members that only private and symmetric keys have (RFC 7518 section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/**
 * Maximum length of an RSA exponent in base64url characters; the usual exponent has 4. With an exponent as long as the modulus, verifying
 * takes 100 times as long.
 */
const MAX_EXPONENT_LENGTH = 6;

/**
 * Checks the header of a proof (RFC 9449 section 4.3) before its signature is verified.
 *
 * @throws Error for another type of JWT, for any part of a private or symmetric key, and for a key that makes verification slow
 */
export function requireProofHeader({ typ, jwk }: { readonly typ?: unknown; readonly jwk?: object }): void {
  if (typ !== 'dpop+jwt') throw new Error('typ');
  const members: Readonly<Record<string, unknown>> = { ...jwk };
  if (PRIVATE_MEMBERS.some((name) => members[name] !== undefined)) throw new Error('private key');
  if (String(members.e ?? '').length > MAX_EXPONENT_LENGTH) throw new Error('exponent');
}
