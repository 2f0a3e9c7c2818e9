import type { Lookup } from '../types.js';
import type { MemoryStore } from './memory-store.js';
import { isFresh, isServable, type Lifetimes, lifetimeOf } from './policy.js';
import { withSingleFlight } from './with-single-flight.js';

export interface CacheSettings extends Lifetimes {
  readonly store: MemoryStore;
}

export interface CachedLookup {
  readonly lookup: Lookup;
  forget(key: string): void;
  clear(): void;
  stats(): { hits: number; misses: number; coalesced: number; entries: number };
}

/** Memory first, then one flight a key. A hit is returned as a value, without a promise. */
export function withCache(inner: Lookup, settings: CacheSettings): CachedLookup {
  const { store } = settings;
  let hits = 0;
  let misses = 0;

  const flights = withSingleFlight(inner, (key, record) => {
    // Flights are told apart by when they started; a retry or a slow signature may have asked in another order.
    const kept = store.get(key);
    if (kept !== undefined && kept.askedMonotonic > record.askedMonotonic) return;
    if (lifetimeOf(record, settings) > 0) store.set(key, record);
    else store.delete(key);
  });

  const lookup: Lookup = (question, freshness) => {
    const record = store.get(question.key);
    if (record !== undefined) {
      if (!isServable(record, settings, freshness.now)) {
        store.delete(question.key);
      } else if (isFresh(record, freshness)) {
        hits++;
        return record;
      }
    }
    misses++;
    return flights.lookup(question, freshness);
  };

  return {
    lookup,
    forget(key) {
      store.delete(key);
      flights.forget(key);
    },
    clear() {
      store.clear();
      flights.forgetAll();
    },
    stats: () => ({ hits, misses, coalesced: flights.coalesced(), entries: store.size }),
  };
}
