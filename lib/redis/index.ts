import { randomBytes } from 'node:crypto';
import type { CacheStore } from '../cache/shared/store.js';
import { optionError } from '../core/option-error.js';
import { createCommands } from './commands.js';
import { hasMethods, type RedisDriver } from './driver.js';
import { followLog } from './follow-log.js';
import { type IoRedisClient, ioRedisDriver } from './ioredis.js';
import { type NodeRedisClient, nodeRedisDriver } from './node-redis.js';
import { parseStoreReply, positionOf, textOf } from './replies.js';
import { APPEND, GET_OR_LEASE, KEEP_AND_RELEASE, SET_IF_ABSENT } from './scripts.js';

export type { IoRedisClient, NodeRedisClient };

/** The options of `redisStore()`. */
export interface RedisStoreOptions {
  /**
   * A client or cluster of the package `redis` (5 or 6) or `ioredis` (5 or 6), or a sentinel of `redis` 6 or `ioredis`. The store never
   * closes this client.
   */
  readonly client: NodeRedisClient | IoRedisClient;
  /** Prefix of every Redis key that the store uses. Default: `'token-introspection:'`. */
  readonly prefix?: string | undefined;
}

/**
 * Creates a store on Redis or Valkey (6.2 or later), for `cache.store`. Each command is one script and one round trip.
 *
 * The revocation log is a Redis stream. The store opens a second connection with `client.duplicate()`, to read the stream. All middlewares
 * that use the store share this connection. When two commands in a row fail on your client, the store opens one more connection for its
 * commands.
 *
 * @throws TypeError for an unsupported client or another invalid option
 */
export function redisStore(options: RedisStoreOptions): CacheStore {
  const { client, prefix = 'token-introspection:' } = options;
  if (typeof prefix !== 'string') throw optionError('prefix', prefix, 'write a string');
  const driver = driverOf(client);
  const logKey = `${prefix}revocations`;
  const { run, allowConnection } = createCommands(driver);

  /**
   * Returns the Redis keys of an entry and of its lease, the right of one process to ask the endpoint. Both keys have the same hash tag, so
   * that they are on one node of a cluster.
   */
  function keysOf(key: string): [entry: string, lease: string] {
    return [`${prefix}{${key}}`, `${prefix}{${key}}.lease`];
  }

  return {
    async getOrLease(key, { leaseId, leaseMs, except }) {
      const args = [leaseId, String(Math.ceil(leaseMs)), Buffer.from(except ?? [])];
      return parseStoreReply(await run(GET_OR_LEASE, keysOf(key), args));
    },
    async keepAndRelease(key, leaseId, entry) {
      const entryArgs = entry === undefined ? [] : [String(entry.expiresAt), Buffer.from(entry.value)];
      await run(KEEP_AND_RELEASE, keysOf(key), [leaseId, ...entryArgs]);
    },
    async setIfAbsent(key, ttlMs) {
      return Number(await run(SET_IF_ABSENT, [prefix + key], [String(Math.max(1, Math.ceil(ttlMs)))])) === 1;
    },
    async append(entry, keepMs) {
      const args = [randomBytes(12).toString('base64url'), entry, String(Math.ceil(keepMs))];
      return positionOf(textOf(await run(APPEND, [logKey], args)));
    },
    follow(reader) {
      const withdrawConnection = allowConnection();
      const stop = followLog(driver, logKey, reader);
      return () => {
        withdrawConnection();
        return stop();
      };
    },
  };
}

function driverOf(client: unknown): RedisDriver {
  if (hasMethods(client, 'evalBuffer', 'xread', 'duplicate')) return ioRedisDriver(client as IoRedisClient);
  if (hasMethods(client, 'withTypeMapping', 'xRead', 'duplicate')) return nodeRedisDriver(client as NodeRedisClient);
  const isSentinel = hasMethods(client, 'withTypeMapping', 'xRead', 'acquire');
  throw optionError(
    'client',
    client,
    isSentinel
      ? 'write a sentinel of the package "redis" 6, because those of 5 cannot be duplicated'
      : 'write a client of the package "redis" (5 or 6) or "ioredis" (5 or 6)',
  );
}
