import assert from 'node:assert/strict';
import type { CacheStore, LogEntry, LogReader } from '../cache/shared/store.js';

/** A test of a store. Logs that it follows are stopped after it. */
export type Test = (store: CacheStore, bench: TestContext) => Promise<void>;

export interface TestContext {
  follow(): Following;
  /** Waits until something has happened, and fails if that takes too long. */
  until(what: string, condition: () => boolean | Promise<boolean>): Promise<void>;
}

/** How long nothing may happen. */
export const QUIET_MS = 50;

/** Long enough to be there until a test ends. */
export const LIFE_MS = 60_000;

export interface Following {
  /** The entries that were read, in their order. */
  readonly read: LogEntry[];
  /** Where the log begins; `undefined` before that was told. */
  start(): string | undefined;
  entries(): string[];
  /** How often the reader was told that it has caught up. */
  caughtUp(): number;
  stop(): Promise<void>;
}

export function follow(store: CacheStore): Following {
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

/** Reads an entry without taking a lease. */
export function look(store: CacheStore, key: string, except?: Uint8Array) {
  return store.getOrLease(key, { leaseId: 'nobody', leaseMs: 0, except });
}

/** Takes the lease, if there is neither an entry nor a lease. */
export function lease(store: CacheStore, key: string, leaseId: string, except?: Uint8Array) {
  return store.getOrLease(key, { leaseId, leaseMs: LIFE_MS, except });
}

/** Keeps a text for some milliseconds. */
export async function keep(store: CacheStore, key: string, text: string, lifeMs = LIFE_MS): Promise<void> {
  const { now } = await look(store, key);
  await store.keepAndRelease(key, 'nobody', { value: Buffer.from(text), expiresAt: now + lifeMs });
}

export async function textOf(store: CacheStore, key: string): Promise<string | undefined> {
  const { value } = await look(store, key);
  return value && Buffer.from(value).toString('utf8');
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs: number,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > end) assert.fail(`waited in vain for ${what}`);
    await pause(2);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
