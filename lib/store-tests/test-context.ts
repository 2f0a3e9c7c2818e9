import assert from 'node:assert/strict';
import type { CacheStore, LogEntry, LogReader } from '../cache/shared/store.js';

/** Tests one property of a store. Its promise rejects if the store does not have the property. */
export type Test = (store: CacheStore, context: TestContext) => Promise<void>;

export interface TestContext {
  /** Follows the log of the store until the test ends. */
  follow(): FollowedLog;
  /**
   * Waits until a condition is true.
   *
   * @param expected the condition in words, for the error
   * @throws AssertionError if the condition is not true in time
   */
  until(expected: string, condition: () => boolean | Promise<boolean>): Promise<void>;
}

/** A test waits for this many milliseconds to see that something does not happen. */
export const QUIET_MS = 50;

/** A lifetime, in milliseconds, that is longer than any test, so that nothing with this lifetime expires during a test. */
export const LIFE_MS = 60_000;

export interface FollowedLog {
  /** The entries that the reader has received since the last call of `onStart()`, in their order. */
  readonly read: LogEntry[];
  /** Returns the position that the last call of `onStart()` received; `undefined` before the first call. */
  start(): string | undefined;
  /** Returns the texts of the entries in `read`. */
  entries(): string[];
  /** Returns how often `onCaughtUp()` was called. */
  caughtUp(): number;
  stop(): Promise<void>;
}

export function follow(store: CacheStore): FollowedLog {
  const read: LogEntry[] = [];
  let caughtUp = 0;
  let start: string | undefined;
  const reader: LogReader = {
    onStart(position) {
      start = position;
      read.splice(0);
    },
    onEntries: (entries) => void read.push(...entries),
    onCaughtUp() {
      caughtUp++;
    },
  };
  const stop = store.follow(reader);
  return { read, start: () => start, entries: () => read.map(({ entry }) => entry), caughtUp: () => caughtUp, stop };
}

/** Reads an entry. Does not take the lease of its key. */
export function readEntry(store: CacheStore, key: string, except?: Uint8Array) {
  return store.getOrLease(key, { leaseId: 'nobody', leaseMs: 0, except });
}

/**
 * Takes the lease of a key for `leaseId`, unless the key has an entry or another id holds the lease. An entry with exactly the bytes of
 * `except` counts as missing.
 */
export function takeLease(store: CacheStore, key: string, leaseId: string, except?: Uint8Array) {
  return store.getOrLease(key, { leaseId, leaseMs: LIFE_MS, except });
}

/** Stores a text as an entry that expires after `lifeMs` milliseconds. */
export async function storeText(store: CacheStore, key: string, text: string, lifeMs = LIFE_MS): Promise<void> {
  const { now } = await readEntry(store, key);
  await store.keepAndRelease(key, 'nobody', { value: Buffer.from(text), expiresAt: now + lifeMs });
}

export async function readText(store: CacheStore, key: string): Promise<string | undefined> {
  const { value } = await readEntry(store, key);
  return value && Buffer.from(value).toString('utf8');
}

/**
 * Waits until the condition is true.
 *
 * @throws AssertionError when the condition is not true within `timeoutMs`
 */
export async function until(
  expected: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) assert.fail(`Timed out after ${timeoutMs} ms. Expected: ${expected}`);
    await pause(2);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
