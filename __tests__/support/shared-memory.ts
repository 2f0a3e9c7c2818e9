import type { CacheStore, LogEntry, LogReader, StoredValue } from '../../lib/index.js';

/** How one process is connected to what all of them share. */
export interface Connection extends CacheStore {
  /** What comes of every command but the log's reading. */
  trouble: 'none' | 'fails' | 'hangs';
  /** Neither reads the log nor confirms it, as after the loss of a connection. */
  isDeaf: boolean;
  /** Its commands so far, without those of trouble: `get`, `set`, `append`. */
  readonly calls: readonly string[];
  /** Those that its log is read to. */
  readonly readers: ReadonlySet<LogReader>;
  /** Tells its reader that entries may have been lost. */
  lose(): void;
}

export interface SharedMemory {
  connect(): Connection;
  /** What is kept now, by key. */
  readonly values: Map<string, { readonly value: Uint8Array; readonly endsAt: number }>;
  readonly log: LogEntry[];
}

const CONFIRM_EVERY_MS = 20;

/** A store within the process, as Redis is one between processes. */
export function createSharedMemory(now: () => number = () => performance.now()): SharedMemory {
  const values: SharedMemory['values'] = new Map();
  const log: (LogEntry & { readonly endsAt: number })[] = [];
  const tells = new Set<() => void>();
  let position = 0;

  function current(key: string): StoredValue | undefined {
    const kept = values.get(key);
    if (kept === undefined) return undefined;
    const ttlMs = kept.endsAt - now();
    return ttlMs > 0 ? { value: kept.value, ttlMs } : undefined;
  }

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
      lose() {
        for (const reader of readers) reader.lose();
      },
      get: (key) => command('get', () => current(key)),
      set: (key, value, { ttlMs, expected }) =>
        command('set', () => {
          const there = current(key)?.value;
          if (expected === 'absent' && there !== undefined) return false;
          if (typeof expected !== 'string' && !(there && Buffer.from(there).equals(expected))) return false;
          values.set(key, { value: Buffer.from(value), endsAt: now() + ttlMs });
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
      tail(reader) {
        readers.add(reader);
        let last = '';
        const tell = () => {
          if (!tells.has(tell) || connection.isDeaf) return;
          const askedAt = performance.now();
          const further = log.filter((entry) => entry.position > last);
          last = further.at(-1)?.position ?? last;
          if (further.length > 0) reader.read(further.map(({ position: at, entry }) => ({ position: at, entry })));
          reader.confirm(askedAt);
        };
        tells.add(tell);
        setImmediate(tell);
        const timer = setInterval(tell, CONFIRM_EVERY_MS);
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

  return { connect, values, log };
}
