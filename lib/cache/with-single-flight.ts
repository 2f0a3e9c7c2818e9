import type { Clock, Lookup, TokenRecord } from '../types.js';

interface Flight {
  /** Monotonic; no answer it brings was asked for earlier. */
  readonly startedAt: number;
  readonly answer: Promise<TokenRecord>;
}

export interface SingleFlight {
  readonly lookup: Lookup;
  /** Disowns the flight under way: who boarded still gets its answer, nobody later does, and it does not land. */
  forget(key: string): void;
  forgetAll(): void;
  /** How many questions joined a flight instead of asking. */
  coalesced(): number;
}

/**
 * One question a key at a time; everyone who asks meanwhile waits for the same answer.
 * `land` receives the answer of a flight nobody has disowned or overtaken. A failure reaches the waiters and is not kept.
 */
export function withSingleFlight(
  inner: Lookup,
  clock: Clock,
  land: (key: string, record: TokenRecord) => void,
): SingleFlight {
  const flights = new Map<string, Flight>();
  let coalesced = 0;

  function lookup(...[question, freshness]: Parameters<Lookup>): Promise<TokenRecord> {
    const { key } = question;
    const underWay = flights.get(key);
    if (underWay !== undefined && underWay.startedAt >= freshness.askedSince) {
      coalesced++;
      return underWay.answer;
    }
    const flight: Flight = {
      startedAt: clock.monotonic(),
      answer: Promise.resolve(inner(question, freshness)).then(
        (record) => {
          if (end(key, flight)) land(key, record);
          return record;
        },
        (error: unknown) => {
          end(key, flight);
          throw error;
        },
      ),
    };
    flights.set(key, flight);
    return flight.answer;
  }

  /** Whether the flight was still the one for its key. */
  function end(key: string, flight: Flight): boolean {
    return flights.get(key) === flight && flights.delete(key);
  }

  return {
    lookup,
    forget: (key) => void flights.delete(key),
    forgetAll: () => flights.clear(),
    coalesced: () => coalesced,
  };
}
