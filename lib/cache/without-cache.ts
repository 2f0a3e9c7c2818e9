import type { Lookup } from '../core/lookup.js';
import type { CachedLookup, MemoryCacheOptions } from './memory-cache.js';

/** Creates a cache that keeps nothing: it starts a lookup for each request. */
export function withoutCache(
  inner: (...args: Parameters<Lookup>) => ReturnType<MemoryCacheOptions['beginMiss']>,
  beginMiss: MemoryCacheOptions['beginMiss'],
): CachedLookup {
  let misses = 0;
  return {
    lookup(tokenKey, options) {
      misses++;
      return beginMiss(() => inner(tokenKey, options));
    },
    peek: () => undefined,
    forget: () => [],
    forgetClaim() {},
    close() {},
    stats: () => ({ hits: 0, misses, coalesced: 0, stale: 0, entries: 0 }),
  };
}
