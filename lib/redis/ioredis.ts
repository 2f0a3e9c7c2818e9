import type { Connection, RedisDriver, RunScript } from './driver.js';

/** A `Redis` or `Cluster` of the package `ioredis`, version 5 or 6. */
export interface IoRedisClient {
  /** Whether the client is a `Cluster`. */
  readonly isCluster: boolean;
  /**
   * The command `EVAL`. The store calls `evalBuffer` instead, which takes the same arguments but is missing in the types of the package.
   */
  eval(script: string, numberOfKeys: number, ...args: (string | Buffer)[]): Promise<unknown>;
  /** The command `XREAD`. */
  xread(...args: (string | number)[]): Promise<unknown>;
  /** Opens a further connection, for the revocation log or for commands. */
  duplicate(): IoRedisClient;
  /**
   * Adds a listener for errors. The store adds one only to connections that it opened, and ignores these errors, because the commands of
   * the connection fail too.
   */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  /** Closes the connection. */
  disconnect(): void;
}

interface BufferClient extends IoRedisClient {
  evalBuffer: IoRedisClient['eval'];
}

/** @param client a client that also has `evalBuffer`, although its type does not say so */
export function ioRedisDriver(client: IoRedisClient): RedisDriver {
  return { run: runnerOf(client as BufferClient), connect: () => connectIoRedis(client) };
}

function runnerOf(client: BufferClient): RunScript {
  return (script, keys, args) => client.evalBuffer(script, keys.length, ...keys, ...args);
}

/**
 * The connections of the store have the options of the app's client, except for these options. There is no `commandTimeout`, because a read
 * of the log waits for new entries. An interrupted command is not sent again. Commands are not pipelined automatically.
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
