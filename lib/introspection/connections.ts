import { isDeepStrictEqual } from 'node:util';
import { buildConnector, Pool } from 'undici';
import { IntrospectionError } from '../errors.js';
import type { ClientAuth, TlsMaterial } from '../types.js';

export interface Connections {
  /** What to ask through now. */
  current(): Pool;
  /** Leaves the connections made with TLS material that is no longer current; whether there were any. */
  renew(): Promise<boolean>;
  /** Ends once what is under way has ended. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;

/** Used where the server announces no `Keep-Alive: timeout` of its own; a minute of quiet keeps its connection. */
const KEEP_ALIVE_MS = 90_000;

/** The endpoint's own pool. A connection attempt, with what it takes to get the TLS material, has `timeoutMs`. */
export function createConnections(endpoint: URL, timeoutMs: number, connect: ClientAuth['connect']): Connections {
  const material = typeof connect === 'function' ? () => within(timeoutMs, connect) : undefined;
  let presented: TlsMaterial | undefined;
  let pool = open();

  function open(): Pool {
    return new Pool(endpoint.origin, {
      connections: MAX_CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: material === undefined ? { ...connect, timeout: timeoutMs } : present(material),
    });
  }

  /** Asks for the material of each new connection, so that certificates can be renewed. */
  function present(latest: () => Promise<TlsMaterial>): buildConnector.connector {
    return async (options, callback) => {
      try {
        presented = await latest();
        buildConnector({ ...presented, timeout: timeoutMs })(options, callback);
      } catch {
        callback(new IntrospectionError('credentials_unavailable'), null);
      }
    };
  }

  return {
    current: () => pool,
    async renew() {
      const latest = await material?.().catch(() => undefined);
      if (latest === undefined || isDeepStrictEqual(latest, presented)) return false;
      const former = pool;
      pool = open();
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
