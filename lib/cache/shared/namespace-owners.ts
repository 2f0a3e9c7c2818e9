import { optionError } from '../../core/option-error.js';
import type { CacheStore } from './store.js';

/** The settings of a middleware that decide which responses in a store it may use. */
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
 * Reserves the store entries of one introspector id and one namespace for introspectors with the same `clientAuth` and `normalizeResponse`.
 * The reservation is only known in this process. Without a shared cache, nothing is reserved.
 *
 * A `clientAuth` or `normalizeResponse` without an `identity` is not part of the introspector id. Two introspectors that differ only in
 * such an object have the same id, so each would use the responses of the other. Introspectors with the same objects may share the entries.
 *
 * @returns a function that ends the reservation
 * @throws TypeError if an introspector with another `clientAuth` or `normalizeResponse` without an `identity` has reserved these entries
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
