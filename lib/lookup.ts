import { authorityOf } from './cache/key.js';
import { createMemoryStore } from './cache/memory-store.js';
import type { Lifetimes } from './cache/policy.js';
import type { RevocableClaim } from './cache/shared/revocations.js';
import { createTokenWatches, type TokenWatches } from './cache/watch-tokens.js';
import { type CachedLookup, withCache } from './cache/with-cache.js';
import { requireB64Token } from './credentials/token.js';
import { IntrospectionError } from './errors.js';
import { createFleet, type Fleet, type SharedSettings } from './fleet.js';
import {
  createIntrospectionClient,
  type IntrospectionClient,
  type IntrospectionClientSettings,
} from './introspection/client.js';
import type { Clock, Lookup } from './types.js';
import { createUnderWay } from './under-way.js';
import { type ConfigurationReport, verifyConfiguration } from './verify-configuration.js';

export interface MemoryCacheSettings extends Lifetimes {
  readonly maxEntries: number;
  readonly staleIfErrorMs: number;
  readonly refreshAhead: boolean;
  readonly shared: SharedSettings | undefined;
}

export interface LookupSettings extends IntrospectionClientSettings {
  /** `false`: every request asks on its own, and nothing is shared, not even a flight. */
  readonly cache: MemoryCacheSettings | false;
}

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
  /** Answers in memory now. */
  readonly entries: number;
}

/** What all middlewares derived from one another share: client, cache and flights. */
export interface SharedLookup {
  /** Who is asked, as a digest. */
  readonly authority: string;
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
  readonly watch: TokenWatches['watch'];
  /**
   * Forgets a token: at once here, and once the promise has ended everywhere.
   *
   * @throws whatever the store fails with
   */
  forget(key: string): Promise<void>;
  /** The same for every token with this claim. */
  forgetClaim(name: RevocableClaim, value: string): Promise<void>;
  stats(): Stats;
  verifyConfiguration(): Promise<ConfigurationReport>;
  close(): Promise<void>;
}

export function createSharedLookup(settings: LookupSettings): SharedLookup {
  const authority = authorityOf(settings);
  const client = createIntrospectionClient(settings);
  const fleet = fleetOf(client, settings, authority);
  const inner = fleet?.lookup ?? client.lookup;
  const cached = settings.cache === false ? uncached(ask) : cachedInMemory(ask, settings.cache, settings.clock, fleet);
  const watches = createTokenWatches(fleet?.revocations);
  const { ttlMs = 0, staleIfErrorMs = 0 } = settings.cache || {};
  const underWay = createUnderWay();
  let closing: Promise<void> | undefined;

  /** Nothing malformed leaves the process, not even as what a key is made of. */
  function ask(...[question, freshness]: Parameters<Lookup>): ReturnType<Lookup> {
    requireB64Token(question.token);
    const answer = inner(question, freshness);
    return answer instanceof Promise ? underWay.add(answer) : answer;
  }

  function requireOpen(): void {
    if (closing !== undefined) throw new IntrospectionError('closed');
  }

  return {
    authority,
    requireOpen,
    lookup(question, freshness) {
      requireOpen();
      return cached.lookup(question, freshness);
    },
    lifeMs: ttlMs,
    staleLifeMs: staleIfErrorMs,
    watch(...watched) {
      requireOpen();
      return watches.watch(...watched);
    },
    async forget(key) {
      cached.forget(key);
      watches.forget(key);
      await fleet?.revocations.revoke('token', key);
    },
    async forgetClaim(name, value) {
      cached.forgetClaim(name, value);
      watches.forgetClaim(name, value);
      await fleet?.revocations.revoke(name, value);
    },
    stats: () => ({ ...cached.stats(), endpointCalls: client.calls() }),
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
    await underWay.idle();
    cached.clear();
    await Promise.all([client.close(), fleet?.revocations.close()]);
  }
}

function fleetOf(client: IntrospectionClient, settings: LookupSettings, authority: string): Fleet | undefined {
  const { cache, timeoutMs, clock } = settings;
  if (cache === false || cache.shared === undefined) return undefined;
  const { requireAdmission } = client;
  return createFleet(client.lookup, { ...cache, shared: cache.shared, authority, timeoutMs, clock, requireAdmission });
}

function cachedInMemory(
  inner: Lookup,
  cache: MemoryCacheSettings,
  clock: Clock,
  fleet: Fleet | undefined,
): CachedLookup {
  const store = createMemoryStore(cache.maxEntries);
  return withCache(inner, { ...cache, clock, store, revocations: fleet?.revocations });
}

function uncached(inner: Lookup): CachedLookup {
  let misses = 0;
  return {
    lookup(question, freshness) {
      misses++;
      return inner(question, freshness);
    },
    forget() {},
    forgetClaim() {},
    clear() {},
    stats: () => ({ hits: 0, misses, coalesced: 0, stale: 0, entries: 0 }),
  };
}
