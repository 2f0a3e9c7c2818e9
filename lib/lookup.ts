import { authorityOf } from './cache/key.js';
import { createMemoryStore } from './cache/memory-store.js';
import type { Lifetimes } from './cache/policy.js';
import { type CachedLookup, withCache } from './cache/with-cache.js';
import { requireB64Token } from './credentials/token.js';
import { IntrospectionError } from './errors.js';
import { createIntrospectionClient, type IntrospectionClientSettings } from './introspection/client.js';
import type { Clock, Lookup } from './types.js';
import { type ConfigurationReport, verifyConfiguration } from './verify-configuration.js';

export interface MemoryCacheSettings extends Lifetimes {
  readonly maxEntries: number;
  readonly staleIfErrorMs: number;
  readonly refreshAhead: boolean;
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
  forget(key: string): void;
  stats(): Stats;
  verifyConfiguration(): Promise<ConfigurationReport>;
  close(): Promise<void>;
}

export function createSharedLookup(settings: LookupSettings): SharedLookup {
  const client = createIntrospectionClient(settings);
  const cached = settings.cache === false ? uncached(ask) : cachedInMemory(ask, settings.cache, settings.clock);
  let closing: Promise<void> | undefined;

  function ask(...[question, freshness]: Parameters<Lookup>): ReturnType<Lookup> {
    requireB64Token(question.token);
    return client.lookup(question, freshness);
  }

  function requireOpen(): void {
    if (closing !== undefined) throw new IntrospectionError('closed');
  }

  return {
    authority: authorityOf(settings),
    requireOpen,
    lookup(question, freshness) {
      requireOpen();
      return cached.lookup(question, freshness);
    },
    forget: cached.forget,
    stats: () => ({ ...cached.stats(), endpointCalls: client.calls() }),
    async verifyConfiguration() {
      requireOpen();
      return verifyConfiguration(client, settings.clientAuth, settings.clock);
    },
    close() {
      closing ??= client.close();
      cached.clear();
      return closing;
    },
  };
}

function cachedInMemory(inner: Lookup, cache: MemoryCacheSettings, clock: Clock): CachedLookup {
  return withCache(inner, { ...cache, clock, store: createMemoryStore(cache.maxEntries) });
}

function uncached(inner: Lookup): CachedLookup {
  let misses = 0;
  return {
    lookup(question, freshness) {
      misses++;
      return inner(question, freshness);
    },
    forget() {},
    clear() {},
    stats: () => ({ hits: 0, misses, coalesced: 0, stale: 0, entries: 0 }),
  };
}
