import { introspectorId } from './cache/introspector-id.js';
import { createInvalidator } from './cache/invalidate.js';
import { type Invalidation, parseInvalidation } from './cache/invalidation.js';
import { createInvalidationEvents, type InvalidationEvents } from './cache/invalidation-events.js';
import { type CachedLookup, withMemoryCache } from './cache/memory-cache.js';
import { createMemoryStore } from './cache/memory-store.js';
import { isFresh, recordAge } from './cache/record-lifetimes.js';
import { rememberRejections } from './cache/rejected-tokens.js';
import { createSharedCache, type SharedCache } from './cache/shared/create-shared-cache.js';
import { claimNamespace } from './cache/shared/namespace-owners.js';
import { withoutCache } from './cache/without-cache.js';
import type { Clock } from './core/clock.js';
import { IntrospectionError } from './core/errors.js';
import type { ActiveRecord, Lookup, LookupOptions, TokenKey, TokenRecord } from './core/lookup.js';
import { createPendingWork } from './core/pending-work.js';
import { tokenDigest } from './core/token-digest.js';
import { readToken } from './credentials/read-credentials.js';
import { requireB64Token } from './credentials/token.js';
import { createRejectionWatches, type RejectionWatch } from './diagnostics/rejection-watch.js';
import { createIntrospectionClient, type IntrospectionClient } from './introspection/client.js';
import { withPrecheck } from './introspection/precheck.js';
import { toRecord } from './introspection/response.js';
import { type ConfigurationReport, verifyConfiguration } from './introspection/verify-configuration.js';
import type { IntrospectorSettings, MemoryCacheSettings } from './options/settings.js';
import type { ReplayGuard } from './verification/sender/replay.js';

/** Counts since `tokenIntrospection()` created the middleware. Middlewares that `with()` derived are included. */
export interface Stats {
  /** Number of requests that used a response from memory. */
  readonly hits: number;
  /** Number of requests that found no usable response in memory, including the requests that `coalesced` counts. */
  readonly misses: number;
  /** Number of requests that joined a pending lookup of the same token, instead of causing their own. */
  readonly coalesced: number;
  /** Number of requests that used a stale response because the endpoint failed. */
  readonly stale: number;
  /** Number of attempts to send an introspection request, including retries and probes. */
  readonly endpointCalls: number;
  /** Number of responses in memory at the moment. Expired responses count until they are removed. */
  readonly entries: number;
}

/** One authorization server, with everything that several middlewares share: its client, its caches and its revocation log. */
export interface Introspector {
  /**
   * Digest of the endpoint, the client and the other settings that can change a response. It identifies the introspector in a shared store.
   */
  readonly id: string;
  /** The value of the option `authorizationServer`; `undefined` if the option `endpoint` is set. */
  readonly issuer: string | undefined;
  readonly clock: Clock;
  readonly replay: ReplayGuard;
  /** @throws IntrospectionError `closed` after `close()` was called */
  requireOpen(): void;
  readonly lookup: Lookup;
  /**
   * Whether a request may, without a lookup, use a record again that an earlier middleware of this request has used. `true` only if the
   * record is at most 1 second old, and no process that shares the store has invalidated it. Always `false` if active responses are cached,
   * because then a lookup costs no request, and always `false` after `close()`.
   */
  isReusable(digest: string, record: ActiveRecord, options: LookupOptions): boolean;
  /** How long a cached active response may be used, in milliseconds since its introspection request was sent. 0 without a cache. */
  readonly lifeMs: number;
  /**
   * How long an active response may be used while the endpoint is down, in milliseconds since its introspection request was sent. 0 without
   * a cache.
   */
  readonly staleLifeMs: number;
  /**
   * Adds a watcher. It is called when its token is invalidated, in this process or in another, and when the introspector closes. Returns
   * `true` if the watcher was added. Returns `false` if this process has invalidated the token since the lookup of the watcher's record
   * began.
   *
   * @throws IntrospectionError `closed` after `close()` was called
   */
  readonly watch: InvalidationEvents['watch'];
  readonly unwatch: InvalidationEvents['unwatch'];
  /**
   * Invalidates a token, or every token with a certain claim value. In this process, the invalidation applies at once. With a shared store,
   * the promise resolves when the invalidation is in the store. Other processes apply it when they read it from the store. Invalidating a
   * token also invalidates every token whose record has the same `jti`, because servers may accept the same token in several spellings.
   *
   * @throws TypeError for an invalid target, AuthError for a text that cannot be a token. If the store fails, the promise rejects with the
   * error of the store
   */
  invalidate(target: Invalidation): Promise<void>;
  stats(): Stats;
  /**
   * Creates the rejection watch of one middleware. It emits a warning when the middleware has accepted no token, and has rejected many for
   * the same reason.
   */
  watchRejections(): RejectionWatch;
  verifyConfiguration(): Promise<ConfigurationReport>;
  /**
   * Tells all watchers that the introspector closes, and lets no new lookup begin. Waits for pending lookups, and then closes the
   * connections. Resolves when they are closed.
   */
  close(): Promise<void>;
}

/**
 * Maximum age of a record, in milliseconds, for a later middleware of the same request to use it again without a lookup. Most requests run
 * all their middlewares within this time.
 */
const REUSE_MS = 1000;

