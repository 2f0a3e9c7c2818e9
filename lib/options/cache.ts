import type { SharedCacheOptions } from '../cache/shared/create-shared-cache.js';
import { optionError } from '../core/option-error.js';
import { readOptions, rejectOption } from './read-options.js';
import { CACHE_RULES } from './rules.js';
import type { MemoryCacheSettings } from './settings.js';
import type { CacheOptions, TokenIntrospectionOptions } from './types.js';

const SECOND = 1000;

/**
 * Returns the settings of the cache, with all defaults filled in, or `false` when the option `cache` is `false`.
 *
 * @throws TypeError for an unknown, invalid or contradictory option
 */
export function parseCache(options: TokenIntrospectionOptions): MemoryCacheSettings | false {
  if (options.cache === false) return false;
  const cache = readOptions(options.cache ?? {}, CACHE_RULES, 'cache.');
  const { ttlSeconds = 60, inactiveTtlSeconds = 5, maxEntries = 10_000 } = cache;
  const { staleIfErrorSeconds = 0, refreshAhead = true } = cache;
  return Object.freeze({
    ttlMs: ttlSeconds * SECOND,
    inactiveTtlMs: inactiveTtlSeconds * SECOND,
    maxEntries,
    maxBytes: cache.maxBytes,
    staleIfErrorMs: staleIfErrorSeconds * SECOND,
    refreshAhead,
    shared: parseShared(cache, options),
  });
}

function parseShared(
  { store, secrets, namespace }: CacheOptions,
  { clientAuth, normalizeResponse }: TokenIntrospectionOptions,
): SharedCacheOptions | undefined {
  if (store === undefined) {
    for (const [name, value] of Object.entries({ secrets, namespace })) {
      if (value !== undefined)
        throw optionError(`cache.${name}`, value, 'leave it out: it has no effect without "cache.store"');
    }
    return undefined;
  }
  if (secrets === undefined) rejectOption('cache.secrets', secrets, CACHE_RULES);
  const isNormalizerNamed = typeof normalizeResponse === 'object' && normalizeResponse.identity !== undefined;
  const isNamed = clientAuth.identity !== undefined && (normalizeResponse === undefined || isNormalizerNamed);
  if (namespace === undefined && !isNamed) {
    const owner = clientAuth.identity === undefined ? 'clientAuth' : 'normalizeResponse';
    throw optionError(
      'cache.namespace',
      namespace,
      `write a name, or give "${owner}" an "identity"; change it when "${owner}" changes the meaning of responses`,
    );
  }
  return Object.freeze({ store, secrets: secrets as readonly string[], namespace: namespace ?? '' });
}
