import { type ClientAuth, type IntrospectionRequest, isConstant } from '../core/client-auth.js';
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
 * Returns a promise, except if the client authentication adds the same credentials to every request.
 *
 * @throws IntrospectionError `credentials_unavailable`, or the `IntrospectionError` that the client authentication threw
 */
export type PrepareRequest = (
  token: string,
  server: AuthorizationServer,
  isUnauthorized: boolean,
) => HttpRequest | Promise<HttpRequest>;

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
    return {
      headers,
      body: requestFormat === 'form' ? new URLSearchParams(parameters).toString() : JSON.stringify(parameters),
    };
  }

  function createUnsigned(token: string): Pick<IntrospectionRequest, 'headers' | 'parameters'> {
    return { headers: { ...commonHeaders }, parameters: { [tokenParameter]: token, ...settings.parameters } };
  }

  /** Signs once, without a token. Every request then gets the same headers, and the same body except the token. */
  function prepareOnce(): PrepareRequest {
    const signed = { endpoint: '', issuer: undefined, refused: false, ...createUnsigned('') };
    clientAuth.sign(signed);
    const { headers } = finish(signed, '');
    const { [tokenParameter]: _, ...others } = signed.parameters;
    const beforeToken = new URLSearchParams({ [tokenParameter]: '' }).toString();
    const afterToken = Object.keys(others).length === 0 ? '' : `&${new URLSearchParams(others)}`;
    return (token, { endpoint }) => ({ endpoint, headers, body: beforeToken + encodeToken(token) + afterToken });
  }

  async function prepare(
    token: string,
    { endpoint, issuer, authSigningAlgorithms }: AuthorizationServer,
    refused: boolean,
  ): Promise<HttpRequest> {
    const common = { endpoint: endpoint.href, issuer, signingAlgorithms: authSigningAlgorithms, refused };
    const signed = { ...common, ...createUnsigned(token) };
    try {
      await clientAuth.sign(signed);
      return { endpoint, ...finish(signed, token) };
    } catch (error) {
      throw error instanceof IntrospectionError ? error : new IntrospectionError('credentials_unavailable');
    }
  }

  return requestFormat === 'form' && isConstant(clientAuth) ? prepareOnce() : prepare;
}

/** Characters that `URLSearchParams` does not encode. */
const UNENCODED = /^[A-Za-z0-9\-._]*$/;

/** Encodes a bearer token for a form, with the same result as `URLSearchParams`, but faster. */
function encodeToken(token: string): string {
  return UNENCODED.test(token) ? token : new URLSearchParams({ '': token }).toString().slice('='.length);
}

function requireString(value: unknown, pattern?: RegExp): string {
  if (typeof value !== 'string' || pattern?.test(value) === false) throw new Error('not a string of its kind');
  return value;
}