export function createIntrospector(settings: IntrospectorSettings): Introspector {
  const { clock, replay, cache, precheck } = settings;
  const id = introspectorId(settings);
  const releaseNamespace = claimNamespace(settings, id);
  const pending = createPendingWork();
  let closing: Promise<void> | undefined;

  // A token is looked up in memory, then joins a pending lookup of the same token, then in the store. Then the precheck runs, and only then
  // the endpoint is asked.
  const client = createIntrospectionClient(settings);
  const askEndpoint = precheck === undefined ? client.lookup : withPrecheck(client.lookup, { ...settings, precheck });
  const shared = sharedCacheOf(askEndpoint, client, settings, id);
  const lookUpAfterMiss = withRejections(shared?.lookup ?? askEndpoint);
  const cached = cache === false ? withoutCache(startLookup, requireOpen) : cacheInMemory(cache);

  const events = createInvalidationEvents(shared?.revocations, (digest, record) => cached.peek(digest) === record);
  const invalidate = createInvalidator({ cached, events, shared });
  const rejections = createRejectionWatches({ monotonic: () => clock.monotonic(), wasAnyActive: client.wasAnyActive });
  const { ttlMs = 0, staleIfErrorMs = 0 } = cache || {};

  function cacheInMemory(memory: MemoryCacheSettings): CachedLookup {
    const { timeoutMs } = settings;
    const store = createMemoryStore(memory.maxEntries, memory.maxBytes);
    const { diagnose } = client;
    const revocations = shared?.revocations;
    return withMemoryCache(startLookup, { ...memory, clock, store, diagnose, timeoutMs, beginMiss, revocations });
  }

  /**
   * Begins a lookup for a token that has no usable record in memory. `close()` waits for this lookup, also while the lookup only waits for
   * another lookup of the same token.
   *
   * @throws IntrospectionError `closed` after `close()` was called
   */
  function beginMiss(lookUp: () => TokenRecord | Promise<TokenRecord>): Promise<TokenRecord> {
    requireOpen();
    return pending.add(Promise.resolve(lookUp()));
  }

  /**
   * Looks up a token in the store or at the endpoint. First requires that the token is well-formed. A token that is found in memory needs
   * no such test, because this function has looked it up before.
   *
   * @throws AuthError for a malformed token, before anything is sent
   */
  function startLookup(tokenKey: TokenKey, options: LookupOptions): Promise<TokenRecord> {
    requireB64Token(tokenKey.token);
    return pending.add(events.note(() => lookUpAfterMiss(tokenKey, options)));
  }

  /** Remembers the rejections of the precheck as long as inactive responses, and as many. */
  function withRejections(inner: Lookup): Lookup {
    if (precheck === undefined || cache === false) return inner;
    const { inactiveTtlMs: ttlMs, maxEntries } = cache;
    return rememberRejections(inner, { monotonic: () => clock.monotonic(), ttlMs, maxEntries });
  }

  function requireOpen(): void {
    if (closing !== undefined) throw new IntrospectionError('closed');
  }

  return {
    id,
    issuer: settings.location.endpoint === undefined ? settings.location.issuer : undefined,
    clock,
    replay,
    requireOpen,
    lookup: cached.lookup,
    isReusable: (digest, record, options) =>
      closing === undefined &&
      ttlMs === 0 &&
      recordAge(record, options.now) <= REUSE_MS &&
      isFresh(record, options) &&
      !events.isInvalidated(digest, record) &&
      shared?.revocations.allows(digest, record, options.now) !== false,
    lifeMs: ttlMs,
    staleLifeMs: staleIfErrorMs,
    watch(watcher) {
      requireOpen();
      return events.watch(watcher);
    },
    unwatch: events.unwatch,
    invalidate(target) {
      const { name, value } = parseInvalidation(target);
      return name === 'token' ? invalidate.token(toTokenKey(value)) : invalidate.claim(name, value);
    },
    stats: () => ({ ...cached.stats(), endpointCalls: client.calls() }),
    watchRejections: rejections.create,
    async verifyConfiguration() {
      requireOpen();
      return verifyConfiguration(client, settings.clientAuth, clock);
    },
    close() {
      closing ??= end();
      return closing;
    },
  };

  /**
   * At once, tells all watchers that the introspector closes, and empties the cache. Then waits until all pending lookups have ended,
   * including lookups that wait for the response of another process. Then closes the connections.
   */
  async function end(): Promise<void> {
    events.close();
    rejections.close();
    // After this, memory holds no response, and the responses of running lookups are not cached.
    cached.close();
    await pending.idle();
    await Promise.all([client.close(), shared?.revocations.close()]);
    releaseNamespace();
  }
}

function sharedCacheOf(
  lookup: Lookup,
  { assertCallAllowed }: IntrospectionClient,
  { cache, timeoutMs, clock }: IntrospectorSettings,
  id: string,
): SharedCache | undefined {
  if (cache === false || cache.shared === undefined) return undefined;
  return createSharedCache(lookup, {
    ...cache,
    ...{ shared: cache.shared, introspectorId: id, timeoutMs, clock, assertCallAllowed, restore: toRecord },
  });
}

/**
 * Returns the token with its digest.
 *
 * @throws AuthError for a text that cannot be a token
 */
function toTokenKey(text: string): TokenKey {
  const token = readToken(text);
  requireB64Token(token);
  return { token, digest: tokenDigest(token) };
}
