import { startChild } from '../child.mjs';
import { Pool } from '../packages.mjs';
import { startProxy } from './proxy.mjs';
import { machineTime } from './time.mjs';

const DEFAULTS = { ttlSeconds: 60, timeoutMs: 2000 };

/** Several instances over one Redis and one endpoint; `offsets` sets their wall clocks apart, `proxied` allows to part them from Redis. */
export async function startFleet({ size, redis, endpoint, offsets = [], proxied = false, ...settings }) {
  const open = async (index) => {
    const proxy = proxied ? await startProxy(redis.port) : undefined;
    const task = {
      ...DEFAULTS,
      ...settings,
      endpoint: endpoint.url,
      redisPort: proxy?.port ?? redis.port,
      offsetMs: offsets[index] ?? 0,
    };
    const child = await startChild('fleet/instance.mjs', { task });
    const pool = new Pool(child.hello.url, { connections: 32 });
    return {
      index,
      proxy,
      ask: child.ask,
      /** One request: its status, and when it began and ended. */
      async get(token, path = '/') {
        const startedAt = machineTime();
        try {
          const { statusCode, body } = await pool.request({
            path,
            method: 'GET',
            headers: { authorization: `Bearer ${token}` },
          });
          await body.dump();
          return { instance: index, token, status: statusCode, startedAt, endedAt: machineTime() };
        } catch (error) {
          return { instance: index, token, status: error.code ?? String(error), startedAt, endedAt: machineTime() };
        }
      },
      stop() {
        child.stop();
        pool.destroy().catch(() => {});
        proxy?.stop();
      },
    };
  };
  const instances = await Promise.all(Array.from({ length: size }, (_, index) => open(index)));
  await Promise.all(instances.map((instance) => instance.ask({ order: 'ready' })));
  return {
    instances,
    /** Everyone is asked about a token, at the same time. */
    getAll: (token, path) => Promise.all(instances.map((instance) => instance.get(token, path))),
    /** How often the store was called failing, over all instances. */
    async storeFailures() {
      const states = await Promise.all(instances.map((instance) => instance.ask({ order: 'look' })));
      return states.reduce((sum, { storeFailures }) => sum + storeFailures, 0);
    },
    /** Kills one and starts it anew, without waiting for it to reach Redis. */
    async restart(index) {
      instances[index].stop();
      instances[index] = await open(index);
    },
    stop() {
      for (const instance of instances) instance.stop();
    },
  };
}
