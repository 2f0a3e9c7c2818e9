import { setTimeout } from 'node:timers';
import { type Clock, readClock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import type { Lookup, LookupOptions, TokenKey, TokenRecord } from '../core/lookup.js';

/** A lookup that requests may join. */
interface PendingLookup {
  /** When the lookup started, in monotonic milliseconds. The introspection request is sent at this time or later. */
  readonly startedAt: number;
  readonly response: Promise<TokenRecord>;
  /** Number of the first invalidation that applies to the response. Infinity if there is none, and before the response arrives. */
  invalidatedBy: number;
}

/**
 * At most this many lookups of one token run at the same time. Without a limit, a client with one valid token could use up the
 * concurrency limit: it would repeat requests to routes that require a new response for each request.
 */
const MAX_LOOKUPS_PER_TOKEN = 2;

export interface SingleFlightSettings {
  readonly clock: Clock;
  /** How long a request may wait for other lookups of its token, in milliseconds since it arrived. */
  readonly timeoutMs: number;
  /** Receives the response of a lookup, unless the response was invalidated or a later lookup of the token has succeeded first. */
  onResult(tokenKey: TokenKey, record: TokenRecord): void;
  /** Whether a request may join a lookup that started at `startedAt`, in monotonic milliseconds. */
  canJoin(startedAt: number, options: LookupOptions): boolean;
  /** Whether a request may use the response of a lookup that it joined. */
  isUsable(digest: string, record: TokenRecord, options: LookupOptions): boolean;
}

export interface SingleFlight {
  readonly lookup: (...args: Parameters<Lookup>) => Promise<TokenRecord>;
  /** Whether a request would join a pending lookup. */
  has(...args: Parameters<Lookup>): boolean;
  /**
   * Detaches the pending lookups of a token. Requests that wait for these lookups still get the response. Later requests do not, and
   * `onResult` does not receive the response.
   *
   * @returns the responses of the detached lookups
   */
  forget(digest: string): readonly Promise<TokenRecord>[];
  /**
   * Invalidates the responses of pending lookups that match when they arrive. Requests that already wait for such a response still get it.
   * Requests that join later cause another lookup instead, and `onResult` does not receive the response.
   */
  forgetWhere(matches: (record: TokenRecord) => boolean): void;
  /** Detaches all pending lookups, as `forget` does for one token. */
  forgetAll(): void;
  /** Counts how often a request has joined a pending lookup. */
  coalesced(): number;
}

/**
 * Lets concurrent requests with the same token share one lookup. A request that may not use the shared response causes another
 * lookup. When a lookup fails, all requests that share it get its error. The error is not kept: the next request starts a new lookup.
 */
export function withSingleFlight(
  inner: Lookup,
  { clock, timeoutMs, onResult, canJoin, isUsable }: SingleFlightSettings,
): SingleFlight {
  /** Pending lookups by token digest, the latest last. */
  const pending = new Map<string, PendingLookup[]>();
  const invalidations = createInvalidations();
  let coalesced = 0;
  /** Number of lookups that have not ended. Detached lookups count too, because requests may have joined them. */
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

  /**
   * Looks up a token after another lookup of the token has ended. All requests that wait for that lookup share the next one.
   *
   * @throws IntrospectionError `overloaded` when the request reaches its own deadline first
   */
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

  /**
   * Waits for the response of a pending lookup. If the request may not use the response, looks up the token again. Other requests in this
   * situation can join that further lookup.
   */
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

  /**
   * Removes a lookup that has ended. If its response is kept, also removes the lookups that started earlier. Returns `false` if the lookup
   * was already removed or detached.
   */
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

/** Invalidations of the responses that pending lookups will return. Each invalidation has a number. */
interface Invalidations {
  add(matches: (record: TokenRecord) => boolean): void;
  /** Number of invalidations so far. */
  count(): number;
  /** Number of the first invalidation from `start` on that matches this record; infinity if none does. */
  firstFor(record: TokenRecord, start: number): number;
  /** Drops all invalidations. Their numbers are not used again. Call this method only when no lookup is running. */
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
