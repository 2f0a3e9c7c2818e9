import type { Clock } from '../core/clock.js';
import { toEndpoint } from './http.js';
import { type AuthorizationServer, createServerDiscovery } from './server-metadata.js';
import type { Transport } from './transport.js';

/** Says how the endpoint is found: by the URL of the endpoint, or by the issuer whose metadata contain this URL. */
export type ParsedServerLocation = { readonly allowHttp: boolean } & (
  | { readonly endpoint: URL; readonly issuer: string | undefined }
  | { readonly endpoint: undefined; readonly issuer: string }
);

/**
 * Returns a function that finds the authorization server. If the endpoint is configured or the metadata are known already, the function
 * returns the server itself, otherwise a promise.
 */
export function createLocator(
  location: ParsedServerLocation,
  usesMutualTls: boolean,
  get: Transport['get'],
  clock: Clock,
): () => AuthorizationServer | Promise<AuthorizationServer> {
  if (location.endpoint === undefined) return createServerDiscovery({ ...location, usesMutualTls, get, clock });
  const server: AuthorizationServer = {
    issuer: location.issuer,
    endpoint: toEndpoint(location.endpoint),
    jwksUri: undefined,
    authMethods: undefined,
    authSigningAlgorithms: undefined,
  };
  return () => server;
}

/**
 * Whether one of the client authentication methods in `methods` is also in `advertised`, the list in the metadata of the authorization
 * server. Also `true` if one of the two lists is `undefined`, because then they cannot be compared.
 */
export function supportsMethod(
  advertised: readonly string[] | undefined,
  methods: readonly string[] | undefined,
): boolean {
  return advertised === undefined || methods === undefined || methods.some((method) => advertised.includes(method));
}
