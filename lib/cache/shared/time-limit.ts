import type { CacheStore } from './store.js';

/** The same store, of which no command keeps anyone waiting for longer: what takes its time has failed. */
export function withTimeLimit(store: CacheStore, ms: number): CacheStore {
  return {
    get: (key) => inTime(async () => store.get(key), ms),
    set: (key, value, how) => inTime(async () => store.set(key, value, how), ms),
    append: (entry, keepMs) => inTime(async () => store.append(entry, keepMs), ms),
    tail: (reader) => store.tail(reader),
  };
}

/** What comes of it later is nobody's concern, a failure neither. */
export function inTime<T>(work: () => Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    // An event loop that is late makes no slow store: what has arrived meanwhile is looked at first.
    const timer = setTimeout(() => setImmediate(() => reject(new Error('too late'))), ms);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
