import { type Clock, type Instant, readClock } from '../../core/clock.js';
import { withTimeout } from '../../core/timeout.js';

/** Lets each DPoP proof be used once (RFC 9449 section 11.1). */
export interface ReplayGuard {
  /**
   * Uses a proof. The same request may use it again, for another middleware.
   *
   * @param ttlMs how long it is remembered, in milliseconds
   * @returns whether no other request used it before
   * @throws Error if that is not known, because the store failed or the memory is full
   */
  use(id: string, ttlMs: number, request: object): Promise<boolean>;
}

/** A store of used proofs that several processes share. A `cache.store` fits. */
export interface ReplayStore {
  /** Stores a key for `ttlMs` milliseconds unless it exists, as one atomic step. Returns whether the key was new. */
  setIfAbsent(key: string, ttlMs: number): Promise<boolean>;
}

const MAX_REMEMBERED = 500_000;
const STORE_TIMEOUT_MS = 1000;

/** Proofs that a request has used, by the memory that remembers them. */
const usedByRequest = new WeakMap<object, Map<object, Set<string>>>();

/** One memory for all middlewares of this process that use a clock. */
const processMemories = new WeakMap<Clock, ReplayStore['setIfAbsent']>();

/** A guard over a store that several processes share, or over the memory of this process. */
export function createReplayGuard(clock: Clock, store: ReplayStore | undefined): ReplayGuard {
  const memory = store ?? clock;
  const setIfAbsent = store === undefined ? processMemory(clock) : inTime(store);
  return {
    async use(id, ttlMs, request) {
      const used = usedBy(request, memory);
      if (used.has(id)) return true;
      // A store of the app may return anything.
      const isNew: unknown = await setIfAbsent(`dpop.${id}`, ttlMs);
      if (isNew !== true) return false;
      used.add(id);
      return true;
    },
  };
}

function processMemory(clock: Clock): ReplayStore['setIfAbsent'] {
  const memory = processMemories.get(clock) ?? createReplayMemory(clock);
  processMemories.set(clock, memory);
  return memory;
}

function usedBy(request: object, memory: object): Set<string> {
  const byMemory = usedByRequest.get(request) ?? new Map<object, Set<string>>();
  usedByRequest.set(request, byMemory);
  const used = byMemory.get(memory) ?? new Set<string>();
  byMemory.set(memory, used);
  return used;
}

/** A store that does not reply in time has failed. */
function inTime(store: ReplayStore): ReplayStore['setIfAbsent'] {
  return (key, ttlMs) => withTimeout(async () => store.setIfAbsent(key, ttlMs), STORE_TIMEOUT_MS);
}

/**
 * Creates a replay memory for one process. When it is full of proofs that could still be replayed, it rejects: forgetting one would
 * allow a replay.
 */
export function createReplayMemory(clock: Clock): ReplayStore['setIfAbsent'] {
  /** When each proof is forgotten, in the order of their use. */
  const used = new Map<string, Instant>();
  return async (key, ttlMs) => {
    const now = readClock(clock);
    for (const [other, end] of used) {
      // Both clocks must have passed the end. Proofs are dated by the wall clock, which can be set back.
      if (end.monotonic > now.monotonic || end.at > now.at) break;
      used.delete(other);
    }
    if (used.has(key)) return false;
    if (used.size >= MAX_REMEMBERED) throw new Error('full');
    used.set(key, { at: now.at + ttlMs, monotonic: now.monotonic + ttlMs });
    return true;
  };
}
