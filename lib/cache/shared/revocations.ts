import { setTimeout as pause } from 'node:timers/promises';
import type { Instant } from '../../core/clock.js';
import type { ActiveRecord, TokenRecord } from '../../core/lookup.js';
import type { EntryCipher } from './entry-cipher.js';
import type { RevocationLog } from './revocation-log.js';
import type { CacheStore } from './store.js';

/** Claims by which tokens can be revoked: all tokens of a user, session or client, or one token by its identifier. */
export const REVOCABLE_CLAIMS = ['sub', 'sid', 'client_id', 'jti'] as const;
export type RevocableClaim = (typeof REVOCABLE_CLAIMS)[number];

/** Revocations by all processes that share a store, in the order of the store's log. */
export interface Revocations extends Pick<RevocationLog, 'position' | 'isCurrent' | 'close'> {
  /** Whether a cached record may be used: this process knows all revocations that may apply, and none does. */
  allows(tokenDigest: string, record: TokenRecord, now: Instant): boolean;
  /** Whether a record is revoked, as far as this process knows. */
  revokes(tokenDigest: string, record: TokenRecord): boolean;
  /**
   * Revokes at once in this process, and in the other processes as soon as they read the log. It retries until the deadline.
   *
   * @throws the last error of the store
   */
  revoke(kind: 'token' | RevocableClaim, value: string): Promise<void>;
  /**
   * Calls the listener when a record is revoked, in this process or another.
   *
   * @returns a function that removes the listener
   */
  watch(tokenDigest: string, record: ActiveRecord, listener: () => void): () => void;
}

export interface RevocationsSettings {
  readonly store: Pick<CacheStore, 'append'>;
  readonly log: RevocationLog;
  readonly cipher: EntryCipher;
  /** How long a response may be used, wherever it is cached, in milliseconds. */
  readonly keepMs: number;
  /** How long a revocation is retried, in milliseconds. */
  readonly timeoutMs: number;
}

const FIRST_PAUSE_MS = 50;

export function createRevocations({ store, log, cipher, keepMs, timeoutMs }: RevocationsSettings): Revocations {
  const digestsByRecord = new WeakMap<TokenRecord, readonly string[]>();

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
    close: log.close,
    revokes,
    allows: (tokenDigest, record, now) => log.covers(record, now) && !revokes(tokenDigest, record),
    async revoke(kind, value) {
      const [digest] = cipher.digestsOf(kind, value) as [string];
      const setPosition = log.revokeHere(digest);
      setPosition(await withRetries(async () => requirePosition(await store.append(digest, keepMs)), timeoutMs));
    },
    watch: (tokenDigest, record, listener) =>
      log.watch(digestsOf(tokenDigest, record), () => {
        // A log is read again after a loss. A revocation from before the introspection request does not apply to the record.
        if (revokes(tokenDigest, record)) listener();
      }),
  };
}

/** Retries after ever longer pauses, while the next try begins within `timeoutMs`. */
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

/** A store of the app may return anything. Without a position, the revocation does not count as stored. */
function requirePosition(position: unknown): string {
  if (typeof position === 'string' && position !== '') return position;
  throw new Error('the store returned no position');
}
