import { withTimeout } from '../../core/timeout.js';
import type { CacheStore } from './store.js';

/**
 * Limits the time of each command of a store. A command that takes longer counts as failed. The log is followed without a limit.
 *
 * A store that an app has written may have no limit of its own.
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
