import { type Clock, type Instant, readClock } from '../../core/clock.js';

/** Lets each thing be used once. */
export interface ReplayGuard {
  /** What it remembers in: two guards with the same one know the same. */
  readonly memory: object;
  /** Whether it was not used before, within `ttlMs`; rejects where that cannot be told. */
  use(id: string, ttlMs: number): Promise<boolean>;
}

/** A memory that several processes share. `cache.store` is one. */
export interface ReplayStore {
  /** Remembers a key for `ttlMs` unless it is remembered already, in one step. Returns whether the key was new. */
  setIfAbsent(key: string, ttlMs: number): Promise<boolean>;
}

const MAX_REMEMBERED = 500_000;

/** For one process. When it is full of what may still be replayed, nothing more can be used: no room is made by forgetting. */
export function createReplayMemory(clock: Clock): ReplayGuard {
  /** When each is over; in the order of their use, and so of their end. */
  const used = new Map<string, Instant>();
  return {
    memory: used,
    async use(id, ttlMs) {
      const now = readClock(clock);
      for (const [other, end] of used) {
        // On both clocks: proofs are dated by the one that can be set back.
        if (end.monotonic > now.monotonic || end.at > now.at) break;
        used.delete(other);
      }
      if (used.has(id)) return false;
      if (used.size >= MAX_REMEMBERED) throw new Error('full');
      used.set(id, { at: now.at + ttlMs, monotonic: now.monotonic + ttlMs });
      return true;
    },
  };
}

/** @param memory what `store` stands for, where it is wrapped */
export function createSharedReplay(store: ReplayStore, memory: object = store): ReplayGuard {
  return { memory, use: (id, ttlMs) => store.setIfAbsent(`dpop.${id}`, ttlMs) };
}
