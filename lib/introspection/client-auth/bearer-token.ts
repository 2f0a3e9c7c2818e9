import { hash } from 'node:crypto';
import { B64_TOKEN } from '../../grammar.js';
import { optionError } from '../../option-error.js';
import type { ClientAuth } from '../../types.js';
import { requireSecret } from './client-identifier.js';

/**
 * A bearer token of this resource server's own, as RFC 7662 section 2.1 shows it.
 *
 * @param token the token, or a function that returns the current one; it is asked for every attempt, within the deadline
 * @throws TypeError when the token is missing, empty or not a bearer token; a function's failure is a 503 instead
 */
export function bearerToken(token: string | (() => string | Promise<string>) | undefined): ClientAuth {
  if (typeof token === 'function') {
    return {
      identity: 'bearer',
      async sign({ headers }) {
        headers.authorization = `Bearer ${requireToken(await token())}`;
      },
    };
  }
  const authorization = `Bearer ${requireToken(token)}`;
  return {
    identity: `bearer:${hash('sha256', authorization, 'base64url')}`,
    sign({ headers }) {
      headers.authorization = authorization;
    },
  };
}

/** A line feed at the end of a token file is a frequent guest. */
function requireToken(candidate: string | undefined): string {
  const token = requireSecret('token', candidate);
  if (!B64_TOKEN.test(token)) {
    throw optionError('token', token, 'write a bearer token (RFC 6750 section 2.1), without spaces or line ends');
  }
  return token;
}
