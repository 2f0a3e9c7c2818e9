import { authorityOf } from './cache/key.js';
import { createMemoryStore } from './cache/memory-store.js';
import type { Lifetimes } from './cache/policy.js';
import { createRevocations, type RevocableClaim, type Revocations } from './cache/shared/revocations.js';
import { createPlainSeal, createSeal } from './cache/shared/seal.js';
import type { CacheStore } from './cache/shared/store.js';
import { withTimeLimit } from './cache/shared/time-limit.js';
import { withSharedCache } from './cache/shared/with-shared-cache.js';
import { createTokenWatches, type TokenWatches } from './cache/watch-tokens.js';
import { type CachedLookup, withCache } from './cache/with-cache.js';
import { requireB64Token } from './credentials/token.js';
import { IntrospectionError } from './errors.js';
import {
  createIntrospectionClient,
  type IntrospectionClient,
  type IntrospectionClientSettings,
} from './introspection/client.js';
import { toRecord } from './introspection/response.js';
import type { Clock, Lookup, Question, TokenRecord } from './types.js';
import { type ConfigurationReport, verifyConfiguration } from './verify-configuration.js';

export interface MemoryCacheSettings extends Lifetimes {
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly staleIfErrorMs: number;
  readonly refreshAhead: boolean;
  readonly shared: SharedSettings | undefined;
}

export interface SharedSettings {
  readonly store: CacheStore;
  /** `undefined`: nothing is secret. */
  readonly secrets: readonly string[] | undefined;
  readonly namespace: string;
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
  /** Records in memory now, expired ones included until they are replaced or evicted. */
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
   * Forgets a token, and every token whose record has the same `jti`: an authorization server may take one token in several
   * spellings. At once here, and everywhere once the promise has ended.
   *
   * @throws whatever the store fails with
   */
  forget(token: Pick<Question, 'token' | 'key'>): Promise<void>;
  /** The same for every token with this claim. */
  forgetClaim(name: RevocableClaim, value: string): Promise<void>;
  stats(): Stats;
  verifyConfiguration(): Promise<ConfigurationReport>;
  close(): Promise<void>;
}

export function createSharedLookup(settings: LookupSettings): SharedLookup {
  const authority = authorityOf(settings);
  const client = createIntrospectionClient(settings);
  const fleet =
    settings.cache === false || settings.cache.shared === undefined
      ? undefined
      : createFleet(client.lookup, settings, settings.cache, settings.cache.shared, authority);
  const inner = fleet?.lookup ?? client.lookup;
  const cached =
    settings.cache === false
      ? uncached(ask)
      : cachedInMemory(ask, settings.cache, settings.clock, client.diagnose, fleet);
  const watches = createTokenWatches(fleet?.revocations);
  const { ttlMs = 0, staleIfErrorMs = 0 } = settings.cache || {};
  let closing: Promise<void> | undefined;

  /**
   * Refuses malformed tokens, before anything is asked, cached or published about them. A token that is found in memory was looked
   * up once, so it is well-formed.
   */
  function ask(...[question, freshness]: Parameters<Lookup>): ReturnType<Lookup> {
    requireB64Token(question.token);
    return ttlMs > 0 ? inner(question, freshness) : watches.note(() => inner(question, freshness));
  }

  function forgetClaimHere(name: RevocableClaim, value: string): void {
    cached.forgetClaim(name, value);
    watches.forgetClaim(name, value);
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
    async forget(token) {
      const jti = jtiOf(cached.peek(token.key));
      cached.forget(token.key);
      watches.forget(token.key);
      if (jti !== undefined) forgetClaimHere('jti', jti);
      const jtiElsewhere = await fleet?.forget(token, jti);
      if (jtiElsewhere !== undefined) forgetClaimHere('jti', jtiElsewhere);
    },
    async forgetClaim(name, value) {
      forgetClaimHere(name, value);
      await fleet?.forgetClaim(name, value);
    },
    stats: () => ({ ...cached.stats(), endpointCalls: client.calls() }),
    async verifyConfiguration() {
      requireOpen();
      return verifyConfiguration(client, settings.clientAuth, settings.clock);
    },
    close() {
      closing ??= Promise.all([client.close(), fleet?.close()]).then(() => {});
      cached.clear();
      watches.close();
      return closing;
    },
  };
}

function cachedInMemory(
  inner: Lookup,
  cache: MemoryCacheSettings,
  clock: Clock,
  diagnose: IntrospectionClient['diagnose'],
  fleet: Fleet | undefined,
): CachedLookup {
  const store = createMemoryStore(cache.maxEntries, cache.maxBytes);
  return withCache(inner, { ...cache, clock, store, diagnose, revocations: fleet?.revocations });
}

function jtiOf(record: TokenRecord | undefined): string | undefined {
  return record?.active ? record.claims.jti : undefined;
}

/** What all processes that share a store have in common. */
interface Fleet {
  readonly lookup: Lookup;
  readonly revocations: Revocations;
  /** Forgets a token and its `jti`, which is read from the store where it is not known; returns one that was read there. */
  forget(token: Pick<Question, 'token' | 'key'>, jti: string | undefined): Promise<string | undefined>;
  forgetClaim(name: RevocableClaim, value: string): Promise<void>;
  close(): Promise<void>;
}

/** Of a request's deadline, what one command of the store may take at most: the rest is for the endpoint. */
const COMMAND_SHARE = 1 / 4;

/** Beyond the life of an answer, for what is under way and for clocks that go at their own pace. */
const MARGIN_MS = 120_000;

function createFleet(
  inner: Lookup,
  { clock, timeoutMs }: LookupSettings,
  cache: MemoryCacheSettings,
  { store: given, secrets, namespace }: SharedSettings,
  authority: string,
): Fleet {
  const store = withTimeLimit(given, Math.ceil(timeoutMs * COMMAND_SHARE));
  const scope = JSON.stringify([authority, namespace]);
  const seal = secrets === undefined ? createPlainSeal(scope) : createSeal(secrets, scope);
  const keepMs = Math.max(cache.ttlMs, cache.inactiveTtlMs, cache.staleIfErrorMs) + MARGIN_MS;
  const revocations = createRevocations(store, seal, keepMs, clock);
  const shared = withSharedCache(inner, {
    ...cache,
    store,
    seal,
    revocations,
    timeoutMs,
    clock,
    restore: toRecord,
  });
  return {
    lookup: shared.lookup,
    revocations,
    async forget(token, jti) {
      /** The entry is read before it is overwritten. */
      async function forgetEntry(): Promise<string | undefined> {
        const found = jti === undefined ? jtiOf(await shared.peek(token)) : undefined;
        const named = jti ?? found;
        await Promise.all([shared.forget(token), named !== undefined && revocations.revoke('jti', named)]);
        return found;
      }
      const [found] = await Promise.all([forgetEntry(), revocations.revoke('token', token.key)]);
      return found;
    },
    forgetClaim: revocations.revoke,
    close: revocations.close,
  };
}

function uncached(inner: Lookup): CachedLookup {
  let misses = 0;
  return {
    lookup(question, freshness) {
      misses++;
      return inner(question, freshness);
    },
    peek: () => undefined,
    forget() {},
    forgetClaim() {},
    clear() {},
    stats: () => ({ hits: 0, misses, coalesced: 0, stale: 0, entries: 0 }),
  };
}
