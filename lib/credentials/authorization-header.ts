import { parseToken } from './token.js';

const SCHEME = 'bearer';
const SPACE = 0x20;
const TO_LOWER_CASE = 0x20;

/**
 * Reads `Bearer 1*SP b64token` (RFC 6750 section 2.1). Another scheme is no credential of ours (section 3.1).
 *
 * @throws AuthError `malformed_credentials` or `token_too_long`
 */
export function readAuthorizationHeader(value: string | undefined): string | undefined {
  if (value === undefined || !hasBearerScheme(value)) return undefined;
  let start = SCHEME.length;
  while (value.charCodeAt(start) === SPACE) start++;
  return parseToken(value.slice(start));
}

/** The scheme is case-insensitive and ends at a space or with the value (RFC 9110 section 11.1). */
function hasBearerScheme(value: string): boolean {
  for (let i = 0; i < SCHEME.length; i++) {
    if ((value.charCodeAt(i) | TO_LOWER_CASE) !== SCHEME.charCodeAt(i)) return false;
  }
  return value.length === SCHEME.length || value.charCodeAt(SCHEME.length) === SPACE;
}
