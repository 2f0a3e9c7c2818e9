import type { Connection, RedisDriver } from './driver.js';

/**
 * A client or a cluster of the package `redis`, version 5 or 6, or a sentinel of version 6. Connect it yourself. Sentinels of version 5
 * cannot be used, because they cannot be duplicated.
 */
export interface NodeRedisClient {
  /** The same client with another mapping of reply types. */
  withTypeMapping(mapping: Record<number, unknown>): {
    /** `EVAL`. */
    eval(script: string, options: { keys: string[]; arguments: (string | Buffer)[] }): Promise<unknown>;
    /** `XREAD`. */
    xRead(streams: { key: string; id: string }, options?: { BLOCK?: number; COUNT?: number }): Promise<unknown>;
  };
  /** Makes a further connection, which reads the revocation log. */
  duplicate(): NodeRedisClient;
  /** Opens it. */
  connect(): Promise<unknown>;
  /** Failures of that connection are ignored here, because its commands fail too. */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  /** Closes it. */
  destroy(): unknown;
}

const BULK_STRING = 36;

export function nodeRedisDriver(client: NodeRedisClient): RedisDriver {
  const bytes = client.withTypeMapping({ [BULK_STRING]: Buffer });
  return {
    run: (script, keys, words) => bytes.eval(script, { keys, arguments: words }),
    connect: () => connectNodeRedis(client),
  };
}

function connectNodeRedis(client: NodeRedisClient): Connection {
  // Replicas of a cluster may be behind.
  const own = (client.duplicate as (overrides: object) => NodeRedisClient).call(client, { useReplicas: false });
  own.on('error', () => {});
  const bytes = own.withTypeMapping({ [BULK_STRING]: Buffer });
  // The app's own mapping is not inherited.
  const texts = own.withTypeMapping({});
  const connected = own.connect();
  let isClosed = false;
  connected.then(() => (isClosed ? destroy() : undefined), destroy);

  async function destroy(): Promise<void> {
    try {
      await own.destroy();
    } catch {
      // It never was open, or is closed already.
    }
  }

  return {
    async run(script, keys, words) {
      await connected;
      return bytes.eval(script, { keys, arguments: words });
    },
    async wait(key, after, ms) {
      await connected;
      try {
        return texts.xRead({ key, id: after }, { BLOCK: ms, COUNT: 1 });
      } catch {
        return waitByWords(own, key, ['XREAD', 'BLOCK', String(ms), 'COUNT', '1', 'STREAMS', key, after]);
      }
    },
    close() {
      isClosed = true;
      destroy();
    },
  };
}

/** Version 5 has no method for `XREAD` with version 3 of the protocol: the method throws at once. Raw commands work. */
function waitByWords(client: object, key: string, words: string[]): Promise<unknown> {
  const { sendCommand } = client as { sendCommand(...given: unknown[]): Promise<unknown> };
  const isCluster = 'slots' in client;
  return sendCommand.apply(client, isCluster ? [key, false, words] : [words]);
}
