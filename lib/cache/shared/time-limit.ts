import { withTimeout } from '../../core/timeout.js';
import type { CacheStore } from './store.js';

/**
 * Returns a store whose commands may take at most `ms` milliseconds: then their promises reject. Following the log has no limit.
 *
 * The limit is needed, because a store that an app has written may have no limit of its own.
 */
export function withTimeLimit(store: CacheStore, ms: number): CacheStore {
  return {
    getOrLease: (key, request) => withTimeout(async () => store.getOrLease(key, request), ms),
    keepAndRelease: (key, leaseId, entry) => withTimeout(async () => store.keepAndRelease(key, leaseId, entry), ms),
    setIfAbsent: (key, ttlMs) => withTimeout(async () => store.setIfAbsent(key, ttlMs), ms),
    append: (entry, keepMs) => withTimeout(async () => store.append(entry, keepMs), ms),
    follow: (reader) => store.follow(reader),
  };
}
