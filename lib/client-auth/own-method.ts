import type { ClientAuth } from '../core/client-auth.js';

/** What the factories here have made: they are known to name the client, and nothing else, in their `identity`. */
const made = new WeakSet<ClientAuth>();

export function ownMethod(clientAuth: ClientAuth): ClientAuth {
  made.add(clientAuth);
  return clientAuth;
}

export function isOwnMethod(clientAuth: ClientAuth): boolean {
  return made.has(clientAuth);
}
