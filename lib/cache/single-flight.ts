import { setTimeout } from 'node:timers';
import { type Clock, readClock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import type { Lookup, LookupOptions, TokenKey, TokenRecord } from '../core/lookup.js';
import { requestTimeLeft } from '../core/timeout.js';

/** A lookup that has not ended, and that further requests with the same token may join. */
interface PendingLookup {
  /** When the lookup started, in monotonic milliseconds. Its introspection request is sent at this time or later. */
  readonly startedAt: number;
  readonly response: Promise<TokenRecord>;
  /**
   * Number of the first invalidation that applies to the response. `Infinity` if none applies, or if the response has not arrived yet.
   */
  invalidatedBy: number;
  /** Whether a lookup that started later has ended with a response. Then no request joins this lookup, but it still counts as running. */
  isOutdated: boolean;
}

/**
 * Maximum number of lookups of one token that run at the same time. Without this maximum, a client with one valid token could use up the
 * concurrency limit: by many requests to a route that requires a new response for each request.
 */
const MAX_LOOKUPS_PER_TOKEN = 2;

export interface SingleFlightSettings {
  readonly clock: Clock;
  /** How long a request may wait for other lookups of its token, in milliseconds since the request arrived. */
  readonly timeoutMs: number;
  /**
   * Receives the response of a lookup, to cache it. It is not called if the response was invalidated, or if a later lookup of the token has
   * succeeded before.
   */
  onResult(tokenKey: TokenKey, record: TokenRecord): void;
  /** Whether a request may join a lookup that started at `startedAt`, in monotonic milliseconds. */
  canJoin(startedAt: number, options: LookupOptions): boolean;
  /** Whether a request may use the response of a pending lookup that it joined. If not, the request causes another lookup. */
  isUsable(digest: string, record: TokenRecord, options: LookupOptions): boolean;
}

export interface SingleFlight {
  readonly lookup: (...args: Parameters<Lookup>) => Promise<TokenRecord>;
  /** Whether a request with this token and these options would join a pending lookup. */
  has(...args: Parameters<Lookup>): boolean;
  /**
   * Detaches the pending lookups of a token. Requests that wait for these lookups still get the responses. Later requests do not join these
   * lookups, and `onResult` does not receive the responses.
   *
   * @returns the responses of the detached lookups
   */
  forget(digest: string): readonly Promise<TokenRecord>[];
  /**
   * Invalidates the response of every pending lookup if `matches` returns `true` for it when it arrives. Requests that already wait for
   * such a response still get it. A request that joins after this call causes another lookup instead, and `onResult` does not receive the
   * response.
   */
  forgetWhere(matches: (record: TokenRecord) => boolean): void;
  /** Detaches the pending lookups of all tokens, as {@link SingleFlight.forget} does for one token. */
  forgetAll(): void;
  /** Returns how often a request has joined a pending lookup so far. */
  coalesced(): number;
}

/**
 * Wraps `inner`, so that concurrent requests with the same token share one lookup. A request that may not use the shared response causes
 * another lookup. When a lookup fails, all requests that share it get its error. The error is not kept: the next request starts a new
 * lookup.
 */
export function withSingleFlight(
  inner: Lookup,
  { clock, timeoutMs, onResult, canJoin, isUsable }: SingleFlightSettings,
): SingleFlight {
  /** Pending lookups by token digest. In each list, the lookup that started last is the last. */
  const pending = new Map<string, PendingLookup[]>();
  const invalidations = createInvalidations();
  let coalesced = 0;
  /**
   * How many lookups have not ended, by the number of invalidations before they began. The smallest number is first. Detached lookups are
   * counted too, because requests that joined them before still wait.
   */
  const running = new Map<number, number>();

  function lookup(tokenKey: TokenKey, options: LookupOptions, now = options.now): Promise<TokenRecord> {
    const joinable = findJoinable(tokenKey, options);
    if (joinable !== undefined) {
      coalesced++;
      const response = join(joinable, tokenKey, options);
      // A lookup that started after the request arrived may last longer than the time limit of the request.
      return joinable.startedAt > options.now.monotonic ? inTime(response, options) : response;
    }
    const last = pending.get(tokenKey.digest)?.at(MAX_LOOKUPS_PER_TOKEN - 1);
    return last === undefined ? start(tokenKey, { ...options, now }) : startAfter(last, tokenKey, options);
  }

  function start(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const { digest } = tokenKey;
    const invalidationsBefore = invalidations.count();
    const response = Promise.resolve(inner(tokenKey, options));
    const pendingLookup: PendingLookup = {
      startedAt: options.now.monotonic,
      invalidatedBy: Number.POSITIVE_INFINITY,
      isOutdated: false,
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
        .finally(() => endRunning(invalidationsBefore)),
    };
    running.set(invalidationsBefore, (running.get(invalidationsBefore) ?? 0) + 1);
    pending.set(digest, [...(pending.get(digest) ?? []), pendingLookup]);
    return pendingLookup.response;
  }

  function endRunning(invalidationsBefore: number): void {
    const others = (running.get(invalidationsBefore) ?? 0) - 1;
    if (others > 0) {
      running.set(invalidationsBefore, others);
      return;
    }
    running.delete(invalidationsBefore);
    const [oldest = invalidations.count()] = running.keys();
    invalidations.dropBefore(oldest);
  }

  /**
   * Looks up a token after `last`, another lookup of the token, has ended. All requests that wait for `last` in this way share the next
   * lookup.
   *
   * @throws IntrospectionError `overloaded` if the deadline of the request passes before
   */
  function startAfter(last: PendingLookup, tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const timer = setTimeout(
        () => {
          isOver = true;
          reject(new IntrospectionError('overloaded'));
        },
        requestTimeLeft(timeoutMs, options.now, clock),
      );
      last.response
        .catch(() => {})
        .then(() => (isOver ? undefined : lookup(tokenKey, options, readClock(clock)).then(resolve)))
        .catch(reject)
        .finally(() => clearTimeout(timer));
    });
  }

  /**
   * Waits for the response of a pending lookup. If the request may not use this response, looks up the token again. Other requests that may
   * not use it either can join the new lookup.
   */
  async function join(pendingLookup: PendingLookup, tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const invalidationsBefore = invalidations.count();
    const record = await pendingLookup.response;
    const isInvalidated = pendingLookup.invalidatedBy < invalidationsBefore;
    if (!isInvalidated && isUsable(tokenKey.digest, record, options)) return record;
    return lookup(tokenKey, { ...options, notBefore: Math.max(options.notBefore, options.now.monotonic) });
  }

  /**
   * Settles like `response`, or rejects when the time limit of the request has passed.
   *
   * @throws IntrospectionError `timeout`
   */
  function inTime(response: Promise<TokenRecord>, options: LookupOptions): Promise<TokenRecord> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new IntrospectionError('timeout')),
        requestTimeLeft(timeoutMs, options.now, clock),
      );
      response.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  function findJoinable({ digest }: TokenKey, options: LookupOptions): PendingLookup | undefined {
    const latest = pending.get(digest)?.at(-1);
    if (latest === undefined || latest.isOutdated || latest.startedAt < options.notBefore) return undefined;
    return canJoin(latest.startedAt, options) ? latest : undefined;
  }

  /**
   * Removes a lookup that has ended from the pending lookups. With `hasResponseToKeep`, the lookups of the token that started earlier become
   * outdated, because their responses are older. Returns `false` if the lookup itself is outdated, or was detached before.
   */
  function end(digest: string, ended: PendingLookup, hasResponseToKeep: boolean): boolean {
    const lookups = pending.get(digest) ?? [];
    const position = lookups.indexOf(ended);
    if (position === -1) return false;
    if (hasResponseToKeep) for (const earlier of lookups.slice(0, position)) earlier.isOutdated = true;
    if (lookups.length > 1) pending.set(digest, lookups.toSpliced(position, 1));
    else pending.delete(digest);
    return !ended.isOutdated;
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
      if (running.size > 0) invalidations.add(matches);
    },
    forgetAll: () => pending.clear(),
    coalesced: () => coalesced,
  };
}

