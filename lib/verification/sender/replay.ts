import { type Clock, type Instant, readClock } from '../../core/clock.js';
import { withTimeout } from '../../core/timeout.js';

/** Lets each DPoP proof be used once (RFC 9449 section 11.1). */
export interface ReplayGuard {
  /**
   * Remembers each proof from now on for at least this long, in milliseconds. All verifiers over a guard remember for the longest time
   * that one of them needs, because each may get the proofs that another has accepted.
   */
  keepFor(ms: number): void;
  /**
   * Uses a proof. The same request may use it again, for another middleware.
   *
   * @returns whether no other request used it before
   * @throws Error if that is not known, because the store failed or the memory is full
   */
  use(id: string, request: object): Promise<boolean>;
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

/** A guard over a store that several processes share, or over the memory of this process. */
export function createReplayGuard(clock: Clock, store: ReplayStore | undefined): ReplayGuard {
  const memory = store ?? {};
  const setIfAbsent = store === undefined ? createReplayMemory(clock) : inTime(store);
  let longestMs = 0;
  return {
    keepFor(ms) {
      longestMs = Math.max(longestMs, ms);
    },
    async use(id, request) {
      const used = usedBy(request, memory);
      if (used.has(id)) return true;
      // A store of the app may return anything.
      const isNew: unknown = await setIfAbsent(`dpop.${id}`, longestMs);
      if (isNew !== true) return false;
      used.add(id);
      return true;
    },
  };
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
  const used = new Set<string>();
  /** The proofs in `used`, in the order of their use. */
  let queue: { readonly key: string; readonly usedAt: Instant }[] = [];
  let first = 0;
  /** A verifier that is created later may accept a proof for longer, so this also applies to proofs that were used before. */
  let longestMs = 0;

  function forgetEnded(now: Instant): void {
    for (let next = queue[first]; next !== undefined; next = queue[first]) {
      // Both clocks must have passed that time. Proofs are dated by the wall clock, which can be set back.
      const { at, monotonic } = next.usedAt;
      if (monotonic + longestMs > now.monotonic || at + longestMs > now.at) break;
      used.delete(next.key);
      first++;
    }
    if (first * 2 > queue.length) {
      queue = queue.slice(first);
      first = 0;
    }
  }

  return async (key, ttlMs) => {
    const now = readClock(clock);
    longestMs = Math.max(longestMs, ttlMs);
    forgetEnded(now);
    if (used.has(key)) return false;
    if (used.size >= MAX_REMEMBERED) throw new Error('full');
    used.add(key);
    queue.push({ key, usedAt: now });
    return true;
  };
}
