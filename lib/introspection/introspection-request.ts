import type { ClientAuth, IntrospectionRequest } from '../core/client-auth.js';
import { IntrospectionError } from '../core/errors.js';
import { HEADER_VALUE } from '../core/syntax.js';
import type { HttpRequest } from './http.js';
import type { AuthorizationServer } from './server-metadata.js';
import { SIGNED_MEDIA_TYPE } from './signed-response.js';
import { USER_AGENT } from './user-agent.js';

export interface RequestSettings {
  readonly clientAuth: ClientAuth;
  readonly requestFormat: 'form' | 'json';
  readonly tokenParameter: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

const MEDIA_TYPES = { form: 'application/x-www-form-urlencoded', json: 'application/json' };

/**
 * Builds and signs the introspection request of one attempt. If `isUnauthorized` is true, the endpoint has just sent a 401, so the client
 * authentication should renew its credentials.
 *
 * @throws IntrospectionError `credentials_unavailable`, or the `IntrospectionError` that the client authentication threw
 */
export type PrepareRequest = (
  token: string,
  server: AuthorizationServer,
  isUnauthorized: boolean,
) => Promise<HttpRequest>;

/**
 * Returns the function that builds introspection requests (RFC 7662 section 2.1). The client authentication adds its credentials to each
 * request. It may replace every parameter and header except the token, `content-type` and `accept-encoding`.
 *
 * @param expectsSigned whether to ask the endpoint for signed responses (RFC 9701)
 */
export function createPrepareRequest(settings: RequestSettings, expectsSigned: boolean): PrepareRequest {
  const { requestFormat, tokenParameter, clientAuth } = settings;
  const accept = expectsSigned ? SIGNED_MEDIA_TYPE : 'application/json';
  /** Headers of every request. The option `headers` was validated, and its names are in lower case. */
  const commonHeaders: Readonly<Record<string, string>> = { accept, 'user-agent': USER_AGENT, ...settings.headers };

  function finish(signed: IntrospectionRequest, token: string): Pick<HttpRequest, 'headers' | 'body'> {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries<unknown>(signed.headers)) {
      const isCommon = typeof value === 'string' && value === commonHeaders[name];
      headers[isCommon ? name : name.toLowerCase()] = isCommon ? value : requireString(value, HEADER_VALUE);
    }
    headers['content-type'] = MEDIA_TYPES[requestFormat];
    headers['accept-encoding'] = 'identity';
    for (const value of Object.values<unknown>(signed.parameters)) requireString(value);
    const parameters = { ...signed.parameters, [tokenParameter]: token };
    return { headers, body: requestFormat === 'form' ? encodeForm(parameters) : JSON.stringify(parameters) };
  }

  return async (token, server, isUnauthorized) => {
    const signed = {
      endpoint: server.endpoint.href,
      issuer: server.issuer,
      signingAlgorithms: server.authSigningAlgorithms,
      refused: isUnauthorized,
      headers: { ...commonHeaders },
      parameters: { [tokenParameter]: token, ...settings.parameters },
    };
    try {
      const signing = clientAuth.sign(signed);
      if (signing !== undefined) await signing;
      return { endpoint: server.endpoint, ...finish(signed, token) };
    } catch (error) {
      throw error instanceof IntrospectionError ? error : new IntrospectionError('credentials_unavailable');
    }
  };
}

/**
 * Encodes parameters as a form. If the token is the only parameter, as it usually is, this is faster than `URLSearchParams`, with the same
 * result for every bearer token.
 */
function encodeForm(parameters: Record<string, string>): string {
  const [only, ...others] = Object.entries(parameters);
  if (only === undefined || others.length > 0) return new URLSearchParams(parameters).toString();
  const [name, token] = only;
  return `${encodeURIComponent(name)}=${encodeURIComponent(token).replaceAll('~', '%7E')}`;
}

function requireString(value: unknown, pattern?: RegExp): string {
  if (typeof value !== 'string' || pattern?.test(value) === false) throw new Error('not a string of its kind');
  return value;
}
