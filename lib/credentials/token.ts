import { AuthError } from '../errors.js';
import { B64_TOKEN } from '../grammar.js';

const MAX_TOKEN_LENGTH = 8192;

/**
 * Returns the token if there is one of a bearable length: all that has to be known to look it up.
 *
 * @throws AuthError `malformed_credentials`, or `token_too_long` above 8 kB
 */
export function readToken(candidate: unknown): string {
  if (typeof candidate !== 'string' || candidate === '') throw new AuthError('malformed_credentials');
  if (candidate.length > MAX_TOKEN_LENGTH) throw new AuthError('token_too_long');
  return candidate;
}

/**
 * Lets nothing malformed reach the endpoint. Checked where a token is about to be sent: whatever is found under a
 * token's digest was asked for with this very token, so that it has passed.
 *
 * @throws AuthError `malformed_credentials`
 */
export function requireB64Token(token: string): void {
  if (!B64_TOKEN.test(token)) throw new AuthError('malformed_credentials');
}
