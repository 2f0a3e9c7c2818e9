import { AuthError } from '../core/errors.js';
import { B64_TOKEN } from '../core/syntax.js';

/**
 * Base64url without padding, and with zeros in the unused bits (RFC 7515 section 2, RFC 4648 section 3.5). Each sequence of bytes has only
 * one text in this form.
 */
const CANONICAL_BASE64URL = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/;

/** Number of parts of a signed and of an encrypted JWT in compact form (RFC 7515 section 7.1, RFC 7516 section 7.1). */
const JOSE_PARTS: ReadonlySet<number> = new Set([3, 5]);

/**
 * Requires a token with only the characters that RFC 6750 section 2.1 allows. A JWT must also have canonical base64url in every part. Most
 * servers accept 4 or 16 different texts for the same JWT. Each text would have its own cache entry, and the invalidation of one text would
 * not find the others.
 *
 * The function runs before the endpoint is asked about a token, and before anything about the token is cached or published.
 *
 * @throws AuthError `malformed_credentials`
 */
export function requireB64Token(token: string): void {
  if (!B64_TOKEN.test(token) || isReencodedJwt(token)) throw new AuthError('malformed_credentials');
}

/**
 * True if the token is a JWT with a part that is not canonical base64url, as no issuer writes it. The last character of a signature often
 * has unused bits, and most verifiers ignore these bits. An opaque token may have dots too. So the parts are tested only if the first part
 * decodes to a JOSE header, which begins like a JSON object. The first part is decoded leniently, as servers do.
 */
function isReencodedJwt(token: string): boolean {
  const parts = token.split('.');
  if (!JOSE_PARTS.has(parts.length) || !isJoseHeader(parts[0] as string)) return false;
  return !parts.every((part) => CANONICAL_BASE64URL.test(part));
}

function isJoseHeader(part: string): boolean {
  return /^\s*\{/.test(Buffer.from(part, 'base64url').toString('latin1'));
}
