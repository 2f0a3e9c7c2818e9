import { AuthError } from '../errors.js';
import { B64_TOKEN } from '../grammar.js';

const MAX_TOKEN_LENGTH = 8192;

/**
 * Returns the token if it could be one, so that nothing malformed reaches the endpoint.
 *
 * @throws AuthError `malformed_credentials`, or `token_too_long` above 8 kB
 */
export function parseToken(candidate: unknown): string {
  if (typeof candidate !== 'string') throw new AuthError('malformed_credentials');
  if (candidate.length > MAX_TOKEN_LENGTH) throw new AuthError('token_too_long');
  if (!B64_TOKEN.test(candidate)) throw new AuthError('malformed_credentials');
  return candidate;
}
