import { type Clock, type Instant, readClock } from '../core/clock.js';
import {
  type ActiveRecord,
  ANY_AGE,
  type Freshness,
  type InactiveRecord,
  type Lookup,
  type Question,
  type TokenRecord,
} from '../core/lookup.js';
import { tokenDigest } from '../core/token-digest.js';
import { type CacheEvent, cacheEvents, digestOf } from '../diagnostics/channels.js';
import { type Diagnose, diagnoseEarly, type EndpointState } from './early-diagnosis.js';
import { isDueEarly, isFresh, isYoung, type Lifetimes, lifetimeOf, staleLifetimeOf, timeLeft } from './lifetimes.js';
import type { MemoryStore } from './memory-store.js';
import { UNCONFIRMED_MS } from './shared/revocation-log.js';
import type { RevocableClaim, Revocations } from './shared/revocations.js';
import { withSingleFlight } from './single-flight.js';

export interface CacheSettings extends Lifetimes {
  readonly store: MemoryStore;
  /** `0`: an answer past its life is never used. */
  readonly staleIfErrorMs: number;
  /** Whether an error of a lookup means that the endpoint is down, or only that it failed for this token. */
  readonly diagnose: Diagnose;
  readonly refreshAhead: boolean;
  /** Deadline of a request, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Of the whole fleet, where there is a shared cache. */
  readonly revocations: Pick<Revocations, 'allows' | 'revokes' | 'isCurrent'> | undefined;
}

export interface CachedLookup {
  readonly lookup: Lookup;
  /** What is kept about a token, however old it is. */
  peek(key: string): TokenRecord | undefined;
  /** Returns the responses that are under way. They are not kept. */
  forget(key: string): readonly Promise<TokenRecord>[];
  /** Forgets every response with this claim, also one that is under way. */
  forgetClaim(name: RevocableClaim, value: string): void;
  clear(): void;
  stats(): { hits: number; misses: number; coalesced: number; stale: number; entries: number };
}

/** Early refreshes under way side by side; one more is left to a later hit, so that none waits in line with somebody behind it. */
const MAX_REFRESHES = 8;

/** After an early refresh that failed, none is tried for so long: the endpoint has enough to do. */
const REFRESH_PAUSE_MS = 1000;

/** Memory first, then one flight a key. A hit is returned as a value, without a promise. */
export function withCache(inner: Lookup, settings: CacheSettings): CachedLookup {
  const { store, staleIfErrorMs, diagnose, refreshAhead, timeoutMs, clock, revocations } = settings;
  let hits = 0;
  let misses = 0;
  let stale = 0;
  let refreshing = 0;
  let noRefreshBefore = Number.NEGATIVE_INFINITY;

  const flights = withSingleFlight(inner, { clock, timeoutMs, land, canJoin, suits });

  function land({ token, key }: Question, record: TokenRecord): void {
    // Flights are told apart by when they started; a retry or a slow signature may have asked in another order.
    const kept = store.get(key);
    if (kept !== undefined && kept.askedMonotonic > record.askedMonotonic) return;
    if (revocations?.revokes(key, record)) return;
    if (!record.active && kept?.active && isUnexpired(kept, readClock(clock))) {
      landRevoked(key, record, kept.claims.jti);
      return;
    }
    if (lifetimeOf(record, settings) > 0 || staleLifetimeOf(record, staleIfErrorMs) > 0)
      store.set(key, record, unpaddedKeyOf(token, key));
    else store.delete(key);
  }

  /** The token was revoked: its other spellings, which have the same `jti`, are forgotten too. */
  function landRevoked(key: string, record: InactiveRecord, jti: string | undefined): void {
    if (jti !== undefined) forgetClaim('jti', jti);
    if (settings.inactiveTtlMs > 0) store.set(key, { ...record, jti });
    else store.delete(key);
  }

  function forgetClaim(name: RevocableClaim, value: string): void {
    store.deleteClaim(name, value);
    flights.forgetWhere((record) => record.active && record.claims[name] === value);
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
      } else if (!record.active) {
        // An active record stays: its token is known, and does not wait behind unknown ones.
        store.delete(question.key);
      }
    }
    misses++;
    if (record?.active && isUnexpired(record, now)) return ask(question, { ...freshness, isKnown: true });
    return ask(question, freshness);
  };

  function ask(question: Question, freshness: Freshness): Promise<TokenRecord> {
    const joins = flights.has(question, freshness);
    // It throws at once for a malformed token, so nothing is published about that.
    const answer = flights.lookup(question, freshness);
    if (cacheEvents.hasSubscribers) publish(joins ? 'coalesced' : 'miss', question);
    return staleIfErrorMs > 0 && freshness.askedSince === ANY_AGE ? orStale(answer, question, freshness) : answer;
  }

  function refresh(question: Question, now: Instant): void {
    const freshness: Freshness = { askedSince: now.monotonic, now, background: true, isKnown: true };
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

  function orStale(answer: Promise<TokenRecord>, question: Question, freshness: Freshness): Promise<TokenRecord> {
    if (!hasStaleRecord(question)) return answer;
    const diagnoseError = diagnoseEarly(answer, timeoutMs / 2, diagnose);
    return answer.catch(async (error: unknown) => standIn(question, freshness, error, await diagnoseError(error)));
  }

  /** The stale response, if there is one and the endpoint is down. A record that was invalidated meanwhile is gone by then. */
  async function standIn(
    question: Question,
    freshness: Freshness,
    error: unknown,
    endpoint: EndpointState,
  ): Promise<TokenRecord> {
    // It may have failed for a moment only. If it fails for this token again, the token is to blame.
    if (endpoint === 'up') return flights.lookup(question, freshness);
    if (endpoint !== 'down') throw error;
    const record = store.get(question.key);
    const now = readClock(clock);
    if (record?.active !== true || !canStandIn(record, now)) throw error;
    if (revocations?.allows(question.key, record, now) === false) throw error;
    // Renewed by somebody else meanwhile.
    if (timeLeft(record, lifetimeOf(record, settings), now) > 0) return record;
    stale++;
    if (cacheEvents.hasSubscribers) publish('stale', question);
    return { ...record, stale: true };
  }

  function hasStaleRecord({ key }: Question): boolean {
    const record = store.get(key);
    return record?.active === true && canStandIn(record, readClock(clock));
  }

  function canStandIn(record: TokenRecord, now: Instant): boolean {
    return timeLeft(record, staleLifetimeOf(record, staleIfErrorMs), now) > 0;
  }

  return {
    lookup,
    peek: store.get,
    forget(key) {
      store.delete(key);
      return flights.forget(key);
    },
    forgetClaim,
    clear() {
      store.clear();
      flights.forgetAll();
    },
    stats: () => ({ hits, misses, coalesced: flights.coalesced(), stale, entries: store.size }),
  };
}

/** Whether the token's own `exp` is still to come. */
function isUnexpired({ claims: { exp } }: ActiveRecord, { at }: Instant): boolean {
  return exp === undefined || at < exp * 1000;
}

/** Lenient servers ignore padding, and take one token in as many spellings as somebody likes; RFC 6750 allows any of them. */
function unpaddedKeyOf(token: string, key: string): string {
  return token.endsWith('=') ? tokenDigest(token.replace(/=+$/, '')) : key;
}

function publish(outcome: CacheEvent['outcome'], { key }: Question): void {
  const event: CacheEvent = { outcome, tokenDigest: digestOf(key) };
  cacheEvents.publish(event);
}
