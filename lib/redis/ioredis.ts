import type { Connection, RedisDriver, RunScript } from './driver.js';

/** A `Redis` or `Cluster` of the package `ioredis`, version 5 or 6. */
export interface IoRedisClient {
  /** Whether it is a cluster. */
  readonly isCluster: boolean;
  /** `EVAL`. The store calls `evalBuffer`, which takes the same arguments and is missing in the types of the package. */
  eval(script: string, numberOfKeys: number, ...args: (string | Buffer)[]): Promise<unknown>;
  /** `XREAD`. */
  xread(...args: (string | number)[]): Promise<unknown>;
  /** Opens a further connection, for the revocation log or for commands. */
  duplicate(): IoRedisClient;
  /** Adds a listener. The store ignores errors of its connections, because their commands fail too. */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  /** Closes the connection. */
  disconnect(): void;
}

interface BufferClient extends IoRedisClient {
  evalBuffer: IoRedisClient['eval'];
}

/** @param client must have `evalBuffer` */
export function ioRedisDriver(client: IoRedisClient): RedisDriver {
  return { run: runnerOf(client as BufferClient), connect: () => connectIoRedis(client) };
}

function runnerOf(client: BufferClient): RunScript {
  return (script, keys, args) => client.evalBuffer(script, keys.length, ...keys, ...args);
}

/** Reads of the log take longer than other commands. A command that a lost connection interrupts is not sent again. */
const OVERRIDES = { commandTimeout: undefined, autoResendUnfulfilledCommands: false, enableAutoPipelining: false };

function connectIoRedis(client: IoRedisClient): Connection {
  const duplicate = (client.duplicate as (...overrides: unknown[]) => BufferClient).bind(client);
  // Replicas may lag behind.
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
