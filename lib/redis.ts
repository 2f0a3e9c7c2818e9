import type { CacheStore, LogEntry, LogReader, SetOptions, StoredValue } from './cache/shared/store.js';
import { inTime } from './cache/shared/time-limit.js';
import { optionError } from './option-error.js';

/**
 * What is needed of a client, a cluster or a sentinel of the package `redis`, version 5 (but not with `RESP: 3`, by which it reads no
 * streams) or 6. Connect it yourself.
 */
export interface NodeRedisClient {
  /** `EVAL`, whose replies are bytes. */
  withTypeMapping(mapping: Record<number, unknown>): {
    /** What the script returns. */
    eval(script: string, options: { keys: string[]; arguments: (string | Buffer)[] }): Promise<unknown>;
  };
  /** `XREAD`. */
  xRead(streams: { key: string; id: string }, options?: { BLOCK?: number; COUNT?: number }): Promise<unknown>;
  /** A further connection, for commands that block. */
  duplicate(): NodeRedisClient;
  /** Opens it. */
  connect(): Promise<unknown>;
  /** Failures of such a connection, which are borne. */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  /** Closes it. */
  destroy(): void;
}

/** What is needed of a `Redis` or `Cluster` of the package `ioredis`. */
export interface IoRedisClient {
  /** Any command, whose replies are bytes. */
  callBuffer(command: string, ...args: (string | Buffer | number)[]): Promise<unknown>;
  /** `XREAD`. */
  xread(...words: (string | number)[]): Promise<unknown>;
  /** A further connection, for commands that block. */
  duplicate(): IoRedisClient;
  /** Failures of such a connection, which are borne. */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  /** Closes it. */
  disconnect(): void;
}

/** What `redisStore()` takes. */
export interface RedisStoreOptions {
  /** A client of `redis` (5 or 6) or `ioredis`, or a cluster or sentinel of theirs. It is used and never closed. */
  readonly client: NodeRedisClient | IoRedisClient;
  /** Before every key. Default `'token-introspection:'`. */
  readonly prefix?: string | undefined;
  /** How long one command may take, in milliseconds, 1 to 10000. Default 250. */
  readonly commandTimeoutMs?: number | undefined;
}

/** Both packages as one. */
interface Driver {
  /** Runs a script; texts of its answer come as bytes. */
  run(script: string, key: string, words: (string | Buffer)[]): Promise<unknown>;
  /** A connection of its own, for commands that block. */
  reader(onError: () => void): StreamReader;
}

interface StreamReader {
  read(key: string, after: string, blockMs: number | undefined): Promise<readonly LogEntry[]>;
  close(): void;
}

/** In one step, so that what is left is left of this very value. */
const GET = `local value = redis.call('GET', KEYS[1])
return value and {value, redis.call('PTTL', KEYS[1])}`;

/** Writes where what is there is what was expected. One key, so that a cluster takes it. */
const SET_IF = `
if ARGV[3] == 'absent' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
elseif ARGV[3] == 'equal' then
  if redis.call('GET', KEYS[1]) ~= ARGV[4] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/**
 * Adds an entry, and drops the oldest ones that nobody needs any more, by Redis's own clock. Each says how long it is needed: apps with
 * other lifetimes may append to the same log.
 */
const APPEND = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
for _, old in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 20)) do
  if string.match(old[1], '^%d+') + (old[2][4] or 0) >= now then break end
  redis.call('XDEL', KEYS[1], old[1])
end
return redis.call('XADD', KEYS[1], '*', 'd', ARGV[1], 'ms', ARGV[2])`;

const START = '0-0';
const BLOCK_MS = 1000;
const MAX_ENTRIES_A_READ = 1000;
const RETRY_MS = 250;
const BULK_STRING = 36;

/**
 * A store on Redis or Valkey (5.0 and later, with scripts), for `cache.store`. A read is one round trip and so is a write; the log of
 * revocations is a stream, which each process reads over a connection of its own.
 *
 * @throws TypeError for a client of another kind, or another wrong option
 */
export function redisStore(options: RedisStoreOptions): CacheStore {
  const { client, prefix = 'token-introspection:', commandTimeoutMs = 250 } = options;
  if (typeof prefix !== 'string') throw optionError('prefix', prefix, 'write a string');
  if (!(Number.isInteger(commandTimeoutMs) && commandTimeoutMs >= 1 && commandTimeoutMs <= 10_000)) {
    throw optionError('commandTimeoutMs', commandTimeoutMs, 'write whole milliseconds from 1 to 10000');
  }
  const driver = driverOf(client);
  const logKey = `${prefix}revocations`;
  const within = <T>(work: () => Promise<T>) => inTime(work, commandTimeoutMs);

  return {
    get: (key) => within(async () => storedValueOf(await driver.run(GET, prefix + key, []))),
    async set(key, value, { ttlMs, expected }: SetOptions) {
      const words = typeof expected === 'string' ? [expected] : ['equal', Buffer.from(expected)];
      const px = String(Math.max(1, Math.floor(ttlMs)));
      const written = await within(() => driver.run(SET_IF, prefix + key, [Buffer.from(value), px, ...words]));
      return Number(written) === 1;
    },
    async append(entry, keepMs) {
      const id = await within(() => driver.run(APPEND, logKey, [entry, String(Math.ceil(keepMs))]));
      return positionOf(String(id));
    },
    tail: (reader) => tail(driver, logKey, reader, commandTimeoutMs),
  };
}

