import { isDeepStrictEqual } from 'node:util';
import { buildConnector, Client, Pool } from 'undici';
import type { ClientAuth, TlsMaterial } from '../core/client-auth.js';
import { IntrospectionError } from '../core/errors.js';
import { withTimeout } from '../core/timeout.js';
import type { Dispatcher, SendRequest } from './http.js';
import { sendOverDispatcher } from './send-over-dispatcher.js';
import { sendOverPool } from './send-over-pool.js';

export interface Connections {
  /** Returns the function that sends requests over the pooled connections to an origin. */
  to(origin: string): SendRequest;
  /** Passes `work` a function that sends requests over a new connection. Closes the connection afterwards. */
  withNew<T>(origin: string, work: (send: SendRequest) => Promise<T>): Promise<T>;
  /**
   * Number of the current generation of connection pools. When the TLS material has changed, {@link renew} replaces all pools, and the
   * number grows by one.
   */
  generation(): number;
  /**
   * Fetches the TLS material after a 401. If the material has changed, all pools are replaced, so that later requests present the new
   * material.
   *
   * @param generation the generation of the request that got the 401
   * @returns whether later requests present newer material than the request that got the 401; `false` if the material could not be fetched
   */
  renew(generation: number): Promise<boolean>;
  /**
   * Closes the present connection pools, and waits until their requests have ended. It does not wait for pools that {@link renew} has
   * replaced: they close by themselves when their requests have ended.
   */
  close(): Promise<void>;
}

interface PooledConnections {
  readonly pool: Pool;
  readonly send: SendRequest;
}

interface Generation {
  readonly number: number;
  /** By origin. */
  readonly pools: Map<string, PooledConnections>;
  readonly presented: TlsMaterial[];
}

const MAX_CONNECTIONS = 64;

/**
 * A connection without requests is closed after this many milliseconds, unless the server sends `Keep-Alive: timeout`. The time is longer
 * than a minute, so that one request a minute keeps a connection open.
 */
const KEEP_ALIVE_MS = 90_000;

/**
 * Creates one connection pool for each origin, when the origin is first used. Opening a connection may take at most `timeoutMs`
 * milliseconds, including the wait for TLS material.
 */
export function createConnections(timeoutMs: number, connect: ClientAuth['connect']): Connections {
  const fetchMaterial = typeof connect === 'function' ? () => withTimeout(async () => connect(), timeoutMs) : undefined;
  let current: Generation = { number: 1, pools: new Map(), presented: [] };

  function createPool(origin: string, { presented }: Generation): PooledConnections {
    const pool = new Pool(origin, {
      connections: MAX_CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: connectorFor(presented),
    });
    return { pool, send: sendOverPool(pool) };
  }

  function connectorFor(presented: TlsMaterial[]) {
    return fetchMaterial === undefined
      ? { ...connect, timeout: timeoutMs }
      : createPresentingConnector(fetchMaterial, presented);
  }

  /**
   * Returns a function that opens connections. It fetches the TLS material for each new connection, so that certificates can be renewed,
   * and adds the material to the list `presented` unless the list already has it.
   */
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
      if (known !== undefined) return known.send;
      const created = createPool(origin, current);
      current.pools.set(origin, created);
      return created.send;
    },
    async withNew(origin, work) {
      const client = new Client(origin, { connect: connectorFor(current.presented) });
      try {
        return await work(sendOverPool(client));
      } finally {
        client.destroy().catch(() => {});
      }
    },
    generation: () => current.number,
    async renew(generation) {
      if (fetchMaterial === undefined) return false;
      const latest = generation === current.number ? await fetchMaterial().catch(() => undefined) : undefined;
      // Another request has renewed the material, before or during this fetch.
      if (generation !== current.number) return true;
      if (latest === undefined || current.presented.every((known) => isDeepStrictEqual(known, latest))) return false;
      const { number, pools: formerPools } = current;
      current = { number: number + 1, pools: new Map(), presented: [] };
      for (const { pool } of formerPools.values()) pool.close().catch(() => {});
      return true;
    },
    async close() {
      await Promise.all([...current.pools.values()].map(({ pool }) => pool.close()));
    },
  };
}

/**
 * Sends everything through the dispatcher of the app, which opens, renews and closes its connections itself. So `withNew` may use an old
 * connection, and `renew` and `close` do nothing.
 */
export function appConnections(dispatcher: Dispatcher): Connections {
  const send = sendOverDispatcher(dispatcher);
  return {
    to: () => send,
    withNew: (_origin, work) => work(send),
    generation: () => 1,
    renew: async () => false,
    async close() {},
  };
}
