import { setTimeout as pause } from 'node:timers/promises';
import type { Instant } from '../../core/clock.js';
import type { TokenRecord } from '../../core/lookup.js';
import type { InvalidationWatcher } from '../invalidation-watcher.js';
import { createNamedListeners } from '../named-listeners.js';
import type { EntryCipher } from './entry-cipher.js';
import type { RevocationLog } from './revocation-log.js';
import type { CacheStore } from './store.js';

/**
 * Claims by which tokens can be revoked: `sub` for all tokens of a user, `sid` for a session, `client_id` for a client, and `jti` for one
 * token.
 */
export const REVOCABLE_CLAIMS = ['sub', 'sid', 'client_id', 'jti'] as const;
export type RevocableClaim = (typeof REVOCABLE_CLAIMS)[number];

/** Revocations by all processes that share a store, in the order of the store's log. */
export interface Revocations extends Pick<RevocationLog, 'position' | 'isCurrent' | 'close'> {
  /** Whether a cached record may be used: {@link RevocationLog.covers} is true for the record, and no known revocation applies to it. */
  allows(tokenDigest: string, record: TokenRecord, now: Instant): boolean;
  /** Whether a revocation that this process knows applies to the record. */
  revokes(tokenDigest: string, record: TokenRecord): boolean;
  /**
   * Revokes a token, or all tokens with a claim value: at once in this process, and in other processes as soon as they read the log.
   * Resolves when the revocation is in the log. If the store fails, it retries for up to `timeoutMs`.
   *
   * @throws the last error of the store
   */
  revoke(kind: 'token' | RevocableClaim, value: string): Promise<void>;
  /**
   * Adds a watcher. Its `onInvalidated` is called when its record is revoked, by this process or by another. One revocation may call it
   * more than once.
   */
  watch(watcher: InvalidationWatcher): void;
  unwatch(watcher: InvalidationWatcher): void;
}

export interface RevocationsSettings {
  readonly store: Pick<CacheStore, 'append'>;
  readonly log: RevocationLog;
  readonly cipher: EntryCipher;
  /**
   * How long the store keeps a revocation, in milliseconds since the revocation was appended. This must be longer than a response may be
   * used.
   */
  readonly keepMs: number;
  /** How long this process tries to append a revocation to the log, in milliseconds since the first try. */
  readonly timeoutMs: number;
}

const FIRST_PAUSE_MS = 50;

export function createRevocations({ store, log, cipher, keepMs, timeoutMs }: RevocationsSettings): Revocations {
  const digestsByRecord = new WeakMap<TokenRecord, readonly string[]>();
  const watchers = createNamedListeners<InvalidationWatcher>();
  const unwatchLog = log.watch((digest) => {
    for (const watcher of watchers.of(digest)) {
      // A revocation may be read again. One from before the introspection request does not apply to the record.
      if (revokes(watcher.digest, watcher.record)) watcher.onInvalidated('forgotten');
    }
  });

  function digestsOf(tokenDigest: string, record: TokenRecord): readonly string[] {
    const known = digestsByRecord.get(record);
    if (known !== undefined) return known;
    const claimDigests = record.active
      ? REVOCABLE_CLAIMS.flatMap((name) => {
          const value = record.claims[name];
          return typeof value === 'string' ? cipher.digestsOf(name, value) : [];
        })
      : [];
    const digests = [...cipher.digestsOf('token', tokenDigest), ...claimDigests];
    digestsByRecord.set(record, digests);
    return digests;
  }

  function revokes(tokenDigest: string, record: TokenRecord): boolean {
    return log.revokes(digestsOf, tokenDigest, record);
  }

  return {
    position: log.position,
    isCurrent: log.isCurrent,
    close() {
      unwatchLog();
      return log.close();
    },
    revokes,
    allows: (tokenDigest, record, now) => log.covers(record, now) && !revokes(tokenDigest, record),
    async revoke(kind, value) {
      const [digest] = cipher.digestsOf(kind, value) as [string];
      const setPosition = log.revokeHere(digest);
      setPosition(await withRetries(async () => requirePosition(await store.append(digest, keepMs)), timeoutMs));
    },
    watch(watcher) {
      for (const digest of digestsOf(watcher.digest, watcher.record)) watchers.add(digest, watcher);
    },
    unwatch(watcher) {
      for (const digest of digestsOf(watcher.digest, watcher.record)) watchers.remove(digest, watcher);
    },
  };
}

/**
 * Runs `work`. If it fails, runs it again after a pause, until it succeeds or the time is over. Each pause is twice as long as the pause
 * before it. The last try begins less than `timeoutMs` milliseconds after this call.
 *
 * @throws the error of the last try
 */
export async function withRetries<T>(work: () => Promise<T>, timeoutMs: number): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() + pauseMs >= deadline) throw error;
      await pause(pauseMs);
    }
  }
}

/**
 * Throws if the store has returned no position, because a store that the app has written may return anything. Such a revocation counts as
 * not stored.
 */
function requirePosition(position: unknown): string {
  if (typeof position === 'string' && position !== '') return position;
  throw new Error('the store returned no position');
}
