import type { IncomingMessage } from 'node:http';
import { AuthError } from '../core/errors.js';
import type { Credentials } from '../core/lookup.js';
import { ownMember } from '../core/own-members.js';
import { requireSynchronous } from '../core/synchronous.js';
import { tokenDigest } from '../core/token-digest.js';
import { type DpopOrigin, dpopRequestOf } from './dpop-request.js';
import { readFormBody } from './form-body.js';
import { isRepeated, ownHeader, parseAuthorizationHeader } from './headers.js';

const MAX_TOKEN_LENGTH = 8192;

/** The part of a policy that says where in a request credentials are read, and which kinds of credentials are accepted. */
export interface CredentialPolicy {
  /** Whether the token is also read from the parameter `access_token` of a parsed form body. */
  readonly tokenFromBody: boolean;
  /** A function of the app that reads the token. If it is defined, the `Authorization` header is not read. */
  readonly getToken: ((req: IncomingMessage) => unknown) | undefined;
  /** If this member is defined, the scheme DPoP is accepted. */
  readonly dpop: object | undefined;
  readonly dpopOrigin: DpopOrigin;
  /** Reads the thumbprint of the client certificate of a request. If this function is defined, certificate-bound tokens are accepted. */
  readonly certificateThumbprint: ((req: IncomingMessage) => string | undefined) | undefined;
}

/**
 * Reads the token of a request, with its DPoP proof. The client certificate is read later, when a check needs it.
 *
 * @returns `undefined` for a request without a token
 * @throws AuthError `repeated_credentials`, `malformed_credentials` or `token_too_long`; any error that a function of the app throws;
 * TypeError if a function of the app returns a promise
 */
export function readCredentials(req: IncomingMessage, policy: CredentialPolicy): Credentials | undefined {
  const { getToken, tokenFromBody, dpop } = policy;
  if (getToken !== undefined) {
    const token = requireSynchronous('getToken', getToken(req));
    return token === undefined || token === null ? undefined : createCredentials(req, policy, 'Bearer', token);
  }
  // If a request repeats `Authorization`, `req.headers` has only the first line (RFC 9110 section 5.3).
  if (isRepeated(req, 'authorization')) throw new AuthError('repeated_credentials');
  const value = ownHeader(req, 'authorization');
  const header = value === undefined ? undefined : parseAuthorizationHeader(value, dpop !== undefined);
  if (tokenFromBody) {
    const fromBody = readFormBody({
      method: req.method,
      contentType: ownHeader(req, 'content-type'),
      body: ownMember(req, 'body'),
    });
    if (fromBody !== undefined) {
      if (header !== undefined) throw new AuthError('repeated_credentials');
      return createCredentials(req, policy, 'Bearer', fromBody);
    }
  }
  return header && createCredentials(req, policy, header.scheme, header.token);
}

function createCredentials(
  req: IncomingMessage,
  { dpop, dpopOrigin, certificateThumbprint }: CredentialPolicy,
  scheme: Credentials['scheme'],
  presented: unknown,
): Credentials {
  const token = readToken(presented);
  return {
    token,
    digest: tokenDigest(token),
    scheme,
    dpop: scheme === 'DPoP' ? dpopRequestOf(req, dpopOrigin) : undefined,
    hasUnusedProof: scheme === 'Bearer' && dpop !== undefined && Object.hasOwn(req.headers, 'dpop'),
    certificate: certificateThumbprint && (() => certificateThumbprint(req)),
  };
}

/**
 * Requires a token that is not empty and has at most 8192 characters. Its characters are checked later, and only before the endpoint is
 * asked: a token that is found in memory has passed that check before.
 *
 * @throws AuthError `malformed_credentials` for an empty token or a value that is not a string, `token_too_long` above 8192 characters
 */
export function readToken(candidate: unknown): string {
  if (typeof candidate !== 'string' || candidate === '') throw new AuthError('malformed_credentials');
  if (candidate.length > MAX_TOKEN_LENGTH) throw new AuthError('token_too_long');
  return candidate;
}
