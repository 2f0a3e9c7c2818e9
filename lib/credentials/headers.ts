import type { IncomingMessage } from 'node:http';
import { AuthError } from '../core/errors.js';

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
 * @throws AuthError `malformed_credentials`
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
  return value.charCodeAt(scheme.length) === SPACE || !TOKEN_CHARACTER.test(value.charAt(scheme.length));
}

function tokenAfter(value: string, scheme: string): string {
  let start = scheme.length;
  if (start < value.length && value.charCodeAt(start) !== SPACE) throw new AuthError('malformed_credentials');
  while (value.charCodeAt(start) === SPACE) start++;
  if (start === value.length) throw new AuthError('malformed_credentials');
  return value.slice(start);
}

/** A header of the request itself, not one that somebody added to `Object.prototype`. */
export function ownHeader(
  { headers }: Pick<IncomingMessage, 'headers'>,
  name: 'authorization' | 'content-type',
): string | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}

/**
 * Whether a request has more than one line of this header, given in lower case. Node shows the first and hides the others.
 * A request that a test made may have no `rawHeaders`.
 */
export function isRepeated({ rawHeaders }: Partial<Pick<IncomingMessage, 'rawHeaders'>>, header: string): boolean {
  let seen = false;
  // Names alternate with values. Comparing lengths first leaves almost nothing to lower-case.
  for (let i = 0; i < (rawHeaders?.length ?? 0); i += 2) {
    const name = rawHeaders?.[i];
    if (name?.length !== header.length || String(name).toLowerCase() !== header) continue;
    if (seen) return true;
    seen = true;
  }
  return false;
}
