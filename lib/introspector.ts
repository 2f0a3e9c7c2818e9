import { introspectorId } from './cache/introspector-id.js';
import { createInvalidationEvents, type InvalidationEvents } from './cache/invalidation-events.js';
import { type CachedLookup, withMemoryCache } from './cache/memory-cache.js';
import { createMemoryStore } from './cache/memory-store.js';
import { createSharedCache, type SharedCache } from './cache/shared/fleet.js';
import type { RevocableClaim } from './cache/shared/revocations.js';
import type { Clock } from './core/clock.js';
import { IntrospectionError } from './core/errors.js';
import type { Lookup, TokenKey, TokenRecord } from './core/lookup.js';
import { createPendingWork } from './core/pending-work.js';
import { requireB64Token } from './credentials/token.js';
import { createRejectionWatches, type RejectionWatch } from './diagnostics/rejection-watch.js';
import { createIntrospectionClient, type IntrospectionClient } from './introspection/client.js';
import { toRecord } from './introspection/response.js';
import { type ConfigurationReport, verifyConfiguration } from './introspection/verify-configuration.js';
import type { IntrospectorSettings, MemoryCacheSettings } from './options/settings.js';

/** Counted since the middleware was created, over everything derived from it. */
export interface Stats {
  /** Requests answered from memory. */
  readonly hits: number;
  /** Requests that were not; some of them were coalesced. */
  readonly misses: number;
  /** Requests that joined a call under way instead of making their own. */
  readonly coalesced: number;
  /** Requests answered from memory past its life, since the endpoint failed. */
  readonly stale: number;
  /** Times the endpoint was asked, retries included. */
  readonly endpointCalls: number;
  /** Records in memory now, expired ones included until they are replaced or evicted. */
  readonly entries: number;
}

/** What all middlewares derived from one another share: client, cache and flights. */
export interface Introspector {
  /** Who is asked, as a digest. */
  readonly id: string;
  /** @throws IntrospectionError `closed` */
  requireOpen(): void;
  readonly lookup: Lookup;
  /** How long an active answer may be used, in milliseconds; none is kept where it is 0. */
  readonly lifeMs: number;
  /** How long it may stand in. */
  readonly staleLifeMs: number;
  /**
   * Tells when an answer is not to be relied on any longer; returns how to stop that.
   *
   * @throws IntrospectionError `closed`
   */
  readonly watch: InvalidationEvents['watch'];
  /**
   * Forgets a token, and every token whose record has the same `jti`: an authorization server may take one token in several
   * spellings. At once here, and everywhere once the promise has ended.
   *
   * @throws whatever the store fails with
   */
  forget(token: TokenKey): Promise<void>;
  /** The same for every token with this claim. */
  forgetClaim(name: RevocableClaim, value: string): Promise<void>;
  stats(): Stats;
  /** Watches whether a middleware refuses every token. */
  watchRefusals(): RejectionWatch;
  verifyConfiguration(): Promise<ConfigurationReport>;
  close(): Promise<void>;
}

