import { EventEmitter } from 'node:events';
import { ageOf, type Clock, type Instant, readClock } from '../../core/clock.js';
import type { TokenRecord } from '../../core/lookup.js';
import { recordAge } from '../lifetimes.js';
import type { CacheStore, LogReader } from './store.js';
import { createStoreHealth, type StoreHealth } from './store-health.js';

/** The revocation log of a store as far as this process has read it. All middlewares over one store share it. */
export interface RevocationLog {
  readonly health: StoreHealth;
  /** How far the log has been read. A tokenKey that is put now is put after all revocations up to there. */
  position(): string;
  /** Whether the log was read to its end within the last 5 seconds. */
  isCurrent(): boolean;
  /** Whether it is known which revocations concern a record. */
  covers(record: TokenRecord, now: Instant): boolean;
  /** Whether one of the digests of a record was revoked after it was asked for. They are computed only when anything was revoked. */
  revokes(
    digestsOf: (key: string, record: TokenRecord) => readonly string[],
    key: string,
    record: TokenRecord,
  ): boolean;
  /**
   * Revokes everything with a digest that was asked for before now, in this process.
   *
   * @returns tells at which position of the log the other processes will read it
   */
  revokeHere(digest: string): (position: string) => void;
  /** Calls `tell` when one of the digests is revoked; returns how to stop that. */
  watch(digests: readonly string[], tell: () => void): () => void;
  close(): Promise<void>;
}

interface Revoked {
  /** Latest position in the log; `''` while it is not known. */
  readonly position: string;
  /** Everything that was asked for until then is revoked as well, in monotonic milliseconds. */
  readonly until: number;
  readonly notedAt: number;
}

/** How long memory is relied on without the log, counted from when the endpoint was asked or the log was last read to its end. */
export const UNCONFIRMED_MS = 5000;

const CHECK_EVERY_MS = 1000;

const NEVER: Instant = { at: Number.NEGATIVE_INFINITY, monotonic: Number.NEGATIVE_INFINITY };

interface Shared {
  readonly log: RevocationLog;
  users: number;
  /** How long a revocation may concern a record of any user. */
  keepMs: number;
}

/** One log for each store and clock. */
const open = new WeakMap<CacheStore, WeakMap<Clock, Shared>>();

/**
 * Follows the log of a store, or joins those who follow it already. It is followed until all have closed it.
 *
 * @param keepMs how long an answer may be used, wherever it is kept
 */
export function openRevocationLog(store: CacheStore, clock: Clock, keepMs: number): RevocationLog {
  const logs = open.get(store) ?? new WeakMap<Clock, Shared>();
  open.set(store, logs);
  const shared = logs.get(clock) ?? share();
  logs.set(clock, shared);
  shared.users++;
  shared.keepMs = Math.max(shared.keepMs, keepMs);
  let closing: Promise<void> | undefined;
  return {
    ...shared.log,
    close() {
      closing ??= leave();
      return closing;
    },
  };

  function share(): Shared {
    // A store may report at once, before the log is there.
    const use = { users: 0, keepMs };
    return Object.assign(use, { log: followRevocationLog(store, clock, () => use.keepMs) });
  }

  async function leave(): Promise<void> {
    shared.users--;
    if (shared.users > 0) return;
    logs.delete(clock);
    await shared.log.close();
  }
}

function followRevocationLog(store: CacheStore, clock: Clock, keepMs: () => number): RevocationLog {
  const health = createStoreHealth();
  const revoked = new Map<string, Revoked>();
  const emitter = new EventEmitter().setMaxListeners(0);
  /** Where the log begins. An earlier position is one of a log that was lost, or `''`: nothing had been read yet. */
  let start = '';
  let position = '';
  let confirmed: Instant = NEVER;
  /** Older responses are not used: revocations of that time may have been lost. */
  let reliableSince = Number.NEGATIVE_INFINITY;

  const reader: LogReader = {
    onStart(first) {
      if (start !== '') reliableSince = clock.monotonic();
      start = first;
      position = first;
      confirmed = NEVER;
    },
    onEntries(entries) {
      for (const { position: at, entry } of entries) note(entry, { position: at });
      position = entries.at(-1)?.position ?? position;
    },
    onCaughtUp(askedAt) {
      // It is told on the machine's own clock, which differs from the clock of a test.
      const ago = Math.max(0, performance.now() - askedAt);
      const { at, monotonic } = readClock(clock);
      if (monotonic - ago > confirmed.monotonic) confirmed = { at: at - ago, monotonic: monotonic - ago };
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

  function note(digest: string, { position: at = '', until = NEVER.monotonic }: Partial<Revoked>): Revoked {
    const known = revoked.get(digest);
    const noted = {
      position: known === undefined || known.position < at ? at : known.position,
      until: Math.max(known?.until ?? until, until),
      notedAt: clock.monotonic(),
    };
    // The one noted last is forgotten last.
    revoked.delete(digest);
    revoked.set(digest, noted);
    emitter.emit(eventOf(digest));
    return noted;
  }

  function prune(): void {
    const before = clock.monotonic() - keepMs();
    for (const [digest, { notedAt }] of revoked) {
      if (notedAt >= before) break;
      revoked.delete(digest);
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
      const { logPosition: mark = '' } = record;
      // A position of a log that was lost, or one that was not read yet.
      if (record.askedMonotonic < reliableSince || mark < start || mark > position) return false;
      return Math.min(ageOf(confirmed, now), recordAge(record, now)) <= UNCONFIRMED_MS;
    },
    revokes(digestsOf, key, record) {
      if (revoked.size === 0) return false;
      const { logPosition: mark = '', askedMonotonic } = record;
      return digestsOf(key, record).some((digest) => {
        const found = revoked.get(digest);
        return found !== undefined && (found.position > mark || askedMonotonic <= found.until);
      });
    },
    revokeHere(digest) {
      const { until } = note(digest, { until: clock.monotonic() });
      return (at) => {
        const noted = note(digest, { position: at });
        // The position tells more exactly what came before. Another revocation of the same may still be on its way.
        if (noted.until === until) revoked.set(digest, { ...noted, until: NEVER.monotonic });
      };
    },
    watch(digests, tell) {
      const listener = () => tell();
      const events = [...new Set(digests.map(eventOf))];
      for (const event of events) emitter.on(event, listener);
      return () => {
        for (const event of events) emitter.off(event, listener);
      };
    },
    async close() {
      clearInterval(timer);
      await stop();
    },
  };
}

/** The log may hold any text. An event named `error` would throw when nobody listens to it. */
function eventOf(digest: string): string {
  return `revoked ${digest}`;
}
