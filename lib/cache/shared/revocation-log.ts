import { ageOf, type Clock, type Instant, readClock } from '../../core/clock.js';
import type { TokenRecord } from '../../core/lookup.js';
import { recordAge } from '../record-lifetimes.js';
import type { CacheStore, LogReader } from './store.js';
import { createStoreHealth, type StoreHealth } from './store-health.js';

/**
 * The revocation log of a store, as far as this process has read it. All middlewares with the same store and clock share one
 * `RevocationLog`.
 */
export interface RevocationLog {
  readonly health: StoreHealth;
  /**
   * Returns the position up to which this process has read the log. Revocations up to this position do not apply to the response to an
   * introspection request that is sent after this call.
   */
  position(): string;
  /** Whether this process has read the revocation log to its end within the last 5 seconds. */
  isCurrent(): boolean;
  /** Whether this process knows all revocations that may apply to a record, except perhaps those of the last 5 seconds. */
  covers(record: TokenRecord, now: Instant): boolean;
  /**
   * Whether a record is revoked, as far as this process knows. A record has one digest for its token, and one for each revocable claim. It
   * is revoked if one of these digests was revoked after the introspection request of the record was sent.
   *
   * @param digestsOf computes the digests of the record. It is not called while no revocation is known
   */
  revokes(
    digestsOf: (tokenDigest: string, record: TokenRecord) => readonly string[],
    tokenDigest: string,
    record: TokenRecord,
  ): boolean;
  /**
   * Revokes, only in this process, all records that have this digest and whose introspection requests were sent before this call.
   *
   * @returns a function. Call it with the position of the revocation in the log, when the revocation has been appended to the log
   */
  revokeHere(digest: string): (position: string) => void;
  /**
   * Calls the listener with each digest that is revoked. The listener is called again when the same revocation is read from the log a
   * second time.
   *
   * @returns a function that removes the listener
   */
  watch(listener: (digest: string) => void): () => void;
  close(): Promise<void>;
}

interface Revocation {
  /** Position of the latest revocation of the digest in the log; `''` while the position is not known. */
  readonly position: string;
  /**
   * Monotonic time in milliseconds. Records whose introspection requests were sent at this time or earlier are revoked too, whatever their
   * position in the log is.
   */
  readonly until: number;
  readonly recordedAt: number;
}

/**
 * How long a cached response is used while the log cannot be read, in milliseconds. The time counts from one of two moments, whichever is
 * later: when the introspection request of the response was sent, or when the log was last read to its end.
 */
export const UNCONFIRMED_MS = 5000;

const CHECK_EVERY_MS = 1000;

const NEVER: Instant = { at: Number.NEGATIVE_INFINITY, monotonic: Number.NEGATIVE_INFINITY };

interface OpenLog {
  readonly log: RevocationLog;
  users: number;
  /**
   * How long revocations are kept in memory, in milliseconds since this process read them. It is the longest time that any user of this log
   * asked for.
   */
  keepMs: number;
}

/** The revocation logs that this process follows: one for each store and clock. */
const openLogs = new WeakMap<CacheStore, WeakMap<Clock, OpenLog>>();

/**
 * Follows the revocation log of a store. All callers with the same store and clock share one `RevocationLog`. The log is followed until all
 * of these callers have called `close`.
 *
 * @param keepMs how long revocations must be kept, in milliseconds. It must be longer than a response may be used in any cache
 */
export function openRevocationLog(store: CacheStore, clock: Clock, keepMs: number): RevocationLog {
  const logs = openLogs.get(store) ?? new WeakMap<Clock, OpenLog>();
  openLogs.set(store, logs);
  const openLog = logs.get(clock) ?? open();
  logs.set(clock, openLog);
  openLog.users++;
  openLog.keepMs = Math.max(openLog.keepMs, keepMs);
  let closing: Promise<void> | undefined;
  return {
    ...openLog.log,
    close() {
      closing ??= release();
      return closing;
    },
  };

  function open(): OpenLog {
    // `usage` is created first: a store may call the reader, which needs `keepMs`, before `followRevocationLog` returns.
    const usage = { users: 0, keepMs };
    return Object.assign(usage, { log: followRevocationLog(store, clock, () => usage.keepMs) });
  }

  async function release(): Promise<void> {
    openLog.users--;
    if (openLog.users > 0) return;
    logs.delete(clock);
    await openLog.log.close();
  }
}

