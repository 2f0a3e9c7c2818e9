import { type Clock, type Freshness, type Lookup, type Question, readClock, type TokenRecord } from '../types.js';

interface Flight {
  /** Monotonic; no answer it brings was asked for earlier. */
  readonly startedAt: number;
  readonly answer: Promise<TokenRecord>;
  /** What was invalidated since it started. */
  readonly invalidated: ((record: TokenRecord) => boolean)[];
}

/**
 * Most questions about one token side by side. A client with one valid token could otherwise take all places by asking again and
 * again for a response that is newer than its request.
 */
const MAX_FLIGHTS = 2;

export interface SingleFlightSettings {
  readonly clock: Clock;
  /** Receives the answers of flights that were neither disowned nor overtaken. */
  land(question: Question, record: TokenRecord): void;
  /** Whether a question may join a flight that started then. */
  canJoin(startedAt: number, freshness: Freshness): boolean;
  /** Whether an answer may be used by a question that joined the flight. */
  suits(key: string, record: TokenRecord, freshness: Freshness): boolean;
}

export interface SingleFlight {
  readonly lookup: (...asked: Parameters<Lookup>) => Promise<TokenRecord>;
  /** Whether a question would join a flight. */
  has(...asked: Parameters<Lookup>): boolean;
  /** Disowns the flights under way: who boarded still gets the answer, nobody later does, and it does not land. */
  forget(key: string): void;
  /** The same for every flight whose answer turns out to be one of these. */
  forgetWhere(applies: (record: TokenRecord) => boolean): void;
  forgetAll(): void;
  /** How many questions joined a flight instead of asking. */
  coalesced(): number;
}

/**
 * One question a key at a time. Everyone who asks meanwhile waits for the same answer, if that can still be used for them. A failure
 * reaches all who wait and is not kept.
 */
export function withSingleFlight(inner: Lookup, { clock, land, canJoin, suits }: SingleFlightSettings): SingleFlight {
  /** Those in the air for a key, the latest last. */
  const flights = new Map<string, Flight[]>();
  let coalesced = 0;

  function lookup(...[question, freshness]: Parameters<Lookup>): Promise<TokenRecord> {
    const { key } = question;
    const latest = latestFor(question, freshness);
    if (latest !== undefined) {
      coalesced++;
      return join(latest, question, freshness);
    }
    const last = flights.get(key)?.at(MAX_FLIGHTS - 1);
    return last === undefined ? start(question, freshness) : startAfter(last, question, freshness);
  }

  function start(question: Question, freshness: Freshness): Promise<TokenRecord> {
    const { key } = question;
    const flight: Flight = {
      startedAt: freshness.now.monotonic,
      answer: Promise.resolve(inner(question, freshness)).then(
        (record) => {
          const isForgotten = isOneOf(flight.invalidated, record);
          if (end(key, flight, !isForgotten) && !isForgotten) land(question, record);
          return record;
        },
        (error: unknown) => {
          end(key, flight, false);
          throw error;
        },
      ),
      invalidated: [],
    };
    flights.set(key, [...(flights.get(key) ?? []), flight]);
    return flight.answer;
  }

  /** All who wait for this flight share the next one, which starts now and has a deadline of its own. */
  async function startAfter(last: Flight, question: Question, freshness: Freshness): Promise<TokenRecord> {
    await last.answer.catch(() => {});
    return lookup(question, { ...freshness, now: readClock(clock) });
  }

  /** An answer that does not suit is asked for anew, for all who joined and could not use it. */
  async function join(flight: Flight, question: Question, freshness: Freshness): Promise<TokenRecord> {
    const before = flight.invalidated.length;
    const record = await flight.answer;
    if (!isOneOf(flight.invalidated.slice(0, before), record) && suits(question.key, record, freshness)) return record;
    return lookup(question, { ...freshness, askedSince: Math.max(freshness.askedSince, freshness.now.monotonic) });
  }

  function latestFor(...[{ key }, freshness]: Parameters<Lookup>): Flight | undefined {
    const latest = flights.get(key)?.at(-1);
    if (latest === undefined || latest.startedAt < freshness.askedSince) return undefined;
    return canJoin(latest.startedAt, freshness) ? latest : undefined;
  }

  /** Takes a flight off the board, and whether it was still on it. One that landed has overtaken those before it. */
  function end(key: string, flight: Flight, landed: boolean): boolean {
    const inTheAir = flights.get(key) ?? [];
    const position = inTheAir.indexOf(flight);
    if (position === -1) return false;
    const others = inTheAir.filter((_, index) => (landed ? index > position : index !== position));
    if (others.length > 0) flights.set(key, others);
    else flights.delete(key);
    return true;
  }

  return {
    lookup,
    has: (question, freshness) => latestFor(question, freshness) !== undefined,
    forget: (key) => void flights.delete(key),
    forgetWhere(applies) {
      for (const inTheAir of flights.values()) for (const { invalidated } of inTheAir) invalidated.push(applies);
    },
    forgetAll: () => flights.clear(),
    coalesced: () => coalesced,
  };
}

function isOneOf(kinds: readonly ((record: TokenRecord) => boolean)[], record: TokenRecord): boolean {
  return kinds.some((applies) => applies(record));
}
