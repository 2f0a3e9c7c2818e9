import { isDeepStrictEqual } from 'node:util';
import { buildConnector, Client, Pool } from 'undici';
import type { ClientAuth, TlsMaterial } from '../core/client-auth.js';
import { IntrospectionError } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';

export interface Connections {
  /** What to ask an origin through now. */
  to(origin: string): Pool;
  /** Does `work` over a connection that is new, and closed when it has ended. */
  overNew<T>(origin: string, work: (via: Client) => Promise<T>): Promise<T>;
  /** After a refusal through `used`: whether another try would go over connections with newer TLS material. */
  renew(used: unknown): Promise<boolean>;
  /** Ends once what is under way has ended. */
  close(): Promise<void>;
}

/** Connections that were made with the same TLS material, or nearly. */
interface Generation {
  readonly pools: Map<string, Pool>;
  readonly presented: TlsMaterial[];
}

const MAX_CONNECTIONS = 64;

/** Used where the server announces no `Keep-Alive: timeout` of its own; a minute of quiet keeps its connection. */
const KEEP_ALIVE_MS = 90_000;

/** A pool for each origin. A connection attempt, with what it takes to get the TLS material, has `timeoutMs`. */
export function createConnections(timeoutMs: number, connect: ClientAuth['connect']): Connections {
  const material = typeof connect === 'function' ? () => withTimeout(async () => connect(), timeoutMs) : undefined;
  let current: Generation = { pools: new Map(), presented: [] };

  function open(origin: string, { presented }: Generation): Pool {
    return new Pool(origin, {
      connections: MAX_CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: connectorFor(presented),
    });
  }

  function connectorFor(presented: TlsMaterial[]) {
    return material === undefined ? { ...connect, timeout: timeoutMs } : present(material, presented);
  }

  /** Asks for the material of each new connection, so that certificates can be renewed. */
  function present(latest: () => Promise<TlsMaterial>, presented: TlsMaterial[]): buildConnector.connector {
    return async (options, callback) => {
      const start = performance.now();
      try {
        const own = await latest();
        if (!presented.some((known) => isDeepStrictEqual(known, own))) presented.push(own);
        const timeout = Math.max(1, Math.ceil(timeoutMs - (performance.now() - start)));
        buildConnector({ ...own, timeout })(options, callback);
      } catch {
        callback(new IntrospectionError('credentials_unavailable'), null);
      }
    };
  }

  function isCurrent(used: unknown): boolean {
    return [...current.pools.values()].some((pool) => pool === used);
  }

  return {
    to(origin) {
      const known = current.pools.get(origin);
      if (known !== undefined) return known;
      const pool = open(origin, current);
      current.pools.set(origin, pool);
      return pool;
    },
    async overNew(origin, work) {
      const client = new Client(origin, { connect: connectorFor(current.presented) });
      try {
        return await work(client);
      } finally {
        client.destroy().catch(() => {});
      }
    },
    async renew(used) {
      if (material === undefined) return false;
      const latest = isCurrent(used) ? await material().catch(() => undefined) : undefined;
      // Another request has renewed them meanwhile.
      if (!isCurrent(used)) return true;
      if (latest === undefined || current.presented.every((known) => isDeepStrictEqual(known, latest))) return false;
      const { pools: former } = current;
      current = { pools: new Map(), presented: [] };
      for (const pool of former.values()) pool.close().catch(() => {});
      return true;
    },
    async close() {
      await Promise.all([...current.pools.values()].map((pool) => pool.close()));
    },
  };
}
