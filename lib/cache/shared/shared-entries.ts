import { type Clock, type Instant, readClock } from '../../core/clock.js';
import type { TokenKey, TokenRecord } from '../../core/lookup.js';
import { type CacheEvent, cacheEvents, digestOf } from '../../diagnostics/channels.js';
import { type Lifetimes, lifetimeOf, timeLeft } from '../lifetimes.js';
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
  /** Makes a record of a stored response, or throws. */
  readonly restore: (members: unknown, asked: Instant) => TokenRecord;
}

/** One look into the store. */
export interface StoreLookup extends StoreTime {
  /** The record that was found; it is not judged yet. */
  readonly record: TokenRecord | undefined;
  /** The bytes that were found under the key that is written to. */
  readonly value: Uint8Array | undefined;
  /** Whether the lease was taken. */
  readonly isLeased: boolean;
}

export interface StoreLookupOptions {
  /** Takes the lease under this name if there is no entry. Default: it only reads. */
  readonly leaseId?: string | undefined;
  /** An entry that was found before and cannot be used. It counts as none. */
  readonly except?: Uint8Array | undefined;
}

/** The entries of a store, opened and sealed. Nothing here rejects. */
export interface SharedEntries {
  /** Looks for the response to a tokenKey; `undefined` while the store fails. */
  read(tokenKey: TokenKey, options?: StoreLookupOptions): Promise<StoreLookup | undefined>;
  /** Keeps a record, if there is one, and gives the lease back, if there is one. */
  save(tokenKey: TokenKey, record: TokenRecord | undefined, at: StoreTime | undefined, leaseId?: string): Promise<void>;
}

/** Its members are its own, so that nothing is read from `Object.prototype`. */
const READ_ONLY: StoreLookupOptions = { leaseId: undefined, except: undefined };

/** How long one process may keep the others from asking when it neither answers nor fails. */
const LEASE_MS = 1000;

export function createSharedEntries(settings: SharedEntriesSettings): SharedEntries {
  const { store, health, cipher: seal, clock, restore } = settings;
  // A store may take reads and no writes, because it is full or a replica.
  const [reads, writes] = [createStoreBackoff(clock, health.part()), createStoreBackoff(clock, health.part())];

  function open(tokenKey: TokenKey, key: string, { value, now }: StoreReply, readAt: Instant): TokenRecord | undefined {
    if (!value) return undefined;
    try {
      const entry: Entry = JSON.parse(seal.decrypt(tokenKey, key, value) ?? 'null');
      const asked = askedAtOf(entry, now, readAt);
      if (asked !== undefined && typeof entry.logPosition === 'string') {
        return { ...restore(entry.response, asked), logPosition: entry.logPosition };
      }
    } catch {
      // Made by somebody else, or by another version.
    }
    if (cacheEvents.hasSubscribers) publish('unusable', tokenKey);
    return undefined;
  }

  function encryptedEntry(
    tokenKey: TokenKey,
    key: string,
    record: TokenRecord,
    at: StoreTime,
  ): StoredEntry | undefined {
    const lifetime = lifetimeOf(record, settings);
    if (!(timeLeft(record, lifetime, readClock(clock)) >= 1)) return undefined;
    try {
      const entry = entryOf(record, at);
      return { value: seal.encrypt(tokenKey, key, JSON.stringify(entry)), expiresAt: entry.asked + lifetime };
    } catch {
      // A claim that is no JSON, such as one that `normalizeResponse` made.
      return undefined;
    }
  }

  return {
    async read(tokenKey, { leaseId, except } = READ_ONLY) {
      const readAt = readClock(clock);
      const keys = seal.keysOf(tokenKey);
      const replies = await reads.attempt(async () => {
        const all: readonly unknown[] = await Promise.all(
          keys.map((key, index) => {
            // Other keys belong to secrets that are being replaced.
            if (index > 0) return store.getOrLease(key, { leaseId: '', leaseMs: 0 });
            const leaseMs = leaseId === undefined ? 0 : LEASE_MS;
            return store.getOrLease(key, { leaseId: leaseId ?? '', leaseMs, except });
          }),
        );
        if (!all.every(isReply)) throw new Error('not a reply');
        return all;
      });
      const [first] = replies ?? [];
      if (replies === undefined || first === undefined) return undefined;
      const repliedAt = clock.monotonic();
      const records = replies.map((reply, index) => open(tokenKey, keys[index] as string, reply, readAt));
      const record = records.find((each) => each !== undefined);
      return { now: first.now, repliedAt, record, value: first.value ?? undefined, isLeased: first.isLeased };
    },
    async save(tokenKey, record, at, leaseId) {
      const [key = ''] = seal.keysOf(tokenKey);
      const entry = record && at && encryptedEntry(tokenKey, key, record, at);
      if (entry === undefined && leaseId === undefined) return;
      await writes.attempt(() => store.keepAndRelease(key, leaseId ?? '', entry));
    },
  };
}

/** A store of the app's own may return anything. */
function isReply(reply: unknown): reply is StoreReply {
  return typeof reply === 'object' && reply !== null;
}

export function publish(outcome: CacheEvent['outcome'], { digest: key }: Pick<TokenKey, 'digest'>): void {
  const event: CacheEvent = { outcome, tokenDigest: digestOf(key) };
  cacheEvents.publish(event);
}
