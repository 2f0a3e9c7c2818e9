import { AuthError } from '../core/errors.js';
import { B64_TOKEN } from '../core/syntax.js';

/** Base64url without padding whose unused bits are zero (RFC 7515 section 2, RFC 4648 section 3.5): the only spelling of its bytes. */
const CANONICAL_BASE64URL = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/;

/** Parts of a signed and of an encrypted JWT in compact form (RFC 7515 section 7.1, RFC 7516 section 7.1). */
const JOSE_PARTS: ReadonlySet<number> = new Set([3, 5]);

/**
 * Requires a token of RFC 6750, and of a JWT the spelling that its issuer gave it. Most servers take a JWT in 4 or 16 spellings; each
 * would have a cache entry of its own, which an invalidation of the token would not find.
 *
 * It is called before anything is asked, cached or published about a token.
 *
 * @throws AuthError `malformed_credentials`
 */
export function requireB64Token(token: string): void {
  if (!B64_TOKEN.test(token) || isMisspelledJwt(token)) throw new AuthError('malformed_credentials');
}

/**
 * A signature's last character often has unused bits, which most verifiers ignore. Opaque tokens may have dots too, so that the parts of
 * a token count only if the first is a JOSE header: a JSON object, decoded as leniently as any server does.
 */
function isMisspelledJwt(token: string): boolean {
  const parts = token.split('.');
  if (!JOSE_PARTS.has(parts.length) || !isJoseHeader(parts[0] as string)) return false;
  return !parts.every((part) => CANONICAL_BASE64URL.test(part));
}

function isJoseHeader(part: string): boolean {
  return /^\s*\{/.test(Buffer.from(part, 'base64url').toString('latin1'));
}
