import type { Lookup } from '../core/lookup.js';
import type { CachedLookup } from './memory-cache.js';

/**
 * Creates a cache that keeps nothing: it starts a lookup for each request.
 *
 * @param requireOpen throws if no lookup may begin, because the introspector is closed
 */
export function withoutCache(inner: Lookup, requireOpen: () => void): CachedLookup {
  let misses = 0;
  return {
    lookup(tokenKey, options) {
      misses++;
      requireOpen();
      return inner(tokenKey, options);
    },
    peek: () => undefined,
    forget: () => [],
    forgetClaim() {},
    close() {},
    stats: () => ({ hits: 0, misses, coalesced: 0, stale: 0, entries: 0 }),
  };
}
