import { AuthError } from '../core/errors.js';
import type { DpopRequest } from '../core/lookup.js';
import { readAuthorizationHeader } from './authorization-header.js';
import { type FormRequest, readFormBody } from './form-body.js';
import { readToken } from './token.js';

/** Where this middleware takes credentials from. */
export interface CredentialSources {
  readonly tokenFromBody: boolean;
  readonly usesGetToken: boolean;
}

/** What a request says that matters for authentication. */
export interface RequestFacts extends FormRequest {
  readonly authorization: string | undefined;
  /** More than one `Authorization` line: Node shows the first and hides the others (RFC 9110 section 5.3). */
  readonly authorizationRepeated: boolean;
  /** What the app's own `getToken` returned, if it has one; the header is then not looked at. */
  readonly custom: unknown;
  /** Where the scheme DPoP is accepted (RFC 9449 section 7.1). */
  readonly dpop: DpopRequest | undefined;
  /** Where certificate-bound tokens are: the thumbprint of the client's certificate. */
  readonly certificate: (() => string | undefined) | undefined;
}

/**
 * Returns the one token the request carries, or `undefined` when it carries none.
 *
 * @throws AuthError `repeated_credentials`, `malformed_credentials` or `token_too_long`
 */
export function readCredentials(facts: RequestFacts, sources: CredentialSources): string | undefined {
  if (sources.usesGetToken) {
    return facts.custom === undefined || facts.custom === null ? undefined : readToken(facts.custom);
  }
  if (facts.authorizationRepeated) throw new AuthError('repeated_credentials');
  const fromHeader = readAuthorizationHeader(facts.authorization);
  if (!sources.tokenFromBody) return fromHeader;
  const fromBody = readFormBody(facts);
  if (fromHeader !== undefined && fromBody !== undefined) throw new AuthError('repeated_credentials');
  return fromHeader ?? fromBody;
}
