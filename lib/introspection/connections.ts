import { isDeepStrictEqual } from 'node:util';
import { buildConnector, Pool } from 'undici';
import { IntrospectionError } from '../errors.js';
import type { ClientAuth, TlsMaterial } from '../types.js';

export interface Connections {
  /** What to ask through now. */
  current(): Pool;
  /** After a refusal through `used`: whether another try would go over connections with newer TLS material. */
  renew(used: unknown): Promise<boolean>;
  /** Ends once what is under way has ended. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;

/** Used where the server announces no `Keep-Alive: timeout` of its own; a minute of quiet keeps its connection. */
const KEEP_ALIVE_MS = 90_000;

/** The endpoint's own pool. A connection attempt, with what it takes to get the TLS material, has `timeoutMs`. */
export function createConnections(endpoint: URL, timeoutMs: number, connect: ClientAuth['connect']): Connections {
  const material = typeof connect === 'function' ? () => within(timeoutMs, connect) : undefined;
  /** The materials that the connections of the pool in use were made with. */
  let presented: TlsMaterial[] = [];
  let pool = open(presented);

  function open(materials: TlsMaterial[]): Pool {
    return new Pool(endpoint.origin, {
      connections: MAX_CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: material === undefined ? { ...connect, timeout: timeoutMs } : present(material, materials),
    });
  }

  /** Asks for the material of each new connection, so that certificates can be renewed. */
  function present(latest: () => Promise<TlsMaterial>, materials: TlsMaterial[]): buildConnector.connector {
    return async (options, callback) => {
      const start = performance.now();
      try {
        const own = await latest();
        if (!materials.some((known) => isDeepStrictEqual(known, own))) materials.push(own);
        const timeout = Math.max(1, Math.ceil(timeoutMs - (performance.now() - start)));
        buildConnector({ ...own, timeout })(options, callback);
      } catch {
        callback(new IntrospectionError('credentials_unavailable'), null);
      }
    };
  }

  return {
    current: () => pool,
    async renew(used) {
      if (material === undefined) return false;
      const latest = used === pool ? await material().catch(() => undefined) : undefined;
      // Another request has renewed it meanwhile.
      if (used !== pool) return true;
      if (latest === undefined || presented.every((known) => isDeepStrictEqual(known, latest))) return false;
      const former = pool;
      presented = [];
      pool = open(presented);
      former.close().catch(() => {});
      return true;
    },
    close: () => pool.close(),
  };
}

function within<T>(timeoutMs: number, work: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('too late')), timeoutMs);
    Promise.resolve()
      .then(work)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
