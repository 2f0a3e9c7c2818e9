import { AuthError } from '../core/errors.js';
import { readToken } from './token.js';

/** The credentials of an `Authorization` header. */
export interface AuthorizationHeader {
  readonly scheme: 'Bearer' | 'DPoP';
  readonly token: string;
}

const SPACE = 0x20;
const TO_LOWER_CASE = 0x20;

/** A character of a scheme's name (RFC 9110 section 5.6.2). */
const TOKEN_CHARACTER = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;

/**
 * Reads `Bearer 1*SP b64token` (RFC 6750 section 2.1), or the same with the scheme DPoP (RFC 9449 section 7.1) if that is accepted.
 * Returns `undefined` for any other scheme.
 *
 * @throws AuthError `malformed_credentials` or `token_too_long`
 */
export function parseAuthorizationHeader(value: string, acceptsDpop: boolean): AuthorizationHeader | undefined {
  if (hasScheme(value, 'bearer')) return { scheme: 'Bearer', token: tokenAfter(value, 'bearer') };
  if (acceptsDpop && hasScheme(value, 'dpop')) return { scheme: 'DPoP', token: tokenAfter(value, 'dpop') };
  return undefined;
}

/**
 * Whether a header has this scheme. Schemes are case-insensitive (RFC 9110 section 11.1).
 *
 * @param scheme in lower case
 */
export function hasScheme(value: string, scheme: string): boolean {
  for (let i = 0; i < scheme.length; i++) {
    if ((value.charCodeAt(i) | TO_LOWER_CASE) !== scheme.charCodeAt(i)) return false;
  }
  return !TOKEN_CHARACTER.test(value.charAt(scheme.length));
}

function tokenAfter(value: string, scheme: string): string {
  let start = scheme.length;
  if (start < value.length && value.charCodeAt(start) !== SPACE) throw new AuthError('malformed_credentials');
  while (value.charCodeAt(start) === SPACE) start++;
  return readToken(value.slice(start));
}
