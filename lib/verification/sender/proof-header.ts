/** What only private keys hold, or secret ones (RFC 7518 section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** The usual one takes four characters; to verify with one as long as the modulus takes a hundred times as long. */
const MAX_EXPONENT_LENGTH = 6;

/**
 * What a proof says of itself (RFC 9449 section 4.3), before its signature is looked at.
 *
 * @throws Error for another type of JWT, for any part of a private key, and for a key that is costly to verify with
 */
export function requireProofHeader({ typ, jwk }: { readonly typ?: unknown; readonly jwk?: object }): void {
  if (typ !== 'dpop+jwt') throw new Error('typ');
  const members: Readonly<Record<string, unknown>> = { ...jwk };
  if (PRIVATE_MEMBERS.some((name) => members[name] !== undefined)) throw new Error('private key');
  if (String(members.e ?? '').length > MAX_EXPONENT_LENGTH) throw new Error('exponent');
}
