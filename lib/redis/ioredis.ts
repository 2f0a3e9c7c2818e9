import type { Connection, RedisDriver, RunScript } from './driver.js';

/** A `Redis` or `Cluster` of the package `ioredis`, version 5 or 6. */
export interface IoRedisClient {
  /** Whether it is a cluster. */
  readonly isCluster: boolean;
  /** `EVAL`. Its sibling `evalBuffer`, which is not in the types of the package, is called. */
  eval(script: string, numberOfKeys: number, ...words: (string | Buffer)[]): Promise<unknown>;
  /** `XREAD`. */
  xread(...words: (string | number)[]): Promise<unknown>;
  /** Makes a further connection, which reads the revocation log. */
  duplicate(): IoRedisClient;
  /** Failures of that connection are ignored here, because its commands fail too. */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  /** Closes it. */
  disconnect(): void;
}

interface WithBytes extends IoRedisClient {
  evalBuffer: IoRedisClient['eval'];
}

/** @param client has `evalBuffer` */
export function ioRedisDriver(client: IoRedisClient): RedisDriver {
  return { run: runnerOf(client as WithBytes), connect: () => connectIoRedis(client) };
}

function runnerOf(client: WithBytes): RunScript {
  return (script, keys, words) => client.evalBuffer(script, keys.length, ...keys, ...words);
}

/** Commands wait here for as long as the log takes; those that were under way when a connection was lost are not sent again. */
const OVERRIDES = { commandTimeout: undefined, autoResendUnfulfilledCommands: false, enableAutoPipelining: false };

function connectIoRedis(client: IoRedisClient): Connection {
  const duplicate = (client.duplicate as (...overrides: unknown[]) => WithBytes).bind(client);
  // Replicas may be behind.
  const own = client.isCluster
    ? duplicate([], { scaleReads: 'master', enableAutoPipelining: false, redisOptions: OVERRIDES })
    : duplicate(OVERRIDES);
  own.on('error', () => {});
  return {
    run: runnerOf(own),
    wait: (key, after, ms) => own.xread('COUNT', 1, 'BLOCK', ms, 'STREAMS', key, after),
    close: () => own.disconnect(),
  };
}
