import { type Clock, type Instant, readClock } from '../../core/clock.js';

/** Lets each proof be used only once. */
export interface ReplayGuard {
  /** Identity of the storage. Two guards with the same `memory` share what they remember. */
  readonly memory: object;
  /** Resolves with `true` when the identifier was not used within the last `ttlMs`. Rejects when that cannot be determined. */
  use(id: string, ttlMs: number): Promise<boolean>;
}

/** A store of used proofs that several processes share. A `cache.store` fits. */
export interface ReplayStore {
  /** Stores a key for `ttlMs` milliseconds unless it exists, as one atomic step. Returns whether the key was new. */
  setIfAbsent(key: string, ttlMs: number): Promise<boolean>;
}

const MAX_REMEMBERED = 500_000;

/**
 * Creates a replay memory for one process.
 * When it is full of proofs that could still be replayed, `use` rejects: forgetting one would allow a replay.
 */
export function createReplayMemory(clock: Clock): ReplayGuard {
  /** When each identifier may be forgotten. Ordered by use, and so by end. */
  const used = new Map<string, Instant>();
  return {
    memory: used,
    async use(id, ttlMs) {
      const now = readClock(clock);
      for (const [other, end] of used) {
        // Both clocks must have passed the end. Proofs are dated by the wall clock, which can be set back.
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

/** @param memory the original store, when `store` is a wrapper of it */
export function createSharedReplay(store: ReplayStore, memory: object = store): ReplayGuard {
  return { memory, use: (id, ttlMs) => store.setIfAbsent(`dpop.${id}`, ttlMs) };
}
