import type { CacheStore, LogEntry, LogReader } from '../../lib/index.js';

/** The store of one process, over a memory that all processes share. */
export interface Connection extends CacheStore {
  /** Outcome of every command except `follow`. */
  trouble: 'none' | 'fails' | 'hangs';
  /** Passes no entries to readers and does not call `onCaughtUp`, as if a connection was lost. */
  isDeaf: boolean;
  /** Names of the commands so far, without those that failed or hung. */
  readonly calls: readonly string[];
  /** Readers that follow the log. */
  readonly readers: ReadonlySet<LogReader>;
  /** Tells the readers that entries may have been lost. */
  gap(): void;
}

export interface SharedMemory {
  connect(): Connection;
  /** The entries, by key. */
  readonly entries: Map<string, { readonly value: Uint8Array; readonly expiresAt: number }>;
  readonly leases: Map<string, { readonly leaseId: string; readonly expiresAt: number }>;
  readonly log: LogEntry[];
}

/** Position where the log begins. */
export const BEGIN = '0';

/** The same as the library stores it: with the start of the log before it. */
export const FULL_BEGIN = `${BEGIN}\n${BEGIN}`;
const CATCH_UP_EVERY_MS = 20;

/** A store in memory. Each connection acts as the store of another process. */
export function createSharedMemory(now: () => number = () => performance.now()): SharedMemory {
  const entries: SharedMemory['entries'] = new Map();
  const leases: SharedMemory['leases'] = new Map();
  const usedKeys = new Map<string, number>();
  const log: (LogEntry & { readonly expiresAt: number })[] = [];
  const updates = new Set<() => void>();
  let count = 0;

  const isAlive = (stored: { readonly expiresAt: number } | undefined) =>
    stored !== undefined && stored.expiresAt > now();

  function connect(): Connection {
    const readers = new Set<LogReader>();
    const calls: string[] = [];
    const command = async <T>(name: string, run: () => T): Promise<T> => {
      await Promise.resolve();
      if (connection.trouble === 'fails') throw new Error('no connection');
      if (connection.trouble === 'hangs') await new Promise(() => {});
      calls.push(name);
      return run();
    };
    const connection: Connection = {
      trouble: 'none',
      isDeaf: false,
      calls,
      readers,
      gap() {
        for (const reader of readers) reader.onStart(BEGIN);
      },
      getOrLease: (key, { leaseId, leaseMs, except }) =>
        command('getOrLease', () => {
          const entry = entries.get(key);
          const isUsable = isAlive(entry) && !(except && Buffer.compare(entry?.value ?? except, except) === 0);
          if (isUsable) return { now: now(), value: entry?.value, isLeased: false };
          const isLeased = leaseMs > 0 && !isAlive(leases.get(key));
          if (isLeased) leases.set(key, { leaseId, expiresAt: now() + leaseMs });
          return { now: now(), isLeased };
        }),
      keepAndRelease: (key, leaseId, entry) =>
        command('keepAndRelease', () => {
          if (leases.get(key)?.leaseId === leaseId) leases.delete(key);
          if (entry && isAlive(entry)) entries.set(key, { ...entry, value: Buffer.from(entry.value) });
        }),
      setIfAbsent: (key, ttlMs) =>
        command('setIfAbsent', () => {
          if ((usedKeys.get(key) ?? 0) > now()) return false;
          usedKeys.set(key, now() + ttlMs);
          return true;
        }),
      append: (entry, keepMs) =>
        command('append', () => {
          count++;
          const position = String(count).padStart(10, '0');
          while (log[0] !== undefined && log[0].expiresAt <= now()) log.shift();
          log.push({ position, entry, expiresAt: now() + keepMs });
          for (const update of updates) setImmediate(update);
          return position;
        }),
      follow(reader) {
        readers.add(reader);
        let last = '';
        const update = () => {
          if (!updates.has(update) || connection.isDeaf) return;
          if (last === '') reader.onStart(BEGIN);
          last ||= BEGIN;
          const askedAt = performance.now();
          const newEntries = log.filter(({ position }) => position > last);
          last = newEntries.at(-1)?.position ?? last;
          if (newEntries.length > 0) reader.onEntries(newEntries.map(({ position, entry }) => ({ position, entry })));
          reader.onCaughtUp(askedAt);
        };
        updates.add(update);
        setImmediate(update);
        const timer = setInterval(update, CATCH_UP_EVERY_MS);
        timer.unref();
        return async () => {
          readers.delete(reader);
          updates.delete(update);
          clearInterval(timer);
        };
      },
    };
    return connection;
  }

  return { connect, entries, leases, log };
}
