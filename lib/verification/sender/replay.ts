import { type Clock, type Instant, readClock } from '../../core/clock.js';
import { withTimeout } from '../../core/timeout.js';

/** Lets each DPoP proof be used by one request only (RFC 9449 section 11.1). */
export interface ReplayGuard {
  /**
   * Sets how long each proof is remembered after its use, in milliseconds. Several verifiers with different times may share a replay guard.
   * Then the longest time counts, because a proof that one verifier accepted may later be sent to another verifier.
   */
  keepFor(ms: number): void;
  /**
   * Marks the proof `id` as used by a request. The same request may use the proof again, for another middleware.
   *
   * @returns `false` if another request has used the proof before, otherwise `true`
   * @throws Error if it is not known whether another request has used the proof, because the store failed or the memory is full
   */
  use(id: string, request: object): Promise<boolean>;
}

/** A store of used proofs that several processes share. The store of the option `cache.store` has this type too. */
export interface ReplayStore {
  /**
   * Stores a key for `ttlMs` milliseconds, unless the key is stored already. Test and store are one atomic step. Resolves to `true` if the
   * key was new.
   */
  setIfAbsent(key: string, ttlMs: number): Promise<boolean>;
}

const MAX_REMEMBERED = 500_000;
const STORE_TIMEOUT_MS = 1000;

/** The ids of the proofs that each request has used. They are separate for each store or memory that remembers proofs. */
const usedByRequest = new WeakMap<object, Map<object, Set<string>>>();

/**
 * Creates a replay guard. It remembers proofs in the store, which several processes share, or else in the memory of this process, which
 * holds at most `maxRemembered` proofs.
 */
export function createReplayGuard(
  clock: Clock,
  store: ReplayStore | undefined,
  maxRemembered = MAX_REMEMBERED,
): ReplayGuard {
  const memory = store ?? {};
  const setIfAbsent = store === undefined ? createReplayMemory(clock, maxRemembered) : inTime(store);
  let longestMs = 0;
  return {
    keepFor(ms) {
      longestMs = Math.max(longestMs, ms);
    },
    async use(id, request) {
      const used = usedBy(request, memory);
      if (used.has(id)) return true;
      // The app may have written the store, so the result may be anything.
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

/** Returns the `setIfAbsent` of a store, with a time limit: the promise rejects when the store does not reply within a second. */
function inTime(store: ReplayStore): ReplayStore['setIfAbsent'] {
  return (key, ttlMs) => withTimeout(async () => store.setIfAbsent(key, ttlMs), STORE_TIMEOUT_MS);
}

/**
 * Creates a replay memory for one process. While the memory is full of proofs that could still be replayed, the promises of the returned
 * function reject, because removing a proof would allow a replay.
 */
export function createReplayMemory(clock: Clock, maxRemembered = MAX_REMEMBERED): ReplayStore['setIfAbsent'] {
  const used = new Set<string>();
  /** The proofs in `used`, in the order of their use. They begin at index `first`. Earlier items are no part of `used` any more. */
  let queue: { readonly key: string; readonly usedAt: Instant }[] = [];
  let first = 0;
  /**
   * How long a proof is remembered after its use, in milliseconds. The value may grow, because a verifier that is created later may accept
   * proofs for longer. A new value also applies to proofs that are already in the memory.
   */
  let longestMs = 0;

  function forgetEnded(now: Instant): void {
    for (let next = queue[first]; next !== undefined; next = queue[first]) {
      // `longestMs` must have passed on both clocks. Proofs are dated by the wall clock, which can be set back.
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
    if (used.size >= maxRemembered) throw new Error('full');
    used.add(key);
    queue.push({ key, usedAt: now });
    return true;
  };
}
