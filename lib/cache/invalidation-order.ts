import type { TokenRecord } from '../core/lookup.js';

/**
 * Tells whether a record was invalidated after its lookup began. Invalidations are by name: each record has one name for its token, and one
 * for each claim value by which it can be invalidated. Only record objects that `track` has resolved to are known, so a copy of such a
 * record is unknown.
 */
export interface InvalidationOrder {
  /** Notes that all records with this name are invalidated, if their lookups have begun before this call. */
  invalidate(name: string): void;
  /**
   * Runs a lookup and resolves to its record. Remembers how many invalidations came before the lookup began, for
   * {@link InvalidationOrder.isInvalidated}.
   */
  track(lookup: () => TokenRecord | Promise<TokenRecord>): Promise<TokenRecord>;
  /**
   * Whether one of the `names` was invalidated after the lookup of the record began. `false` for a record object that `track` did not
   * resolve to.
   */
  isInvalidated(record: TokenRecord, names: readonly string[]): boolean;
}

/**
 * Maximum number of names that are remembered: those that were invalidated last. When an older name is dropped, every record whose lookup
 * began before the invalidation of that name counts as invalidated, whatever its own names are.
 */
const MAX_NAMES = 10_000;

export function createInvalidationOrder(maxNames = MAX_NAMES): InvalidationOrder {
  /** For each record, how many invalidations there were before its lookup began. */
  const countsBefore = new WeakMap<TokenRecord, number>();
  /**
   * Invalidations are numbered from 1. For each name, this map holds the number of its last invalidation. The entries are in the order of
   * these numbers.
   */
  const lastByName = new Map<string, number>();
  let count = 0;
  /** Invalidations are numbered from 1. This is the number of the latest invalidation whose name is not remembered any more. */
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
      // No invalidation applies to a record that is not known.
      const countBefore = countsBefore.get(record) ?? count;
      return countBefore < forgottenUpTo || names.some((name) => (lastByName.get(name) ?? 0) > countBefore);
    },
  };
}
