import type { Clock, Instant } from '../../core/clock.js';
import type { Lookup, TokenKey, TokenRecord } from '../../core/lookup.js';
import type { Lifetimes } from '../record-lifetimes.js';
import { createEntryCipher } from './entry-cipher.js';
import { openRevocationLog } from './revocation-log.js';
import { createRevocations, type Revocations, withRetries } from './revocations.js';
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
  /** Time limit of a request, in milliseconds since it arrived. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Throws while the circuit breaker allows no call to the endpoint. `isKnown` tells whether the token was active lately. */
  readonly assertCallAllowed: (isKnown: boolean) => void;
  /** Creates a record from a response that was read from the store. Throws if the response is not valid. */
  readonly restore: (members: unknown, asked: Instant) => TokenRecord;
}

/** The cache in a store, which all processes with the same store share. */
export interface SharedCache {
  readonly lookup: Lookup;
  readonly revocations: Revocations;
  /**
   * Reads the record of a token from the store, even if the record may not be used any longer. Resolves to `undefined` if there is no
   * record. Retries for up to `timeoutMs` while the store fails.
   *
   * @throws Error when the last try fails
   */
  peek(token: TokenKey): Promise<TokenRecord | undefined>;
}

/** One store command may take this share of the time limit of a request, because the endpoint needs the rest. */
const COMMAND_SHARE = 1 / 4;

/**
 * Revocations are kept this many milliseconds longer than a response may be used. The reasons are pending lookups, and clocks that run at
 * different speeds.
 */
const MARGIN_MS = 120_000;

export function createSharedCache(inner: Lookup, settings: CreateSharedCacheSettings): SharedCache {
  const { shared, introspectorId, timeoutMs, clock, ttlMs, inactiveTtlMs, staleIfErrorMs } = settings;
  const { secrets, namespace } = shared;
  const store = withTimeLimit(shared.store, Math.ceil(timeoutMs * COMMAND_SHARE));
  const scope = JSON.stringify([introspectorId, namespace]);
  const cipher = createEntryCipher(secrets, scope);
  const keepMs = Math.max(ttlMs, inactiveTtlMs, staleIfErrorMs) + MARGIN_MS;
  const log = openRevocationLog(shared.store, clock, keepMs);
  const revocations = createRevocations({ store, log, cipher, keepMs, timeoutMs });
  const entries = createSharedEntries({ ...settings, store, health: log.health, cipher });
  return {
    lookup: withSharedCache(inner, { ...settings, entries, revocations }),
    revocations,
    peek: (token) =>
      withRetries(async () => {
        const stored = await entries.read(token);
        if (stored === undefined) throw new Error('The store failed');
        return stored.record;
      }, timeoutMs),
  };
}
