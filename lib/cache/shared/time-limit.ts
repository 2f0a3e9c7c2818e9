import { withTimeout } from '../../core/timeout.js';
import type { CacheStore } from './store.js';

/** The same store with a time limit for each command. A command that takes longer has failed. */
export function withTimeLimit(store: CacheStore, ms: number): CacheStore {
  return {
    getOrLease: (key, request) => withTimeout(async () => store.getOrLease(key, request), ms),
    keepAndRelease: (key, leaseId, entry) => withTimeout(async () => store.keepAndRelease(key, leaseId, entry), ms),
    setIfAbsent: (key, ttlMs) => withTimeout(async () => store.setIfAbsent(key, ttlMs), ms),
    append: (entry, keepMs) => withTimeout(async () => store.append(entry, keepMs), ms),
    follow: (reader) => store.follow(reader),
  };
}
