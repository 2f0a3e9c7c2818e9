import type { TokenRecord } from '../core/lookup.js';

/** Tells whether a record was asked for before something that it names was invalidated. A cache hit is not noted. */
export interface InvalidationOrder {
  /** Notes that this name is invalidated now. */
  forget(name: string): void;
  /** Runs a lookup, and notes when it began. */
  note(lookup: () => TokenRecord | Promise<TokenRecord>): Promise<TokenRecord>;
  /** `false` for a record that was not noted. */
  isInvalidated(record: TokenRecord, names: readonly string[]): boolean;
}

/** So many invalidations are remembered. A record that was asked for before them counts as overtaken. */
const MAX_NAMES = 10_000;

export function createInvalidationOrder(maxNames = MAX_NAMES): InvalidationOrder {
  /** How many invalidations there had been when a record was asked for. */
  const askedAfter = new WeakMap<TokenRecord, number>();
  /** The number of the last invalidation of each name, the latest last. */
  const forgotten = new Map<string, number>();
  let count = 0;
  /** The number of the latest invalidation that is not remembered. */
  let lost = 0;

  return {
    forget(name) {
      count++;
      forgotten.delete(name);
      forgotten.set(name, count);
      if (forgotten.size <= maxNames) return;
      for (const [oldest, number] of forgotten) {
        forgotten.delete(oldest);
        lost = number;
        break;
      }
    },
    async note(lookup) {
      const before = count;
      const record = await lookup();
      askedAfter.set(record, before);
      return record;
    },
    isInvalidated(record, names) {
      const before = askedAfter.get(record);
      if (before === undefined || before === count) return false;
      return before < lost || names.some((name) => (forgotten.get(name) ?? 0) > before);
    },
  };
}
