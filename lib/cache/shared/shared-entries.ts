import { type Clock, type Instant, readClock } from '../../core/clock.js';
import type { TokenKey, TokenRecord } from '../../core/lookup.js';
import { type CacheEvent, cacheEvents, digestOf } from '../../diagnostics/channels.js';
import { type Lifetimes, lifetimeOf, timeLeft } from '../record-lifetimes.js';
import { askedAtOf, type Entry, entryOf, type StoreTime } from './entry.js';
import type { EntryCipher } from './entry-cipher.js';
import type { CacheStore, StoredEntry, StoreReply } from './store.js';
import { createStoreBackoff } from './store-backoff.js';
import type { StoreHealth } from './store-health.js';

export interface SharedEntriesSettings extends Lifetimes {
  readonly store: CacheStore;
  readonly health: StoreHealth;
  readonly cipher: EntryCipher;
  readonly clock: Clock;
  /** Creates a record from a response that was read from the store. Throws if the response is not valid. */
  readonly restore: (members: unknown, asked: Instant) => TokenRecord;
}

/** Result of one read from the store: the record that was found, and whether the read took the lease of the token. */
export interface StoredRecord extends StoreTime {
  /** The record that was found, even if it has expired or was revoked; `undefined` if there is none that can be read. */
  readonly record: TokenRecord | undefined;
  /**
   * The bytes of the entry under the first store key, the key under which entries are written; `undefined` if there is no entry under that
   * key.
   */
  readonly value: Uint8Array | undefined;
  /** Whether this read took the lease: the right of one process to ask the endpoint about the token. */
  readonly isLeased: boolean;
}

export interface StoreReadOptions {
  /**
   * If there is no entry and no process holds the lease of the token, takes the lease under this name. The holder of the lease asks the
   * endpoint. Default: no lease is taken, and the entry is only read.
   */
  readonly leaseId?: string | undefined;
  /** Bytes of an entry that an earlier read found and that cannot be used. An entry with these bytes counts as missing. */
  readonly except?: Uint8Array | undefined;
}

/** Reads and writes the encrypted entries of a store. The promises of its methods never reject. */
export interface SharedEntries {
  /**
   * Reads the entry of a token. If there is no entry, a `leaseId` is given and no process holds the lease, also takes the lease. If there
   * is no entry that can be read, the result has no `record`. Resolves to `undefined` only if the store fails, or gets no commands because
   * it failed before.
   */
  read(tokenKey: TokenKey, options?: StoreReadOptions): Promise<StoredRecord | undefined>;
  /**
   * Stores the record, if a record and a store time are given and the record has not expired. If a `leaseId` is given, also releases the
   * lease that this name holds.
   */
  save(
    tokenKey: TokenKey,
    record: TokenRecord | undefined,
    storeTime: StoreTime | undefined,
    leaseId?: string,
  ): Promise<void>;
}

/** Default of the read options. It has all members, so that none is read from `Object.prototype`. */
const READ_ONLY: StoreReadOptions = { leaseId: undefined, except: undefined };

/**
 * A lease is the right of one process to ask the endpoint about a token. It ends after this many milliseconds, if the process does not
 * release it before. So a process that crashed does not keep its leases.
 */
const LEASE_MS = 1000;

export function createSharedEntries(settings: SharedEntriesSettings): SharedEntries {
  const { store, health, cipher, clock, restore } = settings;
  // Reads and writes have separate pauses, because a full store or a replica accepts reads but no writes.
  const [reads, writes] = [createStoreBackoff(clock, health.part()), createStoreBackoff(clock, health.part())];

  function decryptRecord(
    tokenKey: TokenKey,
    key: string,
    { value, now }: StoreReply,
    readAt: Instant,
  ): TokenRecord | undefined {
    if (!value) return undefined;
    try {
      const entry: Entry = JSON.parse(cipher.decrypt(tokenKey, key, value) ?? 'null');
      const asked = askedAtOf(entry, now, readAt);
      if (asked !== undefined && typeof entry.logPosition === 'string') {
        return { ...restore(entry.response, asked), logPosition: entry.logPosition };
      }
    } catch {
      // Forged, or written by another version.
    }
    if (cacheEvents.hasSubscribers) publish('unusable', tokenKey);
    return undefined;
  }

  function encryptRecord(
    tokenKey: TokenKey,
    key: string,
    record: TokenRecord,
    storeTime: StoreTime,
  ): StoredEntry | undefined {
    const lifetimeMs = lifetimeOf(record, settings);
    if (!(timeLeft(record, lifetimeMs, readClock(clock)) >= 1)) return undefined;
    try {
      const entry = entryOf(record, storeTime);
      return { value: cipher.encrypt(tokenKey, key, JSON.stringify(entry)), expiresAt: entry.asked + lifetimeMs };
    } catch {
      // A claim is not JSON, for example one that `normalizeResponse` has created.
      return undefined;
    }
  }

  return {
    async read(tokenKey, { leaseId, except } = READ_ONLY) {
      const readAt = readClock(clock);
      const keys = cipher.keysOf(tokenKey);
      const replies = await reads.run(async () => {
        const all: readonly unknown[] = await Promise.all(
          keys.map((key, index) => {
            // The other keys belong to secrets that are being replaced. No lease is taken under them.
            if (index > 0) return store.getOrLease(key, { leaseId: '', leaseMs: 0 });
            const leaseMs = leaseId === undefined ? 0 : LEASE_MS;
            return store.getOrLease(key, { leaseId: leaseId ?? '', leaseMs, except });
          }),
        );
        if (!all.every(isReply)) throw new Error('The store returned no object');
        return all;
      });
      if (replies === undefined) return undefined;
      const [first] = replies as [StoreReply];
      const repliedAt = clock.monotonic();
      const records = replies.map((reply, index) => decryptRecord(tokenKey, keys[index] as string, reply, readAt));
      const record = records.find((candidate) => candidate !== undefined);
      return { now: first.now, repliedAt, record, value: first.value ?? undefined, isLeased: first.isLeased };
    },
    async save(tokenKey, record, storeTime, leaseId) {
      const [key] = cipher.keysOf(tokenKey) as [string];
      const entry = record && storeTime && encryptRecord(tokenKey, key, record, storeTime);
      if (entry === undefined && leaseId === undefined) return;
      await writes.run(() => store.keepAndRelease(key, leaseId ?? '', entry));
    },
  };
}

/** Whether the store returned an object. A store that the app has written may return anything. */
function isReply(reply: unknown): reply is StoreReply {
  return typeof reply === 'object' && reply !== null;
}

export function publish(outcome: CacheEvent['outcome'], { digest }: Pick<TokenKey, 'digest'>): void {
  const event: CacheEvent = { outcome, tokenDigest: digestOf(digest) };
  cacheEvents.publish(event);
}
