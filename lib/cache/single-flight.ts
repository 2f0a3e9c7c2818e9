import { setTimeout } from 'node:timers';
import { type Clock, readClock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import type { Lookup, LookupOptions, TokenKey, TokenRecord } from '../core/lookup.js';

/** A lookup that requests may join. */
interface PendingLookup {
  /** Monotonic milliseconds. The introspection request is not sent earlier. */
  readonly startedAt: number;
  readonly response: Promise<TokenRecord>;
  /** Number of the first invalidation that applies to the response; infinity while none does. */
  invalidatedBy: number;
}

/**
 * At most this many lookups of one token run at the same time. Without a limit, a client with one valid token could use up the
 * concurrency limit: it would repeat requests that require a response newer than themselves.
 */
const MAX_LOOKUPS_PER_TOKEN = 2;

export interface SingleFlightSettings {
  readonly clock: Clock;
  /** How long a request may wait for other lookups of its token, in milliseconds since it arrived. */
  readonly timeoutMs: number;
  /** Receives the response of a lookup, unless it was invalidated or a later lookup has finished first. */
  onResult(tokenKey: TokenKey, record: TokenRecord): void;
  /** Whether a request may join a lookup that started at this time. */
  canJoin(startedAt: number, options: LookupOptions): boolean;
  /** Whether a request may use the response of a lookup that it joined. */
  isUsable(digest: string, record: TokenRecord, options: LookupOptions): boolean;
}

export interface SingleFlight {
  readonly lookup: (...args: Parameters<Lookup>) => Promise<TokenRecord>;
  /** Whether a request would join a pending lookup. */
  has(...args: Parameters<Lookup>): boolean;
  /**
   * Detaches the pending lookups of a token. Requests that wait for them still get the response. Later requests do not, and
   * `onResult` does not receive it.
   */
  forget(digest: string): readonly Promise<TokenRecord>[];
  /** Does the same for each pending lookup whose response turns out to match. */
  forgetWhere(matches: (record: TokenRecord) => boolean): void;
  /** Does the same for all pending lookups. */
  forgetAll(): void;
  /** Number of requests that joined a pending lookup. */
  coalesced(): number;
}

/**
 * Lets concurrent requests with the same token share one lookup. A request that may not use the shared response causes another
 * lookup. All requests that wait for a failed lookup get its error, and the error is not kept.
 */
export function withSingleFlight(
  inner: Lookup,
  { clock, timeoutMs, onResult, canJoin, isUsable }: SingleFlightSettings,
): SingleFlight {
  /** Pending lookups by token digest, the latest last. */
  const pending = new Map<string, PendingLookup[]>();
  const invalidations = createInvalidations();
  let coalesced = 0;
  /** Lookups without a response yet, detached ones included: somebody may have joined them. */
  let running = 0;

  function lookup(tokenKey: TokenKey, options: LookupOptions, now = options.now): Promise<TokenRecord> {
    const joinable = findJoinable(tokenKey, options);
    if (joinable !== undefined) {
      coalesced++;
      return join(joinable, tokenKey, options);
    }
    const last = pending.get(tokenKey.digest)?.at(MAX_LOOKUPS_PER_TOKEN - 1);
    return last === undefined ? start(tokenKey, { ...options, now }) : startAfter(last, tokenKey, options);
  }

  function start(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const { digest } = tokenKey;
    const invalidationsBefore = invalidations.count();
    const response = Promise.resolve(inner(tokenKey, options));
    running++;
    const pendingLookup: PendingLookup = {
      startedAt: options.now.monotonic,
      invalidatedBy: Number.POSITIVE_INFINITY,
      response: response
        .then(
          (record) => {
            pendingLookup.invalidatedBy = invalidations.firstFor(record, invalidationsBefore);
            const isInvalidated = pendingLookup.invalidatedBy < invalidations.count();
            if (end(digest, pendingLookup, !isInvalidated) && !isInvalidated) onResult(tokenKey, record);
            return record;
          },
          (error: unknown) => {
            end(digest, pendingLookup, false);
            throw error;
          },
        )
        .finally(() => {
          running--;
          if (running === 0) invalidations.clear();
        }),
    };
    pending.set(digest, [...(pending.get(digest) ?? []), pendingLookup]);
    return pendingLookup.response;
  }

  /** All requests that wait for this lookup share the next one. Each waits only until its own deadline. */
  function startAfter(last: PendingLookup, tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const leftMs = Math.max(1, timeoutMs - (clock.monotonic() - options.now.monotonic));
    return new Promise((resolve, reject) => {
      let isOver = false;
      const timer = setTimeout(() => {
        isOver = true;
        reject(new IntrospectionError('overloaded'));
      }, leftMs);
      last.response
        .catch(() => {})
        .then(() => (isOver ? undefined : lookup(tokenKey, options, readClock(clock)).then(resolve)))
        .catch(reject)
        .finally(() => clearTimeout(timer));
    });
  }

  /** Requests that joined and may not use the response share one further lookup. */
  async function join(pendingLookup: PendingLookup, tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const invalidationsBefore = invalidations.count();
    const record = await pendingLookup.response;
    const isInvalidated = pendingLookup.invalidatedBy < invalidationsBefore;
    if (!isInvalidated && isUsable(tokenKey.digest, record, options)) return record;
    return lookup(tokenKey, { ...options, notBefore: Math.max(options.notBefore, options.now.monotonic) });
  }

  function findJoinable({ digest }: TokenKey, options: LookupOptions): PendingLookup | undefined {
    const latest = pending.get(digest)?.at(-1);
    if (latest === undefined || latest.startedAt < options.notBefore) return undefined;
    return canJoin(latest.startedAt, options) ? latest : undefined;
  }

  /** Removes a lookup, and with a response to keep also the earlier ones. Returns `false` when it was detached before. */
  function end(digest: string, ended: PendingLookup, hasResponseToKeep: boolean): boolean {
    const lookups = pending.get(digest) ?? [];
    const position = lookups.indexOf(ended);
    if (position === -1) return false;
    const others = lookups.filter((_, index) => (hasResponseToKeep ? index > position : index !== position));
    if (others.length > 0) pending.set(digest, others);
    else pending.delete(digest);
    return true;
  }

  return {
    lookup,
    has: (tokenKey, options) => findJoinable(tokenKey, options) !== undefined,
    forget(digest) {
      const responses = (pending.get(digest) ?? []).map(({ response }) => response);
      pending.delete(digest);
      return responses;
    },
    forgetWhere(matches) {
      if (running > 0) invalidations.add(matches);
    },
    forgetAll: () => pending.clear(),
    coalesced: () => coalesced,
  };
}

/** Numbered invalidations of the responses that pending lookups will bring. */
interface Invalidations {
  add(matches: (record: TokenRecord) => boolean): void;
  /** Number of invalidations so far. */
  count(): number;
  /** Number of the first invalidation from `start` on that matches this record; infinity if none does. */
  firstFor(record: TokenRecord, start: number): number;
  /** Drops all invalidations. Call it when no lookup is running. */
  clear(): void;
}

/** All lookups share one list, because there may be many lookups and many invalidations. */
function createInvalidations(): Invalidations {
  let list: ((record: TokenRecord) => boolean)[] = [];
  let dropped = 0;
  return {
    add: (matches) => void list.push(matches),
    count: () => dropped + list.length,
    firstFor(record, start) {
      for (let index = start - dropped; index < list.length; index++) {
        if (list[index]?.(record)) return dropped + index;
      }
      return Number.POSITIVE_INFINITY;
    },
    clear() {
      dropped += list.length;
      list = [];
    },
  };
}
