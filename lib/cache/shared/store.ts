/**
 * A cache that several processes share. It keeps opaque bytes under digests for some time, and one log that all processes read.
 * It never sees a token or a claim. Every method may fail or be slow: that costs a call to the endpoint, never a wrong response.
 */
export interface CacheStore {
  /**
   * Reads an entry. When there is none, it takes the lease of that key instead, unless somebody holds it. Both happen in one step.
   * Whoever has the lease asks the endpoint, and the others wait for the entry.
   */
  getOrLease(key: string, request: LeaseRequest): Promise<StoreReply>;
  /**
   * Keeps an entry, whatever is there, and gives the lease back if `leaseId` still holds it. Both happen in one step.
   * Without an entry it only gives the lease back. An entry whose time is over is not kept.
   */
  keepAndRelease(key: string, leaseId: string, entry: StoredEntry | undefined): Promise<void>;
  /**
   * Remembers a key for `ttlMs` unless it is remembered already, in one step. DPoP proofs are used up with it.
   *
   * @returns whether the key was new
   */
  setIfAbsent(key: string, ttlMs: number): Promise<boolean>;
  /**
   * Adds an entry to the log and keeps it for at least `keepMs`.
   *
   * @returns its position: strings that sort in the order in which entries were added, by any process
   */
  append(entry: string, keepMs: number): Promise<string>;
  /**
   * Follows the log: reads all entries that are kept, then the ones that are added, until it is stopped. After a failure it goes on
   * by itself.
   *
   * @returns stops it; the promise ends once it has stopped
   */
  follow(reader: LogReader): () => Promise<void>;
}

/** How {@link CacheStore.getOrLease} may take the lease. */
export interface LeaseRequest {
  /** Names whoever asks. No two requests use the same name. */
  readonly leaseId: string;
  /** How long the lease lasts if nobody gives it back, in milliseconds. With 0 no lease is taken: the entry is only read. */
  readonly leaseMs: number;
  /** An entry with exactly these bytes counts as none: the caller has read it already and cannot use it. */
  readonly except?: Uint8Array | undefined;
}

/** What {@link CacheStore.getOrLease} found. */
export interface StoreReply {
  /** The store's own time in milliseconds when it read the entry. Entries are dated in it, so that clocks of processes do not matter. */
  readonly now: number;
  /** The bytes of the entry; `undefined` when there is none or its time is over. */
  readonly value?: Uint8Array | undefined;
  /** Whether the caller has the lease now. Also `true` when the store cannot give leases: then everyone asks. */
  readonly isLeased: boolean;
}

/** What {@link CacheStore.keepAndRelease} keeps. */
export interface StoredEntry {
  /** The bytes that `keepAndRelease()` was given. */
  readonly value: Uint8Array;
  /** When it expires, in the store's own time in milliseconds. */
  readonly expiresAt: number;
}

/** An entry of the log. */
export interface LogEntry {
  /** The position that `append()` returned. */
  readonly position: string;
  /** The text that `append()` was given. */
  readonly entry: string;
}

/** Reads the log. */
export interface LogReader {
  /**
   * The log is read from its beginning after this. Call it before all else, and again whenever entries may have been lost.
   *
   * @param position a position before all entries of this log and after those of a log that was lost, never `''`
   */
  onStart(position: string): void;
  /** Further entries, in their order. */
  onEntries(entries: readonly LogEntry[]): void;
  /**
   * All entries that had been added at `askedAt`, in monotonic milliseconds (`performance.now()`), have been read. To be called
   * about once a second.
   */
  onCaughtUp(askedAt: number): void;
}
