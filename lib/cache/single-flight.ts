import { setTimeout } from 'node:timers';
import { type Clock, readClock } from '../core/clock.js';
import { IntrospectionError } from '../core/errors.js';
import type { Lookup, LookupOptions, TokenKey, TokenRecord } from '../core/lookup.js';

interface Flight {
  /** Monotonic; no answer it brings was asked for earlier. */
  readonly startedAt: number;
  readonly answer: Promise<TokenRecord>;
  /** Number of the first invalidation under way that concerns its response. */
  forgottenBy: number;
}

/**
 * Most questions about one token side by side. A client with one valid token could otherwise take all places by asking again and
 * again for a response that is newer than its request.
 */
const MAX_FLIGHTS = 2;

export interface SingleFlightSettings {
  readonly clock: Clock;
  /** How long a tokenKey may wait for others about the same token, in milliseconds since it came. */
  readonly timeoutMs: number;
  /** Receives the answers of flights that were neither disowned nor overtaken. */
  onResult(tokenKey: TokenKey, record: TokenRecord): void;
  /** Whether a tokenKey may join a flight that started then. */
  canJoin(startedAt: number, options: LookupOptions): boolean;
  /** Whether an answer may be used by a tokenKey that joined the flight. */
  isUsable(key: string, record: TokenRecord, options: LookupOptions): boolean;
}

export interface SingleFlight {
  readonly lookup: (...asked: Parameters<Lookup>) => Promise<TokenRecord>;
  /** Whether a tokenKey would join a flight. */
  has(...asked: Parameters<Lookup>): boolean;
  /** Disowns the flights under way: who boarded still gets the answer, nobody later does, and it does not land. */
  forget(key: string): readonly Promise<TokenRecord>[];
  /** The same for every flight whose answer turns out to be one of these. */
  forgetWhere(applies: (record: TokenRecord) => boolean): void;
  forgetAll(): void;
  /** How many questions joined a flight instead of asking. */
  coalesced(): number;
}

/**
 * One tokenKey a key at a time. Everyone who asks meanwhile waits for the same answer, if that can still be used for them. A failure
 * reaches all who wait and is not kept.
 */
export function withSingleFlight(
  inner: Lookup,
  { clock, timeoutMs, onResult: land, canJoin, isUsable: suits }: SingleFlightSettings,
): SingleFlight {
  /** Those in the air for a key, the latest last. */
  const flights = new Map<string, Flight[]>();
  const invalidations = createInvalidations();
  let coalesced = 0;

  function lookup(tokenKey: TokenKey, options: LookupOptions, now = options.now): Promise<TokenRecord> {
    const { digest: key } = tokenKey;
    const latest = latestFor(tokenKey, options);
    if (latest !== undefined) {
      coalesced++;
      return join(latest, tokenKey, options);
    }
    const last = flights.get(key)?.at(MAX_FLIGHTS - 1);
    return last === undefined ? start(tokenKey, { ...options, now }) : startAfter(last, tokenKey, options);
  }

  function start(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const { digest: key } = tokenKey;
    const since = invalidations.count();
    const flight: Flight = {
      startedAt: options.now.monotonic,
      forgottenBy: Number.POSITIVE_INFINITY,
      answer: Promise.resolve(inner(tokenKey, options)).then(
        (record) => {
          flight.forgottenBy = invalidations.firstFor(record, since);
          const isForgotten = flight.forgottenBy < invalidations.count();
          if (end(key, flight, !isForgotten) && !isForgotten) land(tokenKey, record);
          return record;
        },
        (error: unknown) => {
          end(key, flight, false);
          throw error;
        },
      ),
    };
    flights.set(key, [...(flights.get(key) ?? []), flight]);
    return flight.answer;
  }

  /** All who wait for this flight share the next one, which starts now. Each waits only until its own deadline. */
  function startAfter(last: Flight, tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const leftMs = Math.max(1, timeoutMs - (clock.monotonic() - options.now.monotonic));
    return new Promise((resolve, reject) => {
      let isOver = false;
      const timer = setTimeout(() => {
        isOver = true;
        reject(new IntrospectionError('overloaded'));
      }, leftMs);
      last.answer
        .catch(() => {})
        .then(() => (isOver ? undefined : lookup(tokenKey, options, readClock(clock)).then(resolve)))
        .catch(reject)
        .finally(() => clearTimeout(timer));
    });
  }

  /** An answer that does not suit is asked for anew, for all who joined and could not use it. */
  async function join(flight: Flight, tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const joinedAt = invalidations.count();
    const record = await flight.answer;
    if (flight.forgottenBy >= joinedAt && suits(tokenKey.digest, record, options)) return record;
    return lookup(tokenKey, { ...options, notBefore: Math.max(options.notBefore, options.now.monotonic) });
  }

  function latestFor(...[{ digest: key }, options]: Parameters<Lookup>): Flight | undefined {
    const latest = flights.get(key)?.at(-1);
    if (latest === undefined || latest.startedAt < options.notBefore) return undefined;
    return canJoin(latest.startedAt, options) ? latest : undefined;
  }

  /** Takes a flight off the board, and whether it was still on it. One that landed has overtaken those before it. */
  function end(key: string, flight: Flight, landed: boolean): boolean {
    const inTheAir = flights.get(key) ?? [];
    const position = inTheAir.indexOf(flight);
    if (position === -1) return false;
    const others = inTheAir.filter((_, index) => (landed ? index > position : index !== position));
    if (others.length > 0) flights.set(key, others);
    else flights.delete(key);
    if (flights.size === 0) invalidations.clear();
    return true;
  }

  return {
    lookup,
    has: (tokenKey, options) => latestFor(tokenKey, options) !== undefined,
    forget(key) {
      const answers = (flights.get(key) ?? []).map(({ answer }) => answer);
      flights.delete(key);
      return answers;
    },
    forgetWhere(applies) {
      if (flights.size > 0) invalidations.add(applies);
    },
    forgetAll: () => flights.clear(),
    coalesced: () => coalesced,
  };
}

interface Invalidations {
  add(applies: (record: TokenRecord) => boolean): void;
  /** How many there were so far. */
  count(): number;
  /** Number of the first one since then that concerns this record; infinity if none does. */
  firstFor(record: TokenRecord, since: number): number;
  /** Drops them all: nothing is under way. */
  clear(): void;
}

/** One list for all flights, because there may be many of both. */
function createInvalidations(): Invalidations {
  let list: ((record: TokenRecord) => boolean)[] = [];
  let dropped = 0;
  return {
    add: (applies) => void list.push(applies),
    count: () => dropped + list.length,
    firstFor(record, since) {
      for (let index = since - dropped; index < list.length; index++) {
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