function followRevocationLog(store: CacheStore, clock: Clock, keepMs: () => number): RevocationLog {
  const health = createStoreHealth();
  const revocations = new Map<string, Revocation>();
  /**
   * The listeners. Each is in its own object, so that a function that was added twice is called twice, and each addition is removed
   * separately.
   */
  const watchers = new Set<{ readonly listener: (digest: string) => void }>();
  /**
   * Position at which the revocation log begins; `''` until the store has told this position. After a loss of the log, the new log begins
   * at a later position.
   */
  let start = '';
  let position = '';
  let confirmed: Instant = NEVER;
  /** When the log was last read to its end, or when this process began to follow it. */
  let lastReadAt = readClock(clock);
  /**
   * Monotonic time in milliseconds. Responses that were requested before this time are not used, because revocations may have been lost at
   * this time.
   */
  let reliableSince = Number.NEGATIVE_INFINITY;

  /**
   * Returns a position with the first position of the log as its prefix. Without the prefix, a position in a lost log could look like a
   * later position in the present log.
   */
  function inThisLog(positionInLog: string): string {
    return start === '' ? positionInLog : `${start}\n${positionInLog}`;
  }

  /**
   * Adds the first position of the log, as a prefix, to the positions of revocations that this process appended before the first position
   * was known.
   */
  function addStart(): void {
    for (const [digest, revocation] of revocations) {
      if (revocation.position === '') continue;
      revocations.set(digest, { ...revocation, position: inThisLog(revocation.position) });
    }
  }

  const reader: LogReader = {
    onStart(first) {
      const isFirst = start === '';
      if (!isFirst) reliableSince = clock.monotonic();
      start = first;
      position = inThisLog(first);
      if (isFirst) addStart();
      confirmed = NEVER;
    },
    onEntries(entries) {
      for (const logEntry of entries) add(logEntry.entry, { position: inThisLog(logEntry.position) });
      const last = entries.at(-1);
      if (last !== undefined) position = inThisLog(last.position);
    },
    onCaughtUp(askedAt) {
      // `askedAt` is measured by `performance.now()`. In tests, `clock` is another clock, so only the difference is used.
      const agoMs = Math.max(0, performance.now() - askedAt);
      const now = readClock(clock);
      const monotonic = now.monotonic - agoMs;
      // The monotonic clock stands still while the machine is suspended. So the wall time of the question is also worked out from an
      // earlier moment: if the machine was suspended since then, the earlier of the two times is right.
      const at = Math.min(now.at - agoMs, lastReadAt.at + monotonic - lastReadAt.monotonic);
      if (monotonic > confirmed.monotonic) confirmed = { at, monotonic };
      lastReadAt = now;
      report(!isCurrent());
      prune();
    },
  };
  const report = health.part();
  const stop = store.follow(reader);
  const startedAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - startedAt >= UNCONFIRMED_MS) report(!isCurrent());
  }, CHECK_EVERY_MS).unref();

  function add(digest: string, { position: added = '', until = NEVER.monotonic }: Partial<Revocation>): Revocation {
    const known = revocations.get(digest);
    const revocation = {
      position: known === undefined || known.position < added ? added : known.position,
      until: Math.max(known?.until ?? until, until),
      recordedAt: clock.monotonic(),
    };
    // Deleted first, so that the map stays in the order of `recordedAt`.
    revocations.delete(digest);
    revocations.set(digest, revocation);
    for (const { listener } of [...watchers]) listener(digest);
    return revocation;
  }

  function prune(): void {
    const before = clock.monotonic() - keepMs();
    for (const [digest, { recordedAt }] of revocations) {
      if (recordedAt >= before) break;
      revocations.delete(digest);
    }
  }

  function isCurrent(): boolean {
    return ageOf(confirmed, readClock(clock)) <= UNCONFIRMED_MS;
  }

  return {
    health,
    position: () => position,
    isCurrent,
    covers(record, now) {
      const { logPosition = '' } = record;
      // Not covered: a record with a position of a lost log, or with a position that this process has not reached yet.
      const isOfThisLog = logPosition.startsWith(inThisLog(''));
      if (record.askedMonotonic < reliableSince || !isOfThisLog || logPosition > position) return false;
      return Math.min(ageOf(confirmed, now), recordAge(record, now)) <= UNCONFIRMED_MS;
    },
    revokes(digestsOf, tokenDigest, record) {
      if (revocations.size === 0) return false;
      const { logPosition = '', askedMonotonic } = record;
      return digestsOf(tokenDigest, record).some((digest) => {
        const revocation = revocations.get(digest);
        return revocation !== undefined && (revocation.position > logPosition || askedMonotonic <= revocation.until);
      });
    },
    revokeHere(digest) {
      const { until } = add(digest, { until: clock.monotonic() });
      return (appendedAt) => {
        const revocation = add(digest, { position: inThisLog(appendedAt) });
        // The position is more exact than the time. A different `until` belongs to a later revocation that may not be appended yet.
        if (revocation.until === until) revocations.set(digest, { ...revocation, until: NEVER.monotonic });
      };
    },
    watch(listener) {
      const watcher = { listener };
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    async close() {
      clearInterval(timer);
      await stop();
    },
  };
}
