import type { IncomingMessage } from 'node:http';
import { AuthError } from '../core/errors.js';

/** The scheme and the token in an `Authorization` header. */
export interface AuthorizationHeader {
  readonly scheme: 'Bearer' | 'DPoP';
  readonly token: string;
}

const SPACE = 0x20;
const TO_LOWER_CASE = 0x20;

/** A character that the name of a scheme may contain (RFC 9110 section 5.6.2). */
const TOKEN_CHARACTER = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;

/**
 * Reads an `Authorization` header with the scheme Bearer (RFC 6750 section 2.1), or with the scheme DPoP (RFC 9449 section 7.1) if DPoP is
 * accepted. Returns `undefined` for any other scheme. Which characters the token has is not checked here.
 *
 * @throws AuthError `malformed_credentials` if there is no space or no token after the scheme
 */
export function parseAuthorizationHeader(value: string, acceptsDpop: boolean): AuthorizationHeader | undefined {
  if (hasScheme(value, 'bearer')) return { scheme: 'Bearer', token: tokenAfter(value, 'bearer') };
  if (acceptsDpop && hasScheme(value, 'dpop')) return { scheme: 'DPoP', token: tokenAfter(value, 'dpop') };
  return undefined;
}

/**
 * True if a header begins with this scheme, in upper or lower case (RFC 9110 section 11.1). After the scheme, the header must end, or have
 * a character that no scheme may contain. So the header `Bearer,` has the scheme Bearer, although it is malformed.
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
  if (value.charCodeAt(start) !== SPACE) throw new AuthError('malformed_credentials');
  while (value.charCodeAt(start) === SPACE) start++;
  if (start === value.length) throw new AuthError('malformed_credentials');
  return value.slice(start);
}

/** Returns a header of the request, or `undefined`. A value that another package has added to `Object.prototype` is not returned. */
export function ownHeader(
  { headers }: Pick<IncomingMessage, 'headers'>,
  name: 'authorization' | 'content-encoding' | 'content-type' | 'mcp-method' | 'mcp-name',
): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/**
 * True if a request has more than one line of this header. `req.headers` cannot tell, because Node keeps only the first line there for
 * headers such as `Authorization`. False for a request without `rawHeaders`, as tests create them.
 *
 * @param header in lower case
 */
export function isRepeated({ rawHeaders }: Partial<Pick<IncomingMessage, 'rawHeaders'>>, header: string): boolean {
  const lines = rawHeaders ?? [];
  let seen = false;
  // Names and values alternate. The lengths are compared first, so that few names are converted to lower case.
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] as string;
    if (name.length !== header.length || name.toLowerCase() !== header) continue;
    if (seen) return true;
    seen = true;
  }
  return false;
}
