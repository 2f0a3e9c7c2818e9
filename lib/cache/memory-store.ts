import { LRUCache } from 'lru-cache';
import type { TokenRecord } from '../types.js';

/**
 * A bounded map from key to record. Inactive answers live apart, so that a flood of bad tokens evicts no good one.
 * It knows of no time: lru-cache reads a ttl of 0 or NaN as for ever, and a record says itself how long it may be served.
 */
export interface MemoryStore {
  get(key: string): TokenRecord | undefined;
  set(key: string, record: TokenRecord): void;
  delete(key: string): void;
  deleteWhere(applies: (record: TokenRecord) => boolean): void;
  clear(): void;
  readonly size: number;
}

const INACTIVE_SHARE = 10;

export function createMemoryStore(maxEntries: number): MemoryStore {
  const active = new LRUCache<string, TokenRecord>({ max: maxEntries });
  const inactive = new LRUCache<string, TokenRecord>({ max: Math.ceil(maxEntries / INACTIVE_SHARE) });
  return {
    get: (key) => active.get(key) ?? inactive.get(key),
    set(key, record) {
      const [home, other] = record.active ? [active, inactive] : [inactive, active];
      other.delete(key);
      home.set(key, record);
    },
    delete(key) {
      active.delete(key);
      inactive.delete(key);
    },
    deleteWhere(applies) {
      for (const home of [active, inactive]) {
        for (const [key, record] of [...home.entries()]) if (applies(record)) home.delete(key);
      }
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
