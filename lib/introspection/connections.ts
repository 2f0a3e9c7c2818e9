import { isDeepStrictEqual } from 'node:util';
import { buildConnector, Client, Pool } from 'undici';
import type { ClientAuth, TlsMaterial } from '../core/client-auth.js';
import { IntrospectionError } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';
import type { Dispatcher } from './http.js';

export interface Connections {
  /** Pooled connections to an origin. */
  to(origin: string): Dispatcher;
  /** Does `work` over a new connection, which is closed afterwards. */
  withNew<T>(origin: string, work: (via: Dispatcher) => Promise<T>): Promise<T>;
  /** Number of the current generation. Pools of one generation presented the same TLS material, or nearly. */
  generation(): number;
  /** Whether requests now present newer TLS material than those of this generation. It fetches the material, after a 401. */
  renew(generation: number): Promise<boolean>;
  /** Ends after all requests have ended. */
  close(): Promise<void>;
}

interface Generation {
  readonly number: number;
  readonly pools: Map<string, Pool>;
  readonly presented: TlsMaterial[];
}

const MAX_CONNECTIONS = 64;

/** Applies when the server sends no `Keep-Alive: timeout`. A connection survives a minute without requests. */
const KEEP_ALIVE_MS = 90_000;

/** One pool for each origin. Connecting, including the wait for TLS material, may take `timeoutMs`. */
export function createConnections(timeoutMs: number, connect: ClientAuth['connect']): Connections {
  const fetchMaterial = typeof connect === 'function' ? () => withTimeout(async () => connect(), timeoutMs) : undefined;
  let current: Generation = { number: 1, pools: new Map(), presented: [] };

  function createPool(origin: string, { presented }: Generation): Pool {
    return new Pool(origin, {
      connections: MAX_CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: connectorFor(presented),
    });
  }

  function connectorFor(presented: TlsMaterial[]) {
    return fetchMaterial === undefined
      ? { ...connect, timeout: timeoutMs }
      : createPresentingConnector(fetchMaterial, presented);
  }

  /** Fetches the material for each new connection, so that certificates can be renewed. */
  function createPresentingConnector(
    fetchLatest: () => Promise<TlsMaterial>,
    presented: TlsMaterial[],
  ): buildConnector.connector {
    return async (options, callback) => {
      const start = performance.now();
      try {
        const material = await fetchLatest();
        if (!presented.some((known) => isDeepStrictEqual(known, material))) presented.push(material);
        const timeout = Math.max(1, Math.ceil(timeoutMs - (performance.now() - start)));
        buildConnector({ ...material, timeout })(options, callback);
      } catch {
        callback(new IntrospectionError('credentials_unavailable'), null);
      }
    };
  }

  return {
    to(origin) {
      const known = current.pools.get(origin);
      if (known !== undefined) return known;
      const pool = createPool(origin, current);
      current.pools.set(origin, pool);
      return pool;
    },
    async withNew(origin, work) {
      const client = new Client(origin, { connect: connectorFor(current.presented) });
      try {
        return await work(client);
      } finally {
        client.destroy().catch(() => {});
      }
    },
    generation: () => current.number,
    async renew(generation) {
      if (fetchMaterial === undefined) return false;
      const latest = generation === current.number ? await fetchMaterial().catch(() => undefined) : undefined;
      // Another request has renewed the material meanwhile.
      if (generation !== current.number) return true;
      if (latest === undefined || current.presented.every((known) => isDeepStrictEqual(known, latest))) return false;
      const { number, pools: formerPools } = current;
      current = { number: number + 1, pools: new Map(), presented: [] };
      for (const pool of formerPools.values()) pool.close().catch(() => {});
      return true;
    },
    async close() {
      await Promise.all([...current.pools.values()].map((pool) => pool.close()));
    },
  };
}

/** Connections of the app's own dispatcher, which makes, renews and closes them itself. */
export function appConnections(dispatcher: Dispatcher): Connections {
  return {
    to: () => dispatcher,
    withNew: (_origin, work) => work(dispatcher),
    generation: () => 1,
    renew: async () => false,
    async close() {},
  };
}
