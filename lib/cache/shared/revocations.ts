import { setTimeout as pause } from 'node:timers/promises';
import type { Instant } from '../../core/clock.js';
import type { ActiveRecord, TokenRecord } from '../../core/lookup.js';
import type { EntryCipher } from './entry-cipher.js';
import type { RevocationLog } from './revocation-log.js';
import type { CacheStore } from './store.js';

/** What can be revoked besides a token: everything that names this user, session, client or token. */
export const REVOCABLE_CLAIMS = ['sub', 'sid', 'client_id', 'jti'] as const;
export type RevocableClaim = (typeof REVOCABLE_CLAIMS)[number];

/** Revocations in the whole fleet, in the order of the store's log. */
export interface Revocations extends Pick<RevocationLog, 'position' | 'isCurrent' | 'close'> {
  /** Whether a record may be used from memory: it is not revoked, and it is known that it is not. */
  allows(key: string, record: TokenRecord, now: Instant): boolean;
  /** Whether a record is revoked, as far as is known. */
  revokes(key: string, record: TokenRecord): boolean;
  /**
   * Revokes in the whole fleet: at once in this process, elsewhere as soon as it is read there. It is tried again until the deadline.
   *
   * @throws the last error of the store
   */
  revoke(kind: 'token' | RevocableClaim, value: string): Promise<void>;
  /** Tells when a record is revoked, in this process or another; returns how to stop that. */
  watch(key: string, record: ActiveRecord, tell: () => void): () => void;
}

export interface RevocationsSettings {
  readonly store: Pick<CacheStore, 'append'>;
  readonly log: RevocationLog;
  readonly cipher: EntryCipher;
  /** How long an answer may be used, wherever it is kept. */
  readonly keepMs: number;
  /** How long a revocation is tried. */
  readonly timeoutMs: number;
}

const FIRST_PAUSE_MS = 50;

export function createRevocations({ store, log, cipher: seal, keepMs, timeoutMs }: RevocationsSettings): Revocations {
  const digests = new WeakMap<TokenRecord, readonly string[]>();

  function digestsOf(key: string, record: TokenRecord): readonly string[] {
    const known = digests.get(record);
    if (known !== undefined) return known;
    const named = record.active
      ? REVOCABLE_CLAIMS.flatMap((name) => {
          const value = record.claims[name];
          return typeof value === 'string' ? seal.digestsOf(name, value) : [];
        })
      : [];
    const all = [...seal.digestsOf('token', key), ...named];
    digests.set(record, all);
    return all;
  }

  function revokes(key: string, record: TokenRecord): boolean {
    return log.revokes(digestsOf, key, record);
  }

  return {
    position: log.position,
    isCurrent: log.isCurrent,
    close: log.close,
    revokes,
    allows: (key, record, now) => log.covers(record, now) && !revokes(key, record),
    async revoke(kind, value) {
      const [digest] = seal.digestsOf(kind, value) as [string];
      const settle = log.revokeHere(digest);
      settle(await persistently(() => store.append(digest, keepMs), timeoutMs));
    },
    watch: (key, record, tell) =>
      log.watch(digestsOf(key, record), () => {
        // The log is read again after a loss: a revocation from before the tokenKey does not concern the record.
        if (revokes(key, record)) tell();
      }),
  };
}

/** Tries again, after ever longer pauses, as long as the next try begins in time. */
export async function persistently<T>(work: () => Promise<T>, timeoutMs: number): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (let ms = FIRST_PAUSE_MS; ; ms *= 2) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() + ms >= until) throw error;
      await pause(ms);
    }
  }
}
