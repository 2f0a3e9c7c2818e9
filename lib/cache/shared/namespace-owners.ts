import { optionError } from '../../core/option-error.js';
import type { CacheStore } from './store.js';

/** The settings that decide which responses a middleware may read from a store. */
export interface NamespaceUser {
  readonly cache: false | { readonly shared: { readonly store: CacheStore; readonly namespace: string } | undefined };
  readonly clientAuth: { readonly identity?: string | undefined };
  readonly normalizer: { readonly identity?: string | undefined; readonly normalize: unknown } | undefined;
}

interface Owner {
  readonly clientAuth: unknown;
  readonly normalize: unknown;
  users: number;
}

const owners = new WeakMap<CacheStore, Map<string, Owner>>();

/**
 * Notes who uses a part of a store. Two middlewares of this process that differ only by objects without an identity must not read each
 * other's entries: one server's response would count as the other's.
 *
 * @returns a function that ends the use
 * @throws TypeError if another owner uses this part
 */
export function claimNamespace({ cache, clientAuth, normalizer }: NamespaceUser, introspectorId: string): () => void {
  const shared = cache === false ? undefined : cache.shared;
  if (shared === undefined) return () => {};
  const scopes = owners.get(shared.store) ?? new Map<string, Owner>();
  owners.set(shared.store, scopes);
  const scope = JSON.stringify([introspectorId, shared.namespace]);
  const unnamed = {
    clientAuth: clientAuth.identity === undefined ? clientAuth : undefined,
    normalize: normalizer?.identity === undefined ? normalizer?.normalize : undefined,
  };
  const owner = scopes.get(scope) ?? { ...unnamed, users: 0 };
  if (owner.clientAuth !== unnamed.clientAuth || owner.normalize !== unnamed.normalize) {
    const remedy =
      'write another name than for other middlewares, or give "clientAuth" and "normalizeResponse" an "identity"';
    throw optionError('cache.namespace', shared.namespace, `${remedy}: nothing else tells their responses apart`);
  }
  owner.users++;
  scopes.set(scope, owner);
  return () => {
    owner.users--;
    if (owner.users === 0) scopes.delete(scope);
  };
}
