import type { Clock, Instant } from '../../core/clock.js';
import type { Lookup, TokenKey, TokenRecord } from '../../core/lookup.js';
import type { Lifetimes } from '../lifetimes.js';
import { createEntryCipher } from './entry-cipher.js';
import { openRevocationLog } from './revocation-log.js';
import { createRevocations, persistently, type Revocations } from './revocations.js';
import { withSharedCache } from './shared-cache.js';
import { createSharedEntries } from './shared-entries.js';
import type { CacheStore } from './store.js';
import { withTimeLimit } from './time-limit.js';

export interface SharedCacheOptions {
  readonly store: CacheStore;
  readonly secrets: readonly string[];
  readonly namespace: string;
}

export interface CreateSharedCacheSettings extends Lifetimes {
  readonly shared: SharedCacheOptions;
  readonly staleIfErrorMs: number;
  readonly introspectorId: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly assertCallAllowed: (isKnown: boolean) => void;
  /** Makes a record of a stored response, or throws. */
  readonly restore: (members: unknown, asked: Instant) => TokenRecord;
}

/** All processes that share a store. */
export interface SharedCache {
  readonly lookup: Lookup;
  readonly revocations: Revocations;
  /**
   * The record that the store keeps about a token, whether or not it may still be used. It is tried again until the deadline.
   *
   * @throws Error while the store does not answer
   */
  peek(token: TokenKey): Promise<TokenRecord | undefined>;
}

/** The share of a request's deadline that one command of the store may take. The rest is for the endpoint. */
const COMMAND_SHARE = 1 / 4;

/** Beyond the life of an answer, for questions under way and for clocks of different speed. */
const MARGIN_MS = 120_000;

export function createSharedCache(inner: Lookup, settings: CreateSharedCacheSettings): SharedCache {
  const { shared, introspectorId, timeoutMs, clock, ttlMs, inactiveTtlMs, staleIfErrorMs } = settings;
  const { secrets, namespace } = shared;
  const store = withTimeLimit(shared.store, Math.ceil(timeoutMs * COMMAND_SHARE));
  const scope = JSON.stringify([introspectorId, namespace]);
  const seal = createEntryCipher(secrets, scope);
  const keepMs = Math.max(ttlMs, inactiveTtlMs, staleIfErrorMs) + MARGIN_MS;
  const log = openRevocationLog(shared.store, clock, keepMs);
  const revocations = createRevocations({ store, log, cipher: seal, keepMs, timeoutMs });
  const entries = createSharedEntries({ ...settings, store, health: log.health, cipher: seal });
  return {
    lookup: withSharedCache(inner, { ...settings, entries, revocations }),
    revocations,
    peek: (token) =>
      persistently(async () => {
        const found = await entries.read(token);
        if (found === undefined) throw new Error('the store does not answer');
        return found.record;
      }, timeoutMs),
  };
}
