import type { CacheStore, LogEntry, LogReader } from '../../lib/index.js';

/** How one process is connected to the memory that all of them share. */
export interface Connection extends CacheStore {
  /** What comes of every command except following the log. */
  trouble: 'none' | 'fails' | 'hangs';
  /** Neither reads the log nor says that it has caught up, as after the loss of a connection. */
  isDeaf: boolean;
  /** Its commands so far, without those that failed or hung. */
  readonly calls: readonly string[];
  /** Those who follow the log. */
  readonly readers: ReadonlySet<LogReader>;
  /** Tells its readers that entries may have been lost. */
  gap(): void;
}

export interface SharedMemory {
  connect(): Connection;
  /** The entries, by key. */
  readonly entries: Map<string, { readonly value: Uint8Array; readonly expiresAt: number }>;
  readonly leases: Map<string, { readonly leaseId: string; readonly expiresAt: number }>;
  readonly log: LogEntry[];
}

/** Where its log begins. */
export const BEGIN = '0';
const CATCH_UP_EVERY_MS = 20;

/** A store within the process, as Redis is one between processes. */
export function createSharedMemory(now: () => number = () => performance.now()): SharedMemory {
  const entries: SharedMemory['entries'] = new Map();
  const leases: SharedMemory['leases'] = new Map();
  const used = new Map<string, number>();
  const log: (LogEntry & { readonly endsAt: number })[] = [];
  const tells = new Set<() => void>();
  let position = 0;

  const isThere = (kept: { readonly expiresAt: number } | undefined) => kept !== undefined && kept.expiresAt > now();

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
          const kept = entries.get(key);
          const isUsable = isThere(kept) && !(except && Buffer.compare(kept?.value ?? except, except) === 0);
          if (isUsable) return { now: now(), value: kept?.value, isLeased: false };
          const isLeased = leaseMs > 0 && !isThere(leases.get(key));
          if (isLeased) leases.set(key, { leaseId, expiresAt: now() + leaseMs });
          return { now: now(), isLeased };
        }),
      keepAndRelease: (key, leaseId, entry) =>
        command('keepAndRelease', () => {
          if (leases.get(key)?.leaseId === leaseId) leases.delete(key);
          if (entry && isThere(entry)) entries.set(key, { ...entry, value: Buffer.from(entry.value) });
        }),
      setIfAbsent: (key, ttlMs) =>
        command('setIfAbsent', () => {
          if ((used.get(key) ?? 0) > now()) return false;
          used.set(key, now() + ttlMs);
          return true;
        }),
      append: (entry, keepMs) =>
        command('append', () => {
          position++;
          const at = String(position).padStart(10, '0');
          while (log[0] !== undefined && log[0].endsAt <= now()) log.shift();
          log.push({ position: at, entry, endsAt: now() + keepMs });
          for (const tell of tells) setImmediate(tell);
          return at;
        }),
      follow(reader) {
        readers.add(reader);
        let last = '';
        const tell = () => {
          if (!tells.has(tell) || connection.isDeaf) return;
          if (last === '') reader.onStart(BEGIN);
          last ||= BEGIN;
          const askedAt = performance.now();
          const further = log.filter((entry) => entry.position > last);
          last = further.at(-1)?.position ?? last;
          if (further.length > 0) reader.onEntries(further.map(({ position: at, entry }) => ({ position: at, entry })));
          reader.onCaughtUp(askedAt);
        };
        tells.add(tell);
        setImmediate(tell);
        const timer = setInterval(tell, CATCH_UP_EVERY_MS);
        timer.unref();
        return async () => {
          readers.delete(reader);
          tells.delete(tell);
          clearInterval(timer);
        };
      },
    };
    return connection;
  }

  return { connect, entries, leases, log };
}
