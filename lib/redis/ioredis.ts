import type { Connection, RedisDriver, RunScript } from './driver.js';

/** A `Redis` or `Cluster` of the package `ioredis`, version 5 or 6. */
export interface IoRedisClient {
  /** Whether the client is a `Cluster`. */
  readonly isCluster: boolean;
  /** `EVAL`. The store calls `evalBuffer`, which takes the arguments of `eval` and is missing in the types of the package. */
  eval(script: string, numberOfKeys: number, ...args: (string | Buffer)[]): Promise<unknown>;
  /** `XREAD`. */
  xread(...args: (string | number)[]): Promise<unknown>;
  /** Opens a further connection, for the revocation log or for commands. */
  duplicate(): IoRedisClient;
  /** Adds a listener. The store listens only on connections that it opened. It ignores their errors, because their commands fail too. */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  /** Closes the connection. */
  disconnect(): void;
}

interface BufferClient extends IoRedisClient {
  evalBuffer: IoRedisClient['eval'];
}

/** @param client must have `evalBuffer`, which its type does not show */
export function ioRedisDriver(client: IoRedisClient): RedisDriver {
  return { run: runnerOf(client as BufferClient), connect: () => connectIoRedis(client) };
}

function runnerOf(client: BufferClient): RunScript {
  return (script, keys, args) => client.evalBuffer(script, keys.length, ...keys, ...args);
}

/**
 * Options of the app's client that the store's own connections override. A read of the log waits for new entries, perhaps longer than the
 * `commandTimeout` of the app. An interrupted command is not sent again. Commands are not pipelined automatically.
 */
const OVERRIDES = { commandTimeout: undefined, autoResendUnfulfilledCommands: false, enableAutoPipelining: false };

function connectIoRedis(client: IoRedisClient): Connection {
  const duplicate = (client.duplicate as (...overrides: unknown[]) => BufferClient).bind(client);
  // A cluster reads from masters, because replicas may lag behind.
  const connection = client.isCluster
    ? duplicate([], { scaleReads: 'master', enableAutoPipelining: false, redisOptions: OVERRIDES })
    : duplicate(OVERRIDES);
  connection.on('error', () => {});
  return {
    run: runnerOf(connection),
    wait: (key, after, ms) => connection.xread('COUNT', 1, 'BLOCK', ms, 'STREAMS', key, after),
    close: () => connection.disconnect(),
  };
}
