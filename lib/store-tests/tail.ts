import assert from 'node:assert/strict';
import type { CacheStore, LogEntry, LogReader } from '../cache/shared/store.js';

/** What a test does with a store; tails that it begins are stopped after it. */
export type Test = (store: CacheStore, bench: Bench) => Promise<void>;

export interface Bench {
  tail(): Tail;
  /** Waits for what has to happen, and no longer than that may take. */
  until(what: string, condition: () => boolean | Promise<boolean>): Promise<void>;
}

/** How long nothing may happen. */
export const CALM_MS = 50;

/** Long enough to be there until a test ends. */
export const LIFE_MS = 60_000;

export interface Tail {
  /** What was read, in its order. */
  readonly read: LogEntry[];
  entries(): string[];
  confirmations(): number;
  stop(): Promise<void>;
}

export function follow(store: CacheStore): Tail {
  const read: LogEntry[] = [];
  let confirmed = 0;
  const reader: LogReader = {
    read: (entries) => void read.push(...entries),
    confirm() {
      confirmed++;
    },
    lose: () => void read.splice(0),
  };
  const stop = store.tail(reader);
  return { read, entries: () => read.map(({ entry }) => entry), confirmations: () => confirmed, stop };
}

export async function textOf(store: CacheStore, key: string): Promise<string | undefined> {
  const stored = await store.get(key);
  return stored && Buffer.from(stored.value).toString('utf8');
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