export function createIntrospector(settings: IntrospectorSettings): Introspector {
  const authority = introspectorId(settings);
  const client = createIntrospectionClient(settings);
  const fleet = fleetOf(client, settings, authority);
  const inner = fleet?.lookup ?? client.lookup;
  const cached =
    settings.cache === false
      ? uncached(ask)
      : cachedInMemory(ask, settings.cache, settings.clock, { ...settings, diagnose: client.diagnose }, fleet);
  const watches = createInvalidationEvents(fleet?.revocations, (key, record) => cached.peek(key) === record);
  const { ttlMs = 0, staleIfErrorMs = 0 } = settings.cache || {};
  const refusals = createRejectionWatches({
    monotonic: () => settings.clock.monotonic(),
    wasAnyActive: client.wasAnyActive,
  });
  const underWay = createPendingWork();
  let closing: Promise<void> | undefined;

  /**
   * Refuses malformed tokens, before anything is asked, cached or published about them. A token that is found in memory was looked
   * up once, so it is well-formed.
   */
  function ask(...[tokenKey, options]: Parameters<Lookup>): ReturnType<Lookup> {
    requireB64Token(tokenKey.token);
    return underWay.add(watches.note(() => inner(tokenKey, options)));
  }

  function forgetClaimHere(name: RevocableClaim, value: string): void {
    cached.forgetClaim(name, value);
    watches.forgetClaim(name, value);
  }

  async function forgetClaim(name: RevocableClaim, value: string): Promise<void> {
    forgetClaimHere(name, value);
    await fleet?.revocations.revoke(name, value);
  }

  async function forgetJti(jti: string | undefined): Promise<void> {
    if (jti !== undefined) await forgetClaim('jti', jti);
  }

  function requireOpen(): void {
    if (closing !== undefined) throw new IntrospectionError('closed');
  }

  return {
    id: authority,
    requireOpen,
    lookup(tokenKey, options) {
      requireOpen();
      const found = cached.lookup(tokenKey, options);
      // Closing waits for it, also while it waits for another tokenKey about the same token.
      return found instanceof Promise ? underWay.add(found) : found;
    },
    lifeMs: ttlMs,
    staleLifeMs: staleIfErrorMs,
    watch(...watched) {
      requireOpen();
      return watches.watch(...watched);
    },
    async forget(token) {
      const known = jtiOf(cached.peek(token.digest));
      const underWayNow = cached.forget(token.digest);
      watches.forget(token.digest);
      if (known !== undefined) forgetClaimHere('jti', known);
      for (const answer of underWayNow) {
        // Nobody knows yet what it will say of the token.
        answer.then((record) => forgetJti(jtiOf(record))).catch(() => {});
      }
      if (fleet === undefined) return;
      const { peek, revocations } = fleet;
      await Promise.all([
        revocations.revoke('token', token.digest),
        known === undefined ? peek(token).then((record) => forgetJti(jtiOf(record))) : revocations.revoke('jti', known),
      ]);
    },
    forgetClaim,
    stats: () => ({ ...cached.stats(), endpointCalls: client.calls() }),
    watchRefusals: refusals.create,
    async verifyConfiguration() {
      requireOpen();
      return verifyConfiguration(client, settings.clientAuth, settings.clock);
    },
    close() {
      closing ??= end();
      return closing;
    },
  };

  /** Requests under way are answered first, also those that wait for another process. */
  async function end(): Promise<void> {
    watches.close();
    refusals.close();
    await underWay.idle();
    cached.clear();
    await Promise.all([client.close(), fleet?.revocations.close()]);
  }
}

function fleetOf(
  client: IntrospectionClient,
  settings: IntrospectorSettings,
  authority: string,
): SharedCache | undefined {
  const { cache, timeoutMs, clock } = settings;
  if (cache === false || cache.shared === undefined) return undefined;
  const { assertCallAllowed } = client;
  return createSharedCache(client.lookup, {
    ...{ ...cache, shared: cache.shared, authority, timeoutMs, clock, assertCallAllowed },
    restore: toRecord,
  });
}

function cachedInMemory(
  inner: Lookup,
  cache: MemoryCacheSettings,
  clock: Clock,
  { diagnose, timeoutMs }: Pick<IntrospectionClient, 'diagnose'> & { readonly timeoutMs: number },
  fleet: SharedCache | undefined,
): CachedLookup {
  const store = createMemoryStore(cache.maxEntries, cache.maxBytes);
  return withMemoryCache(inner, { ...cache, clock, store, diagnose, timeoutMs, revocations: fleet?.revocations });
}

function jtiOf(record: TokenRecord | undefined): string | undefined {
  return record?.active ? record.claims.jti : record?.jti;
}

function uncached(inner: Lookup): CachedLookup {
  let misses = 0;
  return {
    lookup(tokenKey, options) {
      misses++;
      return inner(tokenKey, options);
    },
    peek: () => undefined,
    forget: () => [],
    forgetClaim() {},
    clear() {},
    stats: () => ({ hits: 0, misses, coalesced: 0, stale: 0, entries: 0 }),
  };
}
