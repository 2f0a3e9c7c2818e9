import { AuthError } from '../core/errors.js';
import { B64_TOKEN } from '../core/syntax.js';

/**
 * Base64url without padding, and with zeros in the unused bits (RFC 7515 section 2, RFC 4648 section 3.5). The same bytes have only one
 * such spelling.
 */
const CANONICAL_BASE64URL = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/;

/** Number of parts of a signed and of an encrypted JWT in compact form (RFC 7515 section 7.1, RFC 7516 section 7.1). */
const JOSE_PARTS: ReadonlySet<number> = new Set([3, 5]);

/**
 * Requires a token as in RFC 6750. A JWT must also be encoded as its issuer encodes it. Most servers accept the same JWT in 4 or 16
 * spellings. Each spelling would have its own cache entry, and the invalidation of one would not find the others.
 *
 * The function runs before the endpoint is asked about a token, and before anything about the token is cached or published.
 *
 * @throws AuthError `malformed_credentials`
 */
export function requireB64Token(token: string): void {
  if (!B64_TOKEN.test(token) || isReencodedJwt(token)) throw new AuthError('malformed_credentials');
}

/**
 * True if the token is a JWT that is not encoded as its issuer encodes it. The last character of a signature often has unused bits, and
 * most verifiers ignore them. An opaque token may have dots too. So the parts are tested only if the first part is a JOSE header, that
 * is, a JSON object. That part is decoded leniently, as servers do.
 */
function isReencodedJwt(token: string): boolean {
  const parts = token.split('.');
  if (!JOSE_PARTS.has(parts.length) || !isJoseHeader(parts[0] as string)) return false;
  return !parts.every((part) => CANONICAL_BASE64URL.test(part));
}

function isJoseHeader(part: string): boolean {
  return /^\s*\{/.test(Buffer.from(part, 'base64url').toString('latin1'));
}
