/**
 * A store that several processes share. It holds entries that expire, keys that are used once, and one log that all processes read. It also
 * gives out leases: the process that holds the lease of a key is the one that asks the endpoint.
 *
 * It holds only digests and bytes, never a token or a claim. The bytes are encrypted. Keys and log entries consist of letters, digits, `-`,
 * `_` and `.`.
 *
 * Every method may be called concurrently, and may reject when it fails. A slow command counts as failed: after 1 second for `setIfAbsent`,
 * and after a quarter of `timeoutMs` for the others. No failure leads to a wrong response:
 *
 * - `getOrLease`, `keepAndRelease`: the endpoint is asked. The store gets no such commands for 0.5 seconds, and for twice as long after
 *   each further failure, up to 10 seconds.
 * - `setIfAbsent`: the request with the DPoP proof gets a 503.
 * - `append`: it is retried until `timeoutMs` has passed. Then `invalidate()` rejects.
 *
 * Test an implementation with `storeTests()` of `express-token-introspection/store-tests`.
 */
export interface CacheStore {
  /**
   * Reads the entry of a key. If there is none, takes the lease of the key, unless another request holds the lease. Do both in one atomic
   * step.
   *
   * The lease is the right to ask the endpoint. The process that gets it asks, and stores the response as the entry. The other processes
   * wait for that entry for up to 0.3 seconds, and then ask the endpoint too.
   */
  getOrLease(key: string, request: LeaseRequest): Promise<StoreReply>;
  /**
   * Stores an entry, and releases the lease of the key if `leaseId` still holds it. Do both in one atomic step.
   *
   * Replace an existing entry, whichever process stored it and whichever holds the lease. Without an `entry`, only release the lease. If
   * the new entry has expired, do not store it, and leave the existing entry. `leaseId` is `''` when the caller holds no lease.
   */
  keepAndRelease(key: string, leaseId: string, entry: StoredEntry | undefined): Promise<void>;
  /**
   * Stores a key for `ttlMs` milliseconds, unless it is stored already. Test and store in one atomic step. The method is used to accept
   * each DPoP proof only once.
   *
   * @returns `true` if the key was new, `false` if it was stored already
   */
  setIfAbsent(key: string, ttlMs: number): Promise<boolean>;
  /**
   * Appends a text to the log, and keeps it there for at least `keepMs` milliseconds. The log holds the revocations of all processes.
   *
   * @returns the position of the text. Positions are strings that sort (by `<`) in the order of the log, whichever process appends.
   * No position is `''`
   */
  append(entry: string, keepMs: number): Promise<string>;
  /**
   * Follows the log: passes all entries of the log to the reader, and then each entry that is appended, until the returned function is
   * called. After a failure of the connection, reconnect and continue, because `follow` is not called again. The reader may be called
   * before `follow` returns.
   *
   * @returns a function that stops following. The function may be called at once, and more than once. Its promise resolves when following
   * has stopped. After that, do not call the reader
   */
  follow(reader: LogReader): () => Promise<void>;
}

/**
 * Says whether and how {@link CacheStore.getOrLease} takes the lease of a key. The holder of the lease asks the endpoint, while other
 * processes wait.
 */
export interface LeaseRequest {
  /**
   * Name under which the request takes the lease of the key. No two requests that take a lease use the same name. `''` if no lease is
   * taken.
   */
  readonly leaseId: string;
  /** Milliseconds after which the lease ends if it was not released before. With `0`, take no lease and only read the entry. */
  readonly leaseMs: number;
  /** Treat an entry with exactly these bytes as missing, because the caller has read it already and cannot use it. */
  readonly except?: Uint8Array | undefined;
}

/** The reply of {@link CacheStore.getOrLease}: the entry if there is one, and whether the request got the lease. */
export interface StoreReply {
  /**
   * The store's own time when it read the entry, in whole milliseconds. Take this time from one clock for all processes. Entries are dated
   * in this time, so that differences between the clocks of the processes do not matter.
   */
  readonly now: number;
  /** The bytes of the entry; `undefined` when there is no entry, or the entry has expired. */
  readonly value?: Uint8Array | undefined;
  /**
   * Whether this request took the lease of the key, so that its process asks the endpoint. If the store cannot give leases, return `true`
   * whenever there is no entry. Then every process asks the endpoint.
   */
  readonly isLeased: boolean;
}

/** An entry for {@link CacheStore.keepAndRelease} to store. */
export interface StoredEntry {
  /** The bytes to return from `getOrLease()`, unchanged. */
  readonly value: Uint8Array;
  /** When the entry expires, in milliseconds of the store's own time ({@link StoreReply.now}). */
  readonly expiresAt: number;
}

/** One entry of the log: a text and its position. */
export interface LogEntry {
  /** The position that `append()` returned for this entry. */
  readonly position: string;
  /** The text that was passed to `append()`. */
  readonly entry: string;
}

/** Receives the log from {@link CacheStore.follow}. */
export interface LogReader {
  /**
   * Announces that `onEntries()` will now receive the log from its beginning. Call `onStart()` before everything else. When entries may
   * have been lost, call it again, and pass the whole log again. Responses that were requested before such a second call are not used any
   * longer.
   *
   * @param position a position that sorts before all entries of this log, and after all entries of an earlier log that was lost. It is the
   * same for all readers of this log, and never `''`
   */
  onStart(position: string): void;
  /** Receives the next entries, in the order of the log. */
  onEntries(entries: readonly LogEntry[]): void;
  /**
   * Confirms that `onEntries()` has received every entry that was appended before `askedAt`. Call `onCaughtUp()` about once a second, even
   * when the log is empty. When it has not been called for 5 seconds, only responses that were requested in the last 5 seconds are used.
   *
   * @param askedAt when the store was asked for new entries, in milliseconds of `performance.now()`. Read this time before you ask the
   * store
   */
  onCaughtUp(askedAt: number): void;
}
