import { ANY_AGE, type Freshness, type Lookup, type Question, type TokenRecord } from '../types.js';

interface Flight {
  /** Monotonic; no answer it brings was asked for earlier. */
  readonly startedAt: number;
  readonly answer: Promise<TokenRecord>;
}

export interface SingleFlight {
  readonly lookup: (...asked: Parameters<Lookup>) => Promise<TokenRecord>;
  /** Whether a question would join a flight. */
  has(...asked: Parameters<Lookup>): boolean;
  /** Disowns the flights under way: who boarded still gets the answer, nobody later does, and it does not land. */
  forget(key: string): void;
  forgetAll(): void;
  /** How many questions joined a flight instead of asking. */
  coalesced(): number;
}

/**
 * One question a key at a time; everyone who asks meanwhile waits for the same answer, unless it was asked for too early
 * for them. `land` receives the answers of flights that were neither disowned nor overtaken. A failure reaches the waiters and is not kept.
 */
export function withSingleFlight(inner: Lookup, land: (question: Question, record: TokenRecord) => void): SingleFlight {
  /** Those in the air for a key, the latest last. */
  const flights = new Map<string, Flight[]>();
  let coalesced = 0;

  function lookup(...[question, freshness]: Parameters<Lookup>): Promise<TokenRecord> {
    const { key } = question;
    const latest = latestFor(question, freshness);
    if (latest !== undefined) {
      coalesced++;
      if (freshness.askedSince === ANY_AGE) return latest.answer;
      return latest.answer.then((record) => (isOldFor(record, freshness) ? lookup(question, freshness) : record));
    }
    const flight: Flight = {
      startedAt: freshness.now.monotonic,
      answer: Promise.resolve(inner(question, freshness)).then(
        (record) => {
          if (end(key, flight, true)) land(question, record);
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

  function latestFor(...[{ key }, { askedSince }]: Parameters<Lookup>): Flight | undefined {
    const latest = flights.get(key)?.at(-1);
    return latest !== undefined && latest.startedAt >= askedSince ? latest : undefined;
  }

  /** A flight may bring what another process asked for before it started. */
  function isOldFor(record: TokenRecord, { askedSince }: Freshness): boolean {
    return record.askedMonotonic < askedSince;
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
    forgetAll: () => flights.clear(),
    coalesced: () => coalesced,
  };
}
