import type { TokenRecord } from '../core/lookup.js';

/**
 * Tells whether a record was requested before one of its names was invalidated. It knows only the records of lookups that it has run,
 * so it knows no cache hits.
 */
export interface InvalidationOrder {
  /** Records that this name is invalidated now. */
  invalidate(name: string): void;
  /** Runs a lookup, and remembers for its record how many invalidations came before. */
  track(lookup: () => TokenRecord | Promise<TokenRecord>): Promise<TokenRecord>;
  /** Returns `false` for the record of a lookup that it has not run. */
  isInvalidated(record: TokenRecord, names: readonly string[]): boolean;
}

/** It remembers this many names. A record that was requested before the invalidations of others counts as invalidated. */
const MAX_NAMES = 10_000;

export function createInvalidationOrder(maxNames = MAX_NAMES): InvalidationOrder {
  /** Number of invalidations before the lookup of a record began. */
  const countsBefore = new WeakMap<TokenRecord, number>();
  /** Number of the last invalidation of each name, the latest last. */
  const lastByName = new Map<string, number>();
  let count = 0;
  /** Number of the latest invalidation that is not remembered. */
  let forgottenUpTo = 0;

  return {
    invalidate(name) {
      count++;
      lastByName.delete(name);
      lastByName.set(name, count);
      if (lastByName.size <= maxNames) return;
      for (const [oldest, number] of lastByName) {
        lastByName.delete(oldest);
        forgottenUpTo = number;
        break;
      }
    },
    async track(lookup) {
      const countBefore = count;
      const record = await lookup();
      countsBefore.set(record, countBefore);
      return record;
    },
    isInvalidated(record, names) {
      const countBefore = countsBefore.get(record);
      if (countBefore === undefined || countBefore === count) return false;
      return countBefore < forgottenUpTo || names.some((name) => (lastByName.get(name) ?? 0) > countBefore);
    },
  };
}
