/**
 * A cache that several processes share: it holds opaque bytes under digests for a time, and one log that all of them read.
 * It never sees a token or a claim. Any method may fail or be slow: that costs an answer from the endpoint, never a wrong one.
 */
export interface CacheStore {
  /** The value and what is left of its life, read in one step, or `undefined` where there is none or it has expired. */
  get(key: string): Promise<StoredValue | undefined>;
  /**
   * Keeps a value for `ttlMs`, if what is there is still what is expected, in one step. Without the condition, an answer on its way
   * would bring back what has been invalidated meanwhile.
   *
   * @returns whether it was kept
   */
  set(key: string, value: Uint8Array, how: SetOptions): Promise<boolean>;
  /**
   * Adds an entry to the log and keeps it for `keepMs` at least.
   *
   * @returns its position: strings that sort in the order in which entries were added, whoever added them
   */
  append(entry: string, keepMs: number): Promise<string>;
  /**
   * Reads the log: all that is kept, then whatever is added, until it is stopped. It tries again by itself when it fails.
   *
   * @returns stops it, and ends once it has stopped
   */
  tail(reader: LogReader): () => Promise<void>;
}

/** What {@link CacheStore.get} finds. */
export interface StoredValue {
  /** The bytes that were set. */
  readonly value: Uint8Array;
  /**
   * Milliseconds until it expires, by the clock that it expires by: never more than it was set with. By this, processes whose clocks
   * differ agree how old a value is.
   */
  readonly ttlMs: number;
}

/** How a value is kept. */
export interface SetOptions {
  /** Milliseconds, at least 1. */
  readonly ttlMs: number;
  /** What must be there: these very bytes, nothing (`'absent'`), or whatever it is (`'any'`). */
  readonly expected: Uint8Array | 'absent' | 'any';
}

/** What was added to the log. */
export interface LogEntry {
  /** As `append()` told it. */
  readonly position: string;
  /** As `append()` was given it. */
  readonly entry: string;
}

/** Who reads the log. */
export interface LogReader {
  /** Further entries, in their order. */
  read(entries: readonly LogEntry[]): void;
  /** All that had been added when this was asked, in monotonic milliseconds (`performance.now()`), has been read. To be told every second or so. */
  confirm(askedAt: number): void;
  /** Entries may have been lost: what was known before cannot be relied on. */
  lose(): void;
}
