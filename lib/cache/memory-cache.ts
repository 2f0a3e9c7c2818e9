import { type Clock, type Instant, readClock } from '../core/clock.js';
import { AuthError, IntrospectionError } from '../core/errors.js';
import {
  type ActiveRecord,
  ANY_AGE,
  type InactiveRecord,
  type Lookup,
  type LookupOptions,
  type TokenKey,
  type TokenRecord,
} from '../core/lookup.js';
import { requestTimeLeft } from '../core/timeout.js';
import { tokenDigest } from '../core/token-digest.js';
import { type CacheEvent, cacheEvents, digestOf } from '../diagnostics/channels.js';
import { type Diagnose, diagnoseEarly, type EndpointState } from './early-diagnosis.js';
import type { MemoryStore } from './memory-store.js';
import {
  isFresh,
  isYoung,
  type Lifetimes,
  lifetimeOf,
  shouldRefreshEarly,
  staleLifetimeOf,
  timeLeft,
} from './record-lifetimes.js';
import { UNCONFIRMED_MS } from './shared/revocation-log.js';
import type { RevocableClaim, Revocations } from './shared/revocations.js';
import { withSingleFlight } from './single-flight.js';

export interface MemoryCacheOptions extends Lifetimes {
  readonly store: MemoryStore;
  /**
   * How long an active response may be used while the endpoint is down, in milliseconds since its introspection request was sent. With `0`,
   * no expired response is used.
   */
  readonly staleIfErrorMs: number;
  /** Finds out, after a lookup has failed, whether the endpoint is down, or is up and has failed only for this token. */
  readonly diagnose: Diagnose;
  readonly refreshAhead: boolean;
  /** Begins a lookup after a cache miss, by calling `lookUp`. Throws if no lookup may begin, because the introspector is closed. */
  readonly beginMiss: (lookUp: () => Promise<TokenRecord>) => Promise<TokenRecord>;
  /** Time limit of a request, in milliseconds since it arrived. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Revocations by all processes that share a store; `undefined` if the option `cache.store` is not set. */
  readonly revocations: Pick<Revocations, 'allows' | 'revokes' | 'isCurrent'> | undefined;
}

export interface CachedLookup {
  readonly lookup: Lookup;
  /** Returns the record of a token that is in memory, even if it has expired; `undefined` if there is none. */
  peek(digest: string): TokenRecord | undefined;
  /**
   * Removes the record of a token from memory. Returns the responses of the pending lookups of this token. These responses will not be
   * cached.
   */
  forget(digest: string): readonly Promise<TokenRecord>[];
  /**
   * Removes every active record with this claim value from memory. Pending lookups continue, but a response with this claim value will not
   * be cached.
   */
  forgetClaim(name: RevocableClaim, value: string): void;
  close(): void;
  stats(): { hits: number; misses: number; coalesced: number; stale: number; entries: number };
}

/**
 * Maximum number of early refreshes that run at the same time. With more, refreshes would wait in the queue for the endpoint, ahead of
 * requests. While this number of refreshes is running, a cache hit starts no early refresh. A later hit may start it.
 */
const MAX_REFRESHES = 8;

/** After an early refresh has failed, no early refresh starts for this many milliseconds, because the endpoint may be overloaded. */
const REFRESH_PAUSE_MS = 1000;

/**
 * Wraps `inner` in a cache in memory. A lookup first looks in memory, and returns a cache hit as a value, without a promise. After a miss,
 * it joins a pending lookup of the same token, or starts `inner`.
 */