/** Invalidations of responses that have not arrived yet. Each invalidation has a number, in the order of the calls. */
interface Invalidations {
  add(matches: (record: TokenRecord) => boolean): void;
  /** Returns the number of invalidations so far. The next invalidation gets this number. */
  count(): number;
  /**
   * Returns the number of the first invalidation that matches this record, among those with the number `start` or higher. Returns infinity
   * if none matches.
   */
  firstFor(record: TokenRecord, start: number): number;
  /**
   * Drops the invalidations with lower numbers than `number`. Their numbers are not used again. Call this method only if every running
   * lookup began after these invalidations.
   */
  dropBefore(number: number): void;
}

/**
 * Creates one list of invalidations that all lookups share. A list for each lookup would take too much memory, because there may be many
 * lookups and many invalidations.
 */
function createInvalidations(): Invalidations {
  const list: ((record: TokenRecord) => boolean)[] = [];
  let dropped = 0;
  return {
    add: (matches) => void list.push(matches),
    count: () => dropped + list.length,
    firstFor(record, start) {
      const position = list.slice(start - dropped).findIndex((matches) => matches(record));
      return position === -1 ? Number.POSITIVE_INFINITY : start + position;
    },
    dropBefore(number) {
      list.splice(0, number - dropped);
      dropped = number;
    },
  };
}
