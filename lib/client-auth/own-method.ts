import type { ClientAuth } from '../core/client-auth.js';

/** Methods made by the factories of this package. Their `identity` contains the client's name and nothing else. */
const ownMethods = new WeakSet<ClientAuth>();

export function ownMethod(clientAuth: ClientAuth): ClientAuth {
  ownMethods.add(clientAuth);
  return clientAuth;
}

export function isOwnMethod(clientAuth: ClientAuth): boolean {
  return ownMethods.has(clientAuth);
}
