import { AuthError } from '../core/errors.js';
import { B64_TOKEN } from '../core/syntax.js';

/** Base64url without padding whose unused bits are zero, which is unique for its bytes (RFC 7515 section 2, RFC 4648 section 3.5). */
const CANONICAL_BASE64URL = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/;

/** Number of parts of a signed and of an encrypted JWT in compact form (RFC 7515 section 7.1, RFC 7516 section 7.1). */
const JOSE_PARTS: ReadonlySet<number> = new Set([3, 5]);

/**
 * Requires a token as in RFC 6750. A JWT must also be encoded as its issuer encodes it. Most servers accept one JWT in 4 or 16 spellings.
 * Each would have its own cache entry, and an invalidation of the token would not find the others.
 *
 * It runs before the endpoint is asked about a token, and before anything about it is cached or published.
 *
 * @throws AuthError `malformed_credentials`
 */
export function requireB64Token(token: string): void {
  if (!B64_TOKEN.test(token) || isReencodedJwt(token)) throw new AuthError('malformed_credentials');
}

/**
 * Whether a JWT has another encoding than its issuer's. The last character of a signature often has unused bits, which most verifiers
 * ignore. Opaque tokens may have dots too. So the parts are checked only if the first one is a JOSE header, which is a JSON object. It is
 * decoded leniently, as servers do.
 */
function isReencodedJwt(token: string): boolean {
  const parts = token.split('.');
  if (!JOSE_PARTS.has(parts.length) || !isJoseHeader(parts[0] as string)) return false;
  return !parts.every((part) => CANONICAL_BASE64URL.test(part));
}

function isJoseHeader(part: string): boolean {
  return /^\s*\{/.test(Buffer.from(part, 'base64url').toString('latin1'));
}
