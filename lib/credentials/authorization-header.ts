import { AuthError } from '../core/errors.js';
import { readToken } from './token.js';

const SPACE = 0x20;
const TO_LOWER_CASE = 0x20;

/** A scheme goes on for as long as these do (RFC 9110 section 5.6.2). */
const TOKEN_CHARACTER = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;

/**
 * Reads `Bearer 1*SP b64token` (RFC 6750 section 2.1), or the same under another scheme, given in lower case. Another scheme is no credential of ours (section 3.1).
 *
 * @throws AuthError `malformed_credentials` or `token_too_long`
 */
export function readAuthorizationHeader(value: string | undefined, scheme = 'bearer'): string | undefined {
  if (value === undefined || !startsWithScheme(value, scheme)) return undefined;
  let start = scheme.length;
  if (start < value.length && value.charCodeAt(start) !== SPACE) {
    if (TOKEN_CHARACTER.test(value.charAt(start))) return undefined;
    throw new AuthError('malformed_credentials');
  }
  while (value.charCodeAt(start) === SPACE) start++;
  return readToken(value.slice(start));
}

/** Schemes are case-insensitive (RFC 9110 section 11.1). */
function startsWithScheme(value: string, scheme: string): boolean {
  for (let i = 0; i < scheme.length; i++) {
    if ((value.charCodeAt(i) | TO_LOWER_CASE) !== scheme.charCodeAt(i)) return false;
  }
  return true;
}
