import { type Clock, type Instant, readClock } from '../core/clock.js';
import {
  type ActiveRecord,
  ANY_AGE,
  type InactiveRecord,
  type Lookup,
  type LookupOptions,
  type TokenKey,
  type TokenRecord,
} from '../core/lookup.js';
import { tokenDigest } from '../core/token-digest.js';
import { type CacheEvent, cacheEvents, digestOf } from '../diagnostics/channels.js';
import { type Diagnose, diagnoseEarly, type EndpointState } from './early-diagnosis.js';
import {
  isFresh,
  isYoung,
  type Lifetimes,
  lifetimeOf,
  shouldRefreshEarly,
  staleLifetimeOf,
  timeLeft,
} from './lifetimes.js';
import type { MemoryStore } from './memory-store.js';
import { UNCONFIRMED_MS } from './shared/revocation-log.js';
import type { RevocableClaim, Revocations } from './shared/revocations.js';
import { withSingleFlight } from './single-flight.js';

export interface MemoryCacheOptions extends Lifetimes {
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
export function withMemoryCache(inner: Lookup, settings: MemoryCacheOptions): CachedLookup {
  const { store, staleIfErrorMs, diagnose, refreshAhead, timeoutMs, clock, revocations } = settings;
  let hits = 0;
  let misses = 0;
  let stale = 0;
  let refreshing = 0;
  let noRefreshBefore = Number.NEGATIVE_INFINITY;

  const flights = withSingleFlight(inner, { clock, timeoutMs, onResult: onResult, canJoin, isUsable: suits });

  function onResult({ token, digest: key }: TokenKey, record: TokenRecord): void {
    // Flights are told apart by when they started; a retry or a slow signature may have asked in another order.
    const kept = store.get(key);
    if (kept !== undefined && kept.askedMonotonic > record.askedMonotonic) return;
    if (revocations?.revokes(key, record)) return;
    if (!record.active && kept?.active && isUnexpired(kept, readClock(clock))) {
      onRevoked(key, record, kept.claims.jti);
      return;
    }
    if (lifetimeOf(record, settings) > 0 || staleLifetimeOf(record, staleIfErrorMs) > 0)
      store.set(key, record, unpaddedKeyOf(token, key));
    else store.delete(key);
  }

  /** The token was revoked: its other spellings, which have the same `jti`, are forgotten too. */
  function onRevoked(key: string, record: InactiveRecord, jti: string | undefined): void {
    if (jti !== undefined) forgetClaim('jti', jti);
    if (settings.inactiveTtlMs > 0) store.set(key, { ...record, jti });
    else store.delete(key);
  }

  function forgetClaim(name: RevocableClaim, value: string): void {
    store.deleteClaim(name, value);
    flights.forgetWhere((record) => record.active && record.claims[name] === value);
  }

  /** Whoever joins gets no response that is older than one from memory could be. */
  function canJoin(startedAt: number, { now }: LookupOptions): boolean {
    const oldest = revocations?.isCurrent() === false ? Math.min(settings.ttlMs, UNCONFIRMED_MS) : settings.ttlMs;
    return now.monotonic - startedAt <= oldest;
  }

  /** The age counts when the request came, because a tokenKey of its own would have taken time too. */
  function suits(key: string, record: TokenRecord, options: LookupOptions): boolean {
    return (
      isYoung(record, settings, options.now) &&
      isFresh(record, options) &&
      revocations?.allows(key, record, options.now) !== false
    );
  }

  const lookup: Lookup = (tokenKey, options) => {
    const { now } = options;
    const record = store.get(tokenKey.digest);
    if (record !== undefined) {
      const left = timeLeft(record, lifetimeOf(record, settings), now);
      if (left > 0) {
        if (isFresh(record, options) && revocations?.allows(tokenKey.digest, record, now) !== false) {
          hits++;
          if (cacheEvents.hasSubscribers) publish('hit', tokenKey);
          if (refreshAhead && shouldRefreshEarly(record, left, settings)) refresh(tokenKey, now);
          return record;
        }
      } else if (!record.active) {
        // An active record stays: its token is known, and does not wait behind unknown ones.
        store.delete(tokenKey.digest);
      }
    }
    misses++;
    if (record?.active && isUnexpired(record, now)) return ask(tokenKey, { ...options, isKnown: true });
    return ask(tokenKey, options);
  };

  function ask(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const joins = flights.has(tokenKey, options);
    // It throws at once for a malformed token, so nothing is published about that.
    const answer = flights.lookup(tokenKey, options);
    if (cacheEvents.hasSubscribers) publish(joins ? 'coalesced' : 'miss', tokenKey);
    return staleIfErrorMs > 0 && options.notBefore === ANY_AGE ? orStaleResponse(answer, tokenKey, options) : answer;
  }

  function refresh(tokenKey: TokenKey, now: Instant): void {
    const options: LookupOptions = { notBefore: now.monotonic, now, background: true, isKnown: true };
    if (now.monotonic < noRefreshBefore || refreshing >= MAX_REFRESHES) return;
    if (flights.has(tokenKey, { ...options, notBefore: ANY_AGE })) return;
    if (cacheEvents.hasSubscribers) publish('refresh', tokenKey);
    refreshing++;
    flights
      .lookup(tokenKey, options)
      .catch(() => {
        noRefreshBefore = clock.monotonic() + REFRESH_PAUSE_MS;
      })
      .finally(() => refreshing--);
  }

  function orStaleResponse(
    answer: Promise<TokenRecord>,
    tokenKey: TokenKey,
    options: LookupOptions,
  ): Promise<TokenRecord> {
    if (!hasStaleRecord(tokenKey)) return answer;
    const diagnoseError = diagnoseEarly(answer, timeoutMs / 2, diagnose);
    return answer.catch(async (error: unknown) => staleResponse(tokenKey, options, error, await diagnoseError(error)));
  }

  /** The stale response, if there is one and the endpoint is down. A record that was invalidated meanwhile is gone by then. */
  async function staleResponse(
    tokenKey: TokenKey,
    options: LookupOptions,
    error: unknown,
    endpoint: EndpointState,
  ): Promise<TokenRecord> {
    // It may have failed for a moment only. If it fails for this token again, the token is to blame.
    if (endpoint === 'up') return flights.lookup(tokenKey, options);
    if (endpoint !== 'down') throw error;
    const record = store.get(tokenKey.digest);
    const now = readClock(clock);
    if (record?.active !== true || !isUsableStale(record, now)) throw error;
    if (revocations?.allows(tokenKey.digest, record, now) === false) throw error;
    // Renewed by somebody else meanwhile.
    if (timeLeft(record, lifetimeOf(record, settings), now) > 0) return record;
    stale++;
    if (cacheEvents.hasSubscribers) publish('stale', tokenKey);
    return { ...record, stale: true };
  }

  function hasStaleRecord({ digest: key }: TokenKey): boolean {
    const record = store.get(key);
    return record?.active === true && isUsableStale(record, readClock(clock));
  }

  function isUsableStale(record: TokenRecord, now: Instant): boolean {
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

function publish(outcome: CacheEvent['outcome'], { digest: key }: TokenKey): void {
  const event: CacheEvent = { outcome, tokenDigest: digestOf(key) };
  cacheEvents.publish(event);
}