export function withMemoryCache(inner: Lookup, settings: MemoryCacheOptions): CachedLookup {
  const { store, staleIfErrorMs, diagnose, refreshAhead, timeoutMs, clock, revocations, beginMiss } = settings;
  let hits = 0;
  let misses = 0;
  let stale = 0;
  let refreshing = 0;
  let noRefreshBefore = Number.NEGATIVE_INFINITY;
  let isClosed = false;

  const singleFlight = withSingleFlight(inner, { clock, timeoutMs, onResult, canJoin, isUsable });

  function onResult({ token, digest }: TokenKey, record: TokenRecord): void {
    if (isClosed) return;
    // Ignores a response that was requested before the cached one. Single flight orders lookups only by their start, but retries and
    // slow signatures can send the requests in another order.
    const cached = store.get(digest);
    if (cached !== undefined && cached.askedMonotonic > record.askedMonotonic) return;
    if (revocations?.revokes(digest, record)) return;
    if (!record.active && cached?.active && isUnexpired(cached, readClock(clock))) {
      onRevoked(digest, record, cached.claims.jti);
      return;
    }
    if (lifetimeOf(record, settings) > 0 || staleLifetimeOf(record, staleIfErrorMs) > 0)
      store.set(digest, record, unpaddedDigestOf(token, digest));
    else store.delete(digest);
  }

  /**
   * Handles the inactive response for a token whose cached record is active and unexpired: the token was revoked. Records of other
   * spellings of the token have the same `jti`, so they are removed too.
   */
  function onRevoked(digest: string, record: InactiveRecord, jti: string | undefined): void {
    if (jti !== undefined) forgetClaim('jti', jti);
    if (settings.inactiveTtlMs > 0) store.set(digest, { ...record, jti });
    else store.delete(digest);
  }

  function forgetClaim(name: RevocableClaim, value: string): void {
    store.deleteClaim(name, value);
    singleFlight.forgetWhere((record) => record.active && record.claims[name] === value);
  }

  /**
   * Whether a request may join a pending lookup: the lookup started at most `ttlMs` before the request arrived. So the request gets no
   * response that is older than a cached response may be. While the revocation log cannot be read, the limit is 5 seconds if `ttlMs` is
   * longer.
   */
  function canJoin(startedAt: number, { now }: LookupOptions): boolean {
    const maxAgeMs = revocations?.isCurrent() === false ? Math.min(settings.ttlMs, UNCONFIRMED_MS) : settings.ttlMs;
    return now.monotonic - startedAt <= maxAgeMs;
  }

  /**
   * Whether a request may use the response of a lookup that it joined. The age of the response is measured at the time when the request
   * arrived, so the time that the request waited for the response is not counted.
   */
  function isUsable(digest: string, record: TokenRecord, options: LookupOptions): boolean {
    return (
      isYoung(record, settings, options.now) &&
      isFresh(record, options) &&
      revocations?.allows(digest, record, options.now) !== false
    );
  }

  const lookup: Lookup = (tokenKey, options) => {
    const { now } = options;
    const record = store.get(tokenKey.digest);
    if (record !== undefined) {
      const leftMs = timeLeft(record, lifetimeOf(record, settings), now);
      if (leftMs > 0) {
        if (isFresh(record, options) && revocations?.allows(tokenKey.digest, record, now) !== false) {
          hits++;
          if (cacheEvents.hasSubscribers) publish('hit', tokenKey);
          if (refreshAhead && shouldRefreshEarly(record, leftMs, settings)) refresh(tokenKey, now);
          return record;
        }
      } else if (!record.active) {
        // Only inactive records are deleted. An expired active record shows that the token is known: then the lookup of the token does
        // not wait behind unknown tokens.
        store.delete(tokenKey.digest);
      }
    }
    return miss(tokenKey, options, record);
  };

  function miss(tokenKey: TokenKey, options: LookupOptions, expired: TokenRecord | undefined): Promise<TokenRecord> {
    misses++;
    const isKnown = options.isKnown || (expired?.active === true && isUnexpired(expired, options.now));
    return beginMiss(() => lookUp(tokenKey, { ...options, isKnown }));
  }

  function lookUp(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    const isCoalesced = singleFlight.has(tokenKey, options);
    // This call throws at once for a malformed token, so no event is published for that token.
    const response = singleFlight.lookup(tokenKey, options);
    if (cacheEvents.hasSubscribers) publish(isCoalesced ? 'coalesced' : 'miss', tokenKey);
    return options.notBefore === ANY_AGE ? withStaleIfError(response, tokenKey, options) : response;
  }

  function refresh(tokenKey: TokenKey, now: Instant): void {
    const options: LookupOptions = { notBefore: now.monotonic, now, background: true, isKnown: true };
    if (now.monotonic < noRefreshBefore || refreshing >= MAX_REFRESHES) return;
    if (singleFlight.has(tokenKey, { ...options, notBefore: ANY_AGE })) return;
    if (cacheEvents.hasSubscribers) publish('refresh', tokenKey);
    refreshing++;
    singleFlight
      .lookup(tokenKey, options)
      .catch((error: unknown) => {
        // The rejection of a precheck says nothing about the endpoint.
        if (!(error instanceof AuthError)) noRefreshBefore = clock.monotonic() + REFRESH_PAUSE_MS;
      })
      .finally(() => refreshing--);
  }

  function withStaleIfError(
    response: Promise<TokenRecord>,
    tokenKey: TokenKey,
    options: LookupOptions,
  ): Promise<TokenRecord> {
    if (!hasStaleRecord(tokenKey)) return response;
    const timeLeftMs = () => requestTimeLeft(timeoutMs, options.now, clock);
    const diagnoseError = diagnoseEarly(response, { afterMs: timeoutMs / 2, timeLeftMs, diagnose });
    return response.catch(async (error: unknown) => {
      if (isFromPrecheck(error)) throw error;
      return staleResponse(tokenKey, options, error, await diagnoseError(error));
    });
  }

  /**
   * Handles the error of a lookup. If the endpoint is down, resolves to the stale response. If the endpoint is up, looks up the token once
   * more.
   *
   * @throws the error of the lookup in two cases: it is not known whether the endpoint is down, or no stale response may be used. For
   * example, the record may have been invalidated meanwhile
   */
  async function staleResponse(
    tokenKey: TokenKey,
    options: LookupOptions,
    error: unknown,
    endpoint: EndpointState,
  ): Promise<TokenRecord> {
    // The endpoint is up, so the first failure may have been temporary. If the second lookup fails too, the request gets that error.
    if (endpoint === 'up') return singleFlight.lookup(tokenKey, options);
    if (endpoint !== 'down') throw error;
    const record = store.get(tokenKey.digest);
    const now = readClock(clock);
    if (record?.active !== true || !isUsableStale(record, now)) throw error;
    if (revocations?.allows(tokenKey.digest, record, now) === false) throw error;
    // Another lookup has stored a new record meanwhile, so this record is not stale.
    if (timeLeft(record, lifetimeOf(record, settings), now) > 0) return record;
    stale++;
    if (cacheEvents.hasSubscribers) publish('stale', tokenKey);
    return { ...record, stale: true };
  }

  function hasStaleRecord({ digest }: TokenKey): boolean {
    const record = store.get(digest);
    return record?.active === true && isUsableStale(record, readClock(clock));
  }

  function isUsableStale(record: TokenRecord, now: Instant): boolean {
    return timeLeft(record, staleLifetimeOf(record, staleIfErrorMs), now) > 0;
  }

  return {
    lookup,
    peek: store.get,
    forget(digest) {
      store.delete(digest);
      return singleFlight.forget(digest);
    },
    forgetClaim,
    close() {
      isClosed = true;
      store.clear();
      singleFlight.forgetAll();
    },
    stats: () => ({ hits, misses, coalesced: singleFlight.coalesced(), stale, entries: store.size }),
  };
}

/**
 * Whether a precheck caused the error. Such an error says nothing about the endpoint, so no stale response may be used, even while the
 * circuit breaker is open.
 */
function isFromPrecheck(error: unknown): boolean {
  return error instanceof AuthError || (error instanceof IntrospectionError && error.code === 'precheck_failed');
}

/** Whether the token of a record has not expired: `exp` is in the future or absent. */
function isUnexpired({ claims: { exp } }: ActiveRecord, { at }: Instant): boolean {
  return exp === undefined || at < exp * 1000;
}

/**
 * Returns the digest of the token without its padding, which is every `=` at its end. Lenient servers ignore the padding, so a client can
 * send one token in many spellings, and RFC 6750 allows all of them.
 */
function unpaddedDigestOf(token: string, digest: string): string {
  return token.endsWith('=') ? tokenDigest(token.replace(/=+$/, '')) : digest;
}

function publish(outcome: CacheEvent['outcome'], { digest }: TokenKey): void {
  const event: CacheEvent = { outcome, tokenDigest: digestOf(digest) };
  cacheEvents.publish(event);
}
