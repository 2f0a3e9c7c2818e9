import { hash } from 'node:crypto';
import type { ClientAuth, IntrospectionRequest } from '../core/client-auth.js';
import { optionError } from '../core/option-error.js';
import { B64_TOKEN } from '../core/syntax.js';
import { signWithSecret } from './secret.js';

/** `refused`: the endpoint has just answered 401, so that a token kept by the function should be renewed. */
export type TokenSource = (attempt: { readonly refused: boolean }) => string | Promise<string>;

/** Metadata may name types of access tokens too (RFC 8414 section 2). */
const METHODS = ['Bearer', 'bearer'];

/**
 * A bearer token of this resource server's own, as RFC 7662 section 2.1 shows it.
 *
 * @param token the token, or a function that returns the current one; it is called for every attempt, within the deadline,
 * and once more when the endpoint answers 401
 * @throws TypeError when the token is missing, empty or not a bearer token; a function's failure is a 503 instead
 */
export function bearerToken(token: string | TokenSource | undefined): ClientAuth {
  const common = { call: 'bearerToken(token)', argument: 'token', prepare: toAuthorization, write } as const;
  if (typeof token !== 'function') {
    const identity = `bearer:${hash('sha256', String(token), 'base64url')}`;
    return { identity, methods: METHODS, sign: signWithSecret({ ...common, secret: token }) };
  }
  // Without an identity, because the function may return tokens of any client.
  return {
    methods: METHODS,
    sign: (request) => signWithSecret({ ...common, secret: () => token({ refused: request.refused }) })(request),
  };
}

/** A line feed at the end of a token file is a frequent guest. */
function toAuthorization(token: string): string {
  if (B64_TOKEN.test(token)) return `Bearer ${token}`;
  throw optionError('token', token, 'write a bearer token (RFC 6750 section 2.1), without spaces or line ends');
}

function write({ headers }: IntrospectionRequest, authorization: string): void {
  headers.authorization = authorization;
}
