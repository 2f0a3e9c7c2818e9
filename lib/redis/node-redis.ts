import type { Connection, RedisDriver } from './driver.js';

/**
 * A client or a cluster of the package `redis`, version 5 or 6, or a sentinel of version 6. The app must connect it. Sentinels of version 5
 * are not supported, because they cannot be duplicated.
 */
export interface NodeRedisClient {
  /** Returns a client that uses the same connection, but converts replies to other JavaScript types. */
  withTypeMapping(mapping: Record<number, unknown>): {
    /** The command `EVAL`. */
    eval(script: string, options: { keys: string[]; arguments: (string | Buffer)[] }): Promise<unknown>;
    /** The command `XREAD`. */
    xRead(streams: { key: string; id: string }, options?: { BLOCK?: number; COUNT?: number }): Promise<unknown>;
  };
  /** Creates a further client, for the revocation log or for commands. */
  duplicate(): NodeRedisClient;
  /** Opens the connection of the client. */
  connect(): Promise<unknown>;
  /**
   * Adds a listener for errors. The store adds one only to connections that it opened, and ignores these errors, because the commands of
   * the connection fail too.
   */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  /** Closes the connection of the client. */
  destroy(): unknown;
}

const BULK_STRING = 36;

export function nodeRedisDriver(client: NodeRedisClient): RedisDriver {
  const bytesClient = client.withTypeMapping({ [BULK_STRING]: Buffer });
  return {
    run: (script, keys, args) => bytesClient.eval(script, { keys, arguments: args }),
    connect: () => connectNodeRedis(client),
  };
}

function connectNodeRedis(client: NodeRedisClient): Connection {
  // A cluster reads from masters, because replicas may lag behind.
  const duplicate = (client.duplicate as (overrides: object) => NodeRedisClient).call(client, { useReplicas: false });
  duplicate.on('error', () => {});
  const bytesClient = duplicate.withTypeMapping({ [BULK_STRING]: Buffer });
  // An empty mapping, because the duplicate has the mapping of the app.
  const textClient = duplicate.withTypeMapping({});
  const connected = duplicate.connect();
  let isClosed = false;
  connected.then(() => (isClosed ? destroy() : undefined), destroy);

  async function destroy(): Promise<void> {
    try {
      await duplicate.destroy();
    } catch {
      // The duplicate was never open, or is closed already.
    }
  }

  return {
    async run(script, keys, args) {
      await connected;
      return bytesClient.eval(script, { keys, arguments: args });
    },
    async wait(key, after, ms) {
      await connected;
      try {
        return textClient.xRead({ key, id: after }, { BLOCK: ms, COUNT: 1 });
      } catch {
        return sendRawCommand(duplicate, key, ['XREAD', 'BLOCK', String(ms), 'COUNT', '1', 'STREAMS', key, after]);
      }
    },
    close() {
      isClosed = true;
      destroy();
    },
  };
}

/**
 * Sends a command by `sendCommand` instead of `xRead`. In `redis` 5, `xRead` throws when the client uses version 3 of the Redis protocol.
 */
function sendRawCommand(client: object, key: string, command: string[]): Promise<unknown> {
  const { sendCommand } = client as { sendCommand(...args: unknown[]): Promise<unknown> };
  const isCluster = 'slots' in client;
  return sendCommand.apply(client, isCluster ? [key, false, command] : [command]);
}
