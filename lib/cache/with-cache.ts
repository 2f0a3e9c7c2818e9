import { IntrospectionError, type IntrospectionErrorCode } from '../errors.js';
import { type CacheEvent, cacheEvents, digestOf } from '../observe/channels.js';
import {
  ANY_AGE,
  type Clock,
  type Freshness,
  type Instant,
  type Lookup,
  type Question,
  readClock,
  type TokenRecord,
} from '../types.js';
import type { MemoryStore } from './memory-store.js';
import { isDueEarly, isFresh, isYoung, type Lifetimes, lifetimeOf, staleLifetimeOf, timeLeft } from './policy.js';
import { UNCONFIRMED_MS } from './shared/revocation-log.js';
import type { Revocations } from './shared/revocations.js';
import { withSingleFlight } from './with-single-flight.js';

export interface CacheSettings extends Lifetimes {
  readonly store: MemoryStore;
  /** `0`: an answer past its life is never used. */
  readonly staleIfErrorMs: number;
  readonly refreshAhead: boolean;
  readonly clock: Clock;
  /** Of the whole fleet, where there is a shared cache. */
  readonly revocations?: Pick<Revocations, 'allows' | 'revokes' | 'isCurrent'> | undefined;
}

export interface CachedLookup {
  readonly lookup: Lookup;
  forget(key: string): void;
  /** Forgets every answer with this claim, also one that is under way. */
  forgetClaim(name: string, value: string): void;
  clear(): void;
  stats(): { hits: number; misses: number; coalesced: number; stale: number; entries: number };
}

/** The endpoint's own troubles. That it refuses us, or answers nonsense, is not among them. */
const STANDS_IN: ReadonlySet<IntrospectionErrorCode> = new Set([
  'timeout',
  'unreachable',
  'server_error',
  'rate_limited',
  'circuit_open',
]);

/** Early refreshes under way side by side; one more is left to a later hit, so that none waits in line with somebody behind it. */
const MAX_REFRESHES = 8;

/** After an early refresh that failed, none is tried for so long: the endpoint has enough to do. */
const REFRESH_PAUSE_MS = 1000;

/** Memory first, then one flight a key. A hit is returned as a value, without a promise. */
export function withCache(inner: Lookup, settings: CacheSettings): CachedLookup {
  const { store, staleIfErrorMs, refreshAhead, clock, revocations } = settings;
  let hits = 0;
  let misses = 0;
  let stale = 0;
  let refreshing = 0;
  let noRefreshBefore = Number.NEGATIVE_INFINITY;

  const flights = withSingleFlight(inner, { land, canJoin, suits });

  function land(key: string, record: TokenRecord): void {
    // Flights are told apart by when they started; a retry or a slow signature may have asked in another order.
    const kept = store.get(key);
    if (kept !== undefined && kept.askedMonotonic > record.askedMonotonic) return;
    if (revocations?.revokes(key, record)) return;
    if (lifetimeOf(record, settings) > 0 || staleLifetimeOf(record, staleIfErrorMs) > 0) store.set(key, record);
    else store.delete(key);
  }

  /** Whoever joins gets no response that is older than one from memory could be. */
  function canJoin(startedAt: number, { now }: Freshness): boolean {
    const oldest = revocations?.isCurrent() === false ? Math.min(settings.ttlMs, UNCONFIRMED_MS) : settings.ttlMs;
    return now.monotonic - startedAt <= oldest;
  }

  /** The age counts when the request came, because a question of its own would have taken time too. */
  function suits(key: string, record: TokenRecord, freshness: Freshness): boolean {
    return (
      isYoung(record, settings, freshness.now) &&
      isFresh(record, freshness) &&
      revocations?.allows(key, record, freshness.now) !== false
    );
  }

  const lookup: Lookup = (question, freshness) => {
    const { now } = freshness;
    const record = store.get(question.key);
    if (record !== undefined) {
      const left = timeLeft(record, lifetimeOf(record, settings), now);
      if (left > 0) {
        if (isFresh(record, freshness) && revocations?.allows(question.key, record, now) !== false) {
          hits++;
          if (cacheEvents.hasSubscribers) publish('hit', question);
          if (refreshAhead && isDueEarly(record, left, settings)) refresh(question, now);
          return record;
        }
      } else if (!canStandIn(record, now)) {
        store.delete(question.key);
      }
    }
    misses++;
    if (cacheEvents.hasSubscribers) publish(flights.has(question, freshness) ? 'coalesced' : 'miss', question);
    const answer = flights.lookup(question, freshness);
    return staleIfErrorMs > 0 && freshness.askedSince === ANY_AGE
      ? answer.catch((error: unknown) => standIn(question, error))
      : answer;
  };

  function refresh(question: Question, now: Instant): void {
    const freshness: Freshness = { askedSince: now.monotonic, now, background: true };
    if (now.monotonic < noRefreshBefore || refreshing >= MAX_REFRESHES) return;
    if (flights.has(question, { ...freshness, askedSince: ANY_AGE })) return;
    if (cacheEvents.hasSubscribers) publish('refresh', question);
    refreshing++;
    flights
      .lookup(question, freshness)
      .catch(() => {
        noRefreshBefore = clock.monotonic() + REFRESH_PAUSE_MS;
      })
      .finally(() => refreshing--);
  }

  /** Looked up anew: what was invalidated meanwhile, or found inactive, is not there any more. */
  function standIn(question: Question, error: unknown): TokenRecord {
    const record = store.get(question.key);
    const isTrouble = error instanceof IntrospectionError && STANDS_IN.has(error.code);
    const now = readClock(clock);
    if (!isTrouble || record?.active !== true || !canStandIn(record, now)) throw error;
    if (revocations?.allows(question.key, record, now) === false) throw error;
    // Renewed by somebody else meanwhile.
    if (timeLeft(record, lifetimeOf(record, settings), now) > 0) return record;
    stale++;
    if (cacheEvents.hasSubscribers) publish('stale', question);
    return { ...record, stale: true };
  }

  function canStandIn(record: TokenRecord, now: Instant): boolean {
    return timeLeft(record, staleLifetimeOf(record, staleIfErrorMs), now) > 0;
  }

  return {
    lookup,
    forget(key) {
      store.delete(key);
      flights.forget(key);
    },
    forgetClaim(name, value) {
      const applies = (record: TokenRecord) => record.active && record.claims[name] === value;
      store.deleteWhere(applies);
      flights.forgetWhere(applies);
    },
    clear() {
      store.clear();
      flights.forgetAll();
    },
    stats: () => ({ hits, misses, coalesced: flights.coalesced(), stale, entries: store.size }),
  };
}

function publish(outcome: CacheEvent['outcome'], { key }: Question): void {
  const event: CacheEvent = { outcome, tokenDigest: digestOf(key) };
  cacheEvents.publish(event);
}
