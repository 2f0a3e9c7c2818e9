import { hash } from 'node:crypto';
import type { ClientAuth, IntrospectionRequest } from '../core/client-auth.js';
import { optionError } from '../core/option-error.js';
import { B64_TOKEN } from '../core/syntax.js';
import { signWithSecret } from './secret.js';

/**
 * A function of the app that returns the current token. `refused` is `true` when the endpoint has just responded with 401. In that case the
 * function should renew the token.
 */
export type TokenSource = (request: { readonly refused: boolean }) => string | Promise<string>;

/**
 * Names of this method in authorization server metadata, which may list types of access tokens as authentication methods (RFC 8414 section
 * 2).
 */
const METHODS = ['Bearer', 'bearer'];

/**
 * Client authentication with a bearer token of this resource server, as in the example of RFC 7662 section 2.1.
 *
 * @param token the token, or a function that returns the current token. The function is called for every attempt to send an introspection
 * request, and once more after a 401. The time that it takes counts towards `timeoutMs`
 * @throws TypeError when the token is missing, empty or not a bearer token. If `token` is a function that fails or returns such a token,
 * nothing is thrown here, and the client's request gets a 503
 */
export function bearerToken(token: string | TokenSource | undefined): ClientAuth {
  const common = {
    call: 'bearerToken(token)',
    argument: 'token',
    isConstant: true,
    prepare: toAuthorization,
    write,
  } as const;
  if (typeof token !== 'function') {
    const identity = `bearer:${hash('sha256', String(token), 'base64url')}`;
    return { identity, methods: METHODS, sign: signWithSecret({ ...common, secret: token }) };
  }
  // No `identity`, because the function may return tokens of any client.
  return {
    methods: METHODS,
    sign: (request) => signWithSecret({ ...common, secret: () => token({ refused: request.refused }) })(request),
  };
}

function toAuthorization(token: string): string {
  if (B64_TOKEN.test(token)) return `Bearer ${token}`;
  throw optionError('token', token, 'write a bearer token (RFC 6750 section 2.1), without spaces or line ends');
}

function write({ headers }: IntrospectionRequest, authorization: string): void {
  headers.authorization = authorization;
}
