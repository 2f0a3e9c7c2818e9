import type { ClientAuth } from '../core/client-auth.js';
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
 * Builds an introspection request (RFC 7662 section 2.1). The client authentication adds its credentials to the request. The client
 * authentication may replace every parameter and header except the token, `content-type` and `accept-encoding`.
 *
 * @param expectsSigned whether to ask the endpoint for a signed response (RFC 9701)
 * @param isUnauthorized whether the endpoint has just sent a 401, so that the client authentication should renew its credentials
 * @throws IntrospectionError `credentials_unavailable`, or the `IntrospectionError` that the client authentication threw
 */
export async function prepareRequest(
  token: string,
  server: AuthorizationServer,
  settings: RequestSettings,
  expectsSigned: boolean,
  isUnauthorized: boolean,
): Promise<HttpRequest> {
  const { requestFormat, tokenParameter, clientAuth } = settings;
  const accept = expectsSigned ? SIGNED_MEDIA_TYPE : 'application/json';
  const signed = {
    endpoint: server.endpoint.href,
    issuer: server.issuer,
    signingAlgorithms: server.authSigningAlgorithms,
    refused: isUnauthorized,
    headers: { accept, 'user-agent': USER_AGENT, ...settings.headers } as Record<string, string>,
    parameters: { [tokenParameter]: token, ...settings.parameters } as Record<string, string>,
  };
  // No prototype, so that a header may have any name.
  const headers: Record<string, string> = Object.create(null);
  try {
    const signing = clientAuth.sign(signed);
    if (signing !== undefined) await signing;
    for (const name of Object.keys(signed.parameters)) requireString(signed.parameters[name]);
    for (const name of Object.keys(signed.headers)) {
      headers[name.toLowerCase()] = requireString(signed.headers[name], HEADER_VALUE);
    }
  } catch (error) {
    throw error instanceof IntrospectionError ? error : new IntrospectionError('credentials_unavailable');
  }
  headers['content-type'] = MEDIA_TYPES[requestFormat];
  headers['accept-encoding'] = 'identity';
  const parameters = { ...signed.parameters, [tokenParameter]: token };
  const body = requestFormat === 'form' ? new URLSearchParams(parameters).toString() : JSON.stringify(parameters);
  return { endpoint: server.endpoint, headers: { ...headers }, body };
}

function requireString(value: unknown, pattern?: RegExp): string {
  if (typeof value !== 'string' || pattern?.test(value) === false) throw new Error('not a string of its kind');
  return value;
}
