import { type ActiveRecord, type Clock, type Instant, readClock, type TokenRecord } from '../../types.js';
import { createWatches } from '../watches.js';
import type { Seal } from './seal.js';
import type { CacheStore, LogReader } from './store.js';

/** What can be revoked besides a token: everything that names this user, session, client or token. */
export const REVOCABLE_CLAIMS = ['sub', 'sid', 'client_id', 'jti'] as const;
export type RevocableClaim = (typeof REVOCABLE_CLAIMS)[number];

/** What was revoked anywhere in the fleet, in the order of the store's log. */
export interface Revocations {
  /** Where the log has been read to: what is asked from now on was asked after all revocations up to there. */
  position(): string;
  /** Whether a record may be used from memory: it is not revoked, and it is known that it is not. */
  allows(key: string, record: TokenRecord, now: Instant): boolean;
  /** Whether it is revoked, as far as is known. */
  revokes(key: string, record: TokenRecord): boolean;
  /** Whether the log has been read to its end, and just now: else what others kept may have been revoked. */
  isCurrent(): boolean;
  /** Revokes in the whole fleet; at once here, elsewhere as soon as it is read there. */
  revoke(kind: 'token' | RevocableClaim, value: string): Promise<void>;
  /** Tells when a record is revoked, here or elsewhere; returns how to stop that. */
  watch(key: string, record: ActiveRecord, tell: () => void): () => void;
  close(): Promise<void>;
}

/** So long after the log was last known to be read to its end, memory is not relied on for answers asked for before. */
export const UNCONFIRMED_MS = 5000;

/** Later than any position. */
const LAST = '\uffff';

const NEVER: Instant = { at: Number.NEGATIVE_INFINITY, monotonic: Number.NEGATIVE_INFINITY };

/** @param keepMs how long an answer may be used, wherever it is kept */
export function createRevocations(store: CacheStore, seal: Seal, keepMs: number, clock: Clock): Revocations {
  /** Position by digest, and when it was read. */
  const revoked = new Map<string, { readonly position: string; readonly readAt: number }>();
  const digests = new WeakMap<TokenRecord, readonly string[]>();
  let position = '';
  let confirmed: Instant = NEVER;
  /** How many revocations of something are on their way to the log. */
  const onTheirWay = new Map<string, number>();
  /** The latest position that those have come to. */
  const settled = new Map<string, string>();
  const watches = createWatches();
  /** Positions of before are those of a log that is gone. */
  let reliableSince = Number.NEGATIVE_INFINITY;

  const reader: LogReader = {
    read(entries) {
      for (const { position: at, entry } of entries) note(entry, at);
      position = entries.at(-1)?.position ?? position;
      prune();
    },
    confirm(askedAt) {
      // Told on the machine's own clock, which tests may not share.
      const ago = Math.max(0, performance.now() - askedAt);
      const { at, monotonic } = readClock(clock);
      if (monotonic - ago > confirmed.monotonic) confirmed = { at: at - ago, monotonic: monotonic - ago };
    },
    lose() {
      reliableSince = clock.monotonic();
      confirmed = NEVER;
      position = '';
    },
  };
  const stop = store.tail(reader);

  function note(digest: string, at: string): void {
    const known = revoked.get(digest);
    if (at !== LAST && onTheirWay.has(digest)) settled.set(digest, laterOf(settled.get(digest), at));
    // Last read, last forgotten.
    revoked.delete(digest);
    revoked.set(digest, {
      position: known === undefined || known.position < at ? at : known.position,
      readAt: clock.monotonic(),
    });
    watches.tell(digest);
  }

  function prune(): void {
    const before = clock.monotonic() - keepMs;
    for (const [digest, { readAt }] of revoked) {
      if (readAt >= before) break;
      revoked.delete(digest);
    }
  }

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
    if (revoked.size === 0) return false;
    const { mark = '' } = record;
    return digestsOf(key, record).some((digest) => {
      const at = revoked.get(digest)?.position;
      return at !== undefined && at > mark;
    });
  }

  return {
    position: () => position,
    revokes,
    allows(key, record, now) {
      // A mark that this log has not come to is not read yet here, or of a log that is gone.
      if (record.askedMonotonic < reliableSince || (record.mark ?? '') > position) return false;
      const asked = { at: record.askedAt, monotonic: record.askedMonotonic };
      return Math.min(age(confirmed, now), age(asked, now)) <= UNCONFIRMED_MS && !revokes(key, record);
    },
    isCurrent: () => age(confirmed, readClock(clock)) <= UNCONFIRMED_MS,
    async revoke(kind, value) {
      const [digest] = seal.digestsOf(kind, value) as [string];
      onTheirWay.set(digest, (onTheirWay.get(digest) ?? 0) + 1);
      note(digest, LAST);
      try {
        const at = await store.append(digest, keepMs);
        settled.set(digest, laterOf(settled.get(digest), at));
      } finally {
        const left = (onTheirWay.get(digest) ?? 1) - 1;
        if (left > 0) {
          onTheirWay.set(digest, left);
        } else {
          // Where the log could not be told, it stays revoked here.
          revoked.set(digest, { position: settled.get(digest) ?? LAST, readAt: clock.monotonic() });
          onTheirWay.delete(digest);
          settled.delete(digest);
        }
      }
    },
    watch: (key, record, tell) =>
      watches.watch(digestsOf(key, record), () => {
        // The log is read again after a loss: what was revoked before the record was asked for is not about it.
        if (revokes(key, record)) tell();
      }),
    close: stop,
  };
}

/** On both clocks: the monotonic one stands still while a machine sleeps. */
function age(since: Instant, now: Instant): number {
  return Math.max(now.monotonic - since.monotonic, now.at - since.at);
}

function laterOf(known: string | undefined, other: string): string {
  return known === undefined || known < other ? other : known;
}
