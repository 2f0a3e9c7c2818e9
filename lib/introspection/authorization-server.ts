import type { Clock } from '../types.js';
import { createDiscovery } from './discovery.js';
import { type Address, addressOf } from './http.js';
import type { Transport } from './transport.js';

/** Who is asked, and what is known of it. */
export interface AuthorizationServer {
  /** The issuer identifier, where it is known. */
  readonly issuer: string | undefined;
  readonly endpoint: Address;
  /** Where its public keys are. */
  readonly jwksUri: URL | undefined;
  /** The methods of client authentication its endpoint takes, where it says so. */
  readonly authMethods: readonly string[] | undefined;
  /** The algorithms of client assertions its endpoint takes, where it says so. */
  readonly authSigningAlgorithms: readonly string[] | undefined;
}

/** Either where to ask, or whose metadata says so. */
export type WhomToAsk = { readonly allowHttp: boolean } & (
  | { readonly endpoint: URL; readonly issuer: string | undefined }
  | { readonly endpoint: undefined; readonly issuer: string }
);

/** Returns what finds the authorization server: at once where it is configured or has been found before. */
export function createLocator(
  whom: WhomToAsk,
  usesMutualTls: boolean,
  get: Transport['get'],
  clock: Clock,
): () => AuthorizationServer | Promise<AuthorizationServer> {
  if (whom.endpoint === undefined) return createDiscovery({ ...whom, usesMutualTls, get, clock });
  const server: AuthorizationServer = {
    issuer: whom.issuer,
    endpoint: addressOf(whom.endpoint),
    jwksUri: undefined,
    authMethods: undefined,
    authSigningAlgorithms: undefined,
  };
  return () => server;
}

/** Whether one of these methods is advertised; where either side leaves it open, they agree. */
export function takes(advertised: readonly string[] | undefined, methods: readonly string[] | undefined): boolean {
  return advertised === undefined || methods === undefined || methods.some((method) => advertised.includes(method));
}
