import { LRUCache } from 'lru-cache';
import type { ActiveRecord, InactiveRecord, TokenRecord } from '../core/lookup.js';
import { createClaimIndex } from './claim-index.js';
import { sizeOf } from './record-size.js';
import type { RevocableClaim } from './shared/revocations.js';
import { createPaddedTokens } from './spellings.js';

/**
 * A bounded map from key to record. Inactive answers live apart, so that a flood of bad tokens evicts no good one.
 * It knows of no time: lru-cache reads a ttl of 0 or NaN as for ever, and a record says itself how long it may be served.
 */
export interface MemoryStore {
  get(key: string): TokenRecord | undefined;
  /**
   * Keeps a record, unless it is larger than the whole memory.
   *
   * @param unpaddedKey the key of the token without its padding; of padded tokens that differ only there, the last is kept
   */
  set(key: string, record: TokenRecord, unpaddedKey?: string): void;
  delete(key: string): void;
  /** Deletes every record with this claim. */
  deleteClaim(name: RevocableClaim, value: string): void;
  clear(): void;
  readonly size: number;
}

const INACTIVE_SHARE = 10;

/** Without it, lru-cache reads options from an ordinary object, and so through `Object.prototype`. It sets `status` itself. */
const NO_OPTIONS: object = Object.setPrototypeOf({ status: undefined }, null);

/**
 * A lenient server takes several spellings of one token. From so many records with one `jti` on, a further one takes the place of the
 * oldest of them and not of another token's, once the memory is full. No issuer gives so many tokens the same `jti`.
 */
const MAX_SPELLINGS = 8;

/** Most records take less than 1 kB. */
const BYTES_AN_ENTRY = 4096;

/** A record with large claims is kept even where there may be only a few. */
const MIN_BYTES = 1024 * 1024;

/**
 * @param maxEntries most active records; a tenth as many inactive ones
 * @param maxBytes most bytes of active records, as estimated; a tenth of that for inactive ones
 */
export function createMemoryStore(
  maxEntries: number,
  maxBytes = Math.max(MIN_BYTES, maxEntries * BYTES_AN_ENTRY),
): MemoryStore {
  const index = createClaimIndex();
  const spellings = createPaddedTokens();
  const active = new LRUCache<string, ActiveRecord>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: sizeOf,
    dispose(record, key) {
      index.remove(key, record);
      spellings.remove(key);
    },
  });
  const inactive = new LRUCache<string, InactiveRecord>({
    max: Math.ceil(maxEntries / INACTIVE_SHARE),
    maxSize: Math.ceil(maxBytes / INACTIVE_SHARE),
    sizeCalculation: sizeOf,
  });

  function setActive(key: string, record: ActiveRecord, unpaddedKey: string): void {
    deleteOtherSpellings(key, record, unpaddedKey);
    active.set(key, record, NO_OPTIONS);
    if (!active.has(key, NO_OPTIONS)) return;
    index.add(key, record);
    if (key !== unpaddedKey) spellings.add(key, unpaddedKey);
  }

  function deleteOtherSpellings(key: string, record: ActiveRecord, unpaddedKey: string): void {
    const padded = key === unpaddedKey ? undefined : spellings.keyOf(unpaddedKey);
    if (padded !== undefined && padded !== key) active.delete(padded);
    const { jti } = record.claims;
    if (jti === undefined || !isFullFor(record)) return;
    const known = index.keysOf('jti', jti);
    if (known.length >= MAX_SPELLINGS) active.delete(known[0] as string);
  }

  function isFullFor(record: ActiveRecord): boolean {
    return active.size >= maxEntries || active.calculatedSize + sizeOf(record) > maxBytes;
  }

  return {
    get: (key) => active.get(key, NO_OPTIONS) ?? inactive.get(key, NO_OPTIONS),
    set(key, record, unpaddedKey = key) {
      if (record.active) {
        inactive.delete(key);
        setActive(key, record, unpaddedKey);
      } else {
        active.delete(key);
        inactive.set(key, record, NO_OPTIONS);
      }
    },
    delete(key) {
      active.delete(key);
      inactive.delete(key);
    },
    deleteClaim(name, value) {
      for (const key of index.keysOf(name, value)) active.delete(key);
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
