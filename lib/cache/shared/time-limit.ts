import type { CacheStore } from './store.js';

/** The same store with a time limit for each command. A command that takes longer has failed. */
export function withTimeLimit(store: CacheStore, ms: number): CacheStore {
  return {
    getOrLease: (key, request) => inTime(async () => store.getOrLease(key, request), ms),
    keepAndRelease: (key, leaseId, entry) => inTime(async () => store.keepAndRelease(key, leaseId, entry), ms),
    setIfAbsent: (key, ttlMs) => inTime(async () => store.setIfAbsent(key, ttlMs), ms),
    append: (entry, keepMs) => inTime(async () => store.append(entry, keepMs), ms),
    follow: (reader) => store.follow(reader),
  };
}

/** Rejects when `work` takes longer than `ms`. A result or failure that comes later is ignored. */
export function inTime<T>(work: () => Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    // A busy event loop does not make the store slow: replies that have arrived meanwhile are handled first.
    const timer = setTimeout(() => setImmediate(() => reject(new Error('too late'))), ms);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
