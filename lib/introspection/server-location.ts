import type { Clock } from '../core/clock.js';
import { toEndpoint } from './http.js';
import { type AuthorizationServer, createDiscovery } from './server-metadata.js';
import type { Transport } from './transport.js';

/** Either where to ask, or whose metadata says so. */
export type ServerLocation = { readonly allowHttp: boolean } & (
  | { readonly endpoint: URL; readonly issuer: string | undefined }
  | { readonly endpoint: undefined; readonly issuer: string }
);

/** Returns what finds the authorization server: at once where it is configured or has been found before. */
export function createLocator(
  location: ServerLocation,
  usesMutualTls: boolean,
  get: Transport['get'],
  clock: Clock,
): () => AuthorizationServer | Promise<AuthorizationServer> {
  if (location.endpoint === undefined) return createDiscovery({ ...location, usesMutualTls, get, clock });
  const server: AuthorizationServer = {
    issuer: location.issuer,
    endpoint: toEndpoint(location.endpoint),
    jwksUri: undefined,
    authMethods: undefined,
    authSigningAlgorithms: undefined,
  };
  return () => server;
}

/** Whether one of these methods is advertised; where either side leaves it open, they agree. */
export function supportsMethod(
  advertised: readonly string[] | undefined,
  methods: readonly string[] | undefined,
): boolean {
  return advertised === undefined || methods === undefined || methods.some((method) => advertised.includes(method));
}