/** Reads what is kept, then waits for what is added, for ever; after a failure from where it was. */
function tail(driver: Driver, key: string, reader: LogReader, timeoutMs: number): () => Promise<void> {
  let isStopped = false;
  let wake: () => void = () => {};
  const log = driver.reader(() => {});

  /** What comes of it, or `undefined` once stopped. Not by `Promise.race`, to which a promise that lasts would hold on. */
  function unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      wake = () => resolve(undefined);
      work.then(resolve, reject);
    });
  }

  async function follow(): Promise<void> {
    let last = START;
    /** What had been read last when the connection failed: a log where it is not any more may lack others too. */
    let before = START;
    let hasBefore = true;
    let isCaughtUp = false;
    while (!isStopped) {
      const askedAt = performance.now();
      try {
        const blockMs: number | undefined = isCaughtUp ? BLOCK_MS : undefined;
        const reading: Promise<readonly LogEntry[]> = inTime(
          () => log.read(key, last, blockMs),
          (blockMs ?? 0) + timeoutMs,
        );
        const entries: readonly LogEntry[] | undefined = await unlessStopped(reading);
        if (isStopped || entries === undefined) return;
        hasBefore ||= entries.some(({ position }) => position === before);
        if (!isCaughtUp && entries.length < MAX_ENTRIES_A_READ) {
          if (!hasBefore) reader.lose();
          before = START;
          hasBefore = true;
        }
        if (entries.length > 0)
          reader.read(entries.map(({ position, entry }) => ({ position: positionOf(position), entry })));
        last = entries.at(-1)?.position ?? last;
        isCaughtUp = entries.length < MAX_ENTRIES_A_READ;
        if (isCaughtUp) reader.confirm(askedAt);
      } catch {
        isCaughtUp = false;
        before = positionOf(last) > positionOf(before) ? last : before;
        hasBefore = before === START;
        last = START;
        if (!isStopped) await unlessStopped(pause(RETRY_MS));
      }
    }
  }

  const following = follow();
  return async () => {
    isStopped = true;
    wake();
    log.close();
    await following;
  };
}

function storedValueOf(answer: unknown): StoredValue | undefined {
  const [value, left] = (answer ?? []) as [value?: Buffer, left?: unknown];
  // Less than nothing is left of what never ends, which was not written here.
  return value && { value, ttlMs: Number(left) >= 0 ? Number(left) : Number.POSITIVE_INFINITY };
}

/** Stream ids as texts that sort in their order. */
function positionOf(id: string): string {
  const [ms = '', sequence = ''] = id.split('-');
  return `${ms.padStart(20, '0')}-${sequence.padStart(20, '0')}`;
}

function driverOf(client: unknown): Driver {
  if (hasMethods(client, 'callBuffer', 'xread', 'duplicate')) return ioRedisDriver(client as IoRedisClient);
  if (hasMethods(client, 'withTypeMapping', 'xRead', 'duplicate')) return nodeRedisDriver(client as NodeRedisClient);
  throw optionError('client', client, 'write a client of the package "redis" (5 or 6) or "ioredis"');
}

function hasMethods(value: unknown, ...names: string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function');
}

function nodeRedisDriver(client: NodeRedisClient): Driver {
  const bytes = client.withTypeMapping({ [BULK_STRING]: Buffer });
  return {
    run: (script, key, words) => bytes.eval(script, { keys: [key], arguments: words }),
    reader(onError) {
      const own = client.duplicate();
      own.on('error', onError);
      const connected = own.connect();
      connected.catch(onError);
      return {
        async read(key, after, blockMs) {
          await connected;
          const options = { COUNT: MAX_ENTRIES_A_READ, ...(blockMs !== undefined && { BLOCK: blockMs }) };
          const streams = (await own.xRead({ key, id: after }, options)) as
            | { messages: { id: string; message: Record<string, string> }[] }[]
            | null;
          return (streams?.[0]?.messages ?? []).map(({ id, message }) => ({ position: id, entry: message.d ?? '' }));
        },
        close() {
          try {
            own.destroy();
          } catch {
            // It has given up connecting and is closed already.
          }
        },
      };
    },
  };
}

function ioRedisDriver(client: IoRedisClient): Driver {
  return {
    run: (script, key, words) => client.callBuffer('eval', script, 1, key, ...words),
    reader(onError) {
      const own = client.duplicate();
      own.on('error', onError);
      return {
        async read(key, after, blockMs) {
          const block = blockMs === undefined ? [] : ['BLOCK', blockMs];
          const words = ['COUNT', MAX_ENTRIES_A_READ, ...block, 'STREAMS', key, after];
          const streams = (await own.xread(...words)) as [key: string, [id: string, fields: string[]][]][] | null;
          return (streams?.[0]?.[1] ?? []).map(([id, fields]) => ({ position: id, entry: fields[1] ?? '' }));
        },
        close: () => own.disconnect(),
      };
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
