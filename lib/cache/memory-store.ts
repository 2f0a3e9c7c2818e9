import { LRUCache } from 'lru-cache';
import type { TokenRecord } from '../types.js';

export interface Entry {
  readonly record: TokenRecord;
  /** Milliseconds from when it was asked for. Kept here because lru-cache reads a ttl of 0 or NaN as for ever. */
  readonly lifetime: number;
}

/** A bounded map from key to entry. Inactive answers live apart, so that a flood of bad tokens evicts no good one. */
export interface MemoryStore {
  get(key: string): Entry | undefined;
  set(key: string, entry: Entry): void;
  delete(key: string): void;
  clear(): void;
  readonly size: number;
}

const INACTIVE_SHARE = 10;

export function createMemoryStore(maxEntries: number): MemoryStore {
  const active = new LRUCache<string, Entry>({ max: maxEntries });
  const inactive = new LRUCache<string, Entry>({ max: Math.ceil(maxEntries / INACTIVE_SHARE) });
  return {
    get: (key) => active.get(key) ?? inactive.get(key),
    set(key, entry) {
      const [home, other] = entry.record.active ? [active, inactive] : [inactive, active];
      other.delete(key);
      home.set(key, entry);
    },
    delete(key) {
      active.delete(key);
      inactive.delete(key);
    },
    clear() {
      active.clear();
      inactive.clear();
    },
    get size() {
      return active.size + inactive.size;
    },
  };
}
