import { startChild } from '../child.mjs';
import { Pool } from '../packages.mjs';
import { startProxy } from './proxy.mjs';
import { machineTime } from './time.mjs';

const DEFAULTS = { ttlSeconds: 60, timeoutMs: 2000 };

/** Starts instances with one Redis and one endpoint. `offsets` shifts their wall clocks. With `proxied` they can be disconnected from Redis. */
export async function startFleet({ size, redis, endpoint, offsets = [], proxied = false, ...settings }) {
  const start = async (index) => {
    const proxy = proxied ? await startProxy(redis.port) : undefined;
    const task = {
      ...DEFAULTS,
      ...settings,
      endpoint: endpoint.url,
      redisPort: proxy?.port ?? redis.port,
      offsetMs: offsets[index] ?? 0,
    };
    const child = await startChild('fleet/instance.mjs', { task });
    const pool = new Pool(child.firstMessage.url, { connections: 32 });
    return {
      index,
      proxy,
      url: child.firstMessage.url,
      send: child.send,
      /** Sends a request. Resolves with its status, start and end. */
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
  const instances = await Promise.all(Array.from({ length: size }, (_, index) => start(index)));
  await Promise.all(instances.map((instance) => instance.send({ command: 'ready' })));
  return {
    instances,
    /** Sends a token to all instances at the same time. */
    getAll: (token, path) => Promise.all(instances.map((instance) => instance.get(token, path))),
    /** How often the store began to fail, over all instances. */
    async storeFailures() {
      const states = await Promise.all(instances.map((instance) => instance.send({ command: 'readState' })));
      return states.reduce((sum, { storeFailures }) => sum + storeFailures, 0);
    },
    /** Kills and restarts an instance. Does not wait until it is connected to Redis. */
    async restart(index) {
      instances[index].stop();
      instances[index] = await start(index);
    },
    stop() {
      for (const instance of instances) instance.stop();
    },
  };
}
