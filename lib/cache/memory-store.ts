import { LRUCache } from 'lru-cache';
import type { ActiveRecord, InactiveRecord, TokenRecord } from '../core/lookup.js';
import { createClaimIndex } from './claim-index.js';
import { createPaddedTokens } from './padded-tokens.js';
import { sizeOf } from './record-size.js';
import type { RevocableClaim } from './shared/revocations.js';

/**
 * A bounded map from token digests to records. Inactive records have a separate map, so that many invalid tokens evict no active record.
 * The store also returns expired records: the caller computes lifetimes from the records. The ttl of lru-cache is not used, because
 * lru-cache treats a ttl of 0 or NaN as unlimited.
 */
export interface MemoryStore {
  get(digest: string): TokenRecord | undefined;
  /**
   * Removes the earlier record of the token. Stores the new record unless it is larger than the whole store. For an active record of a
   * padded token, also removes the record of another padded token, which differs only in the number of `=` at its end.
   *
   * @param unpaddedDigest digest of the token without its padding; default: `digest`
   */
  set(digest: string, record: TokenRecord, unpaddedDigest?: string): void;
  delete(digest: string): void;
  /** Deletes every active record with this claim value. */
  deleteClaim(name: RevocableClaim, value: string): void;
  clear(): void;
  readonly size: number;
}

/** Both limits for inactive records, the number and the bytes, are the limits for active records divided by this value. */
const INACTIVE_SHARE = 10;

/**
 * Empty options for the methods of lru-cache. The object has no prototype, because lru-cache would read missing options through
 * `Object.prototype`. It has the member `status`, because lru-cache assigns a value to that member.
 */
const NO_OPTIONS: object = Object.setPrototypeOf({ status: undefined }, null);

/**
 * A lenient server accepts several spellings of one token, all with the same `jti`. When the store is full and has this many records with
 * one `jti`, a further record with that `jti` evicts the oldest of them. So spellings of one token evict no records of other tokens. No
 * issuer gives so many tokens the same `jti`.
 */
const MAX_SPELLINGS = 8;

/**
 * Bytes of memory that the default limit allows for each record. This is enough for nearly all records, because most take less than 1 kB.
 */
const BYTES_PER_ENTRY = 4096;

/** Minimum of the default limit in bytes, so that a small store can keep a record with large claims. */
const MIN_BYTES = 1024 * 1024;

/**
 * @param maxEntries maximum number of active records. The maximum for inactive records is a tenth of this number
 * @param maxBytes maximum estimated bytes of active records. The maximum for inactive records is a tenth of this number
 */
export function createMemoryStore(
  maxEntries: number,
  maxBytes = Math.max(MIN_BYTES, maxEntries * BYTES_PER_ENTRY),
): MemoryStore {
  const index = createClaimIndex();
  const paddedTokens = createPaddedTokens();
  const active = new LRUCache<string, ActiveRecord>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: sizeOf,
    dispose(record, digest) {
      index.remove(digest, record);
      paddedTokens.remove(digest);
    },
  });
  const inactive = new LRUCache<string, InactiveRecord>({
    max: Math.ceil(maxEntries / INACTIVE_SHARE),
    maxSize: Math.ceil(maxBytes / INACTIVE_SHARE),
    sizeCalculation: sizeOf,
  });

  function setActive(digest: string, record: ActiveRecord, unpaddedDigest: string): void {
    deleteOtherSpellings(digest, record, unpaddedDigest);
    active.set(digest, record, NO_OPTIONS);
    if (!active.has(digest, NO_OPTIONS)) return;
    index.add(digest, record);
    if (digest !== unpaddedDigest) paddedTokens.add(digest, unpaddedDigest);
  }

  function deleteOtherSpellings(digest: string, record: ActiveRecord, unpaddedDigest: string): void {
    const padded = digest === unpaddedDigest ? undefined : paddedTokens.cachedDigestOf(unpaddedDigest);
    if (padded !== undefined) active.delete(padded);
    const { jti } = record.claims;
    if (jti === undefined || !isFullFor(record)) return;
    const known = index.digestsOf('jti', jti);
    if (known.length >= MAX_SPELLINGS) active.delete(known[0] as string);
  }

  function isFullFor(record: ActiveRecord): boolean {
    return active.size >= maxEntries || active.calculatedSize + sizeOf(record) > maxBytes;
  }

  return {
    get: (digest) => active.get(digest, NO_OPTIONS) ?? inactive.get(digest, NO_OPTIONS),
    set(digest, record, unpaddedDigest = digest) {
      if (record.active) {
        inactive.delete(digest);
        setActive(digest, record, unpaddedDigest);
      } else {
        active.delete(digest);
        inactive.set(digest, record, NO_OPTIONS);
      }
    },
    delete(digest) {
      active.delete(digest);
      inactive.delete(digest);
    },
    deleteClaim(name, value) {
      for (const digest of index.digestsOf(name, value)) active.delete(digest);
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
