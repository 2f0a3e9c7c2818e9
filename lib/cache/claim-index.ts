import type { ActiveRecord } from '../core/lookup.js';
import { REVOCABLE_CLAIMS, type RevocableClaim } from './shared/revocations.js';

/** Finds the keys of all records with a claim, without reading every record. */
export interface ClaimIndex {
  add(key: string, record: ActiveRecord): void;
  remove(key: string, record: ActiveRecord): void;
  /** Oldest first. */
  keysOf(name: RevocableClaim, value: string): readonly string[];
}

/** Most values name one record, so a single key is kept as it is; a set of one would take four times the memory. */
type Keys = string | Set<string>;

export function createClaimIndex(): ClaimIndex {
  const indexes = REVOCABLE_CLAIMS.map((name) => ({ name, keysByValue: new Map<string, Keys>() }));

  return {
    add(key, { claims }) {
      for (const { name, keysByValue } of indexes) {
        const value = claims[name];
        if (typeof value !== 'string') continue;
        const known = keysByValue.get(value);
        if (known === undefined) keysByValue.set(value, key);
        else if (typeof known !== 'string') known.add(key);
        else if (known !== key) keysByValue.set(value, new Set([known, key]));
      }
    },
    remove(key, { claims }) {
      for (const { name, keysByValue } of indexes) {
        const value = claims[name];
        if (typeof value !== 'string') continue;
        const known = keysByValue.get(value);
        if (known === key) keysByValue.delete(value);
        else if (typeof known === 'object' && known.delete(key) && known.size === 0) keysByValue.delete(value);
      }
    },
    keysOf(name, value) {
      const known = indexes.find((index) => index.name === name)?.keysByValue.get(value);
      if (known === undefined) return [];
      return typeof known === 'string' ? [known] : [...known];
    },
  };
}
