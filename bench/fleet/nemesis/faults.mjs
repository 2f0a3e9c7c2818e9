import { machineTime, sleep } from '../time.mjs';

/** Faults of Redis, of the connections to it, of a process, and of the endpoint. Each returns a function that repairs it. */
export const FAULTS = {
  'killed, back empty': async ({ redis }) => {
    await redis.kill();
    return () => redis.restart();
  },
  'restarted empty at once': async ({ redis }) => {
    await redis.restart();
    return () => {};
  },
  frozen: async ({ redis }) => {
    redis.freeze();
    return () => redis.thaw();
  },
  emptied: async ({ redis }) => {
    await redis.command('FLUSHALL');
    return () => {};
  },
  full: async ({ redis }) => {
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    return () => redis.command('CONFIG', 'SET', 'maxmemory', '0');
  },
  'read only': async ({ redis }) => {
    await redis.command('REPLICAOF', '127.0.0.1', '1');
    return () => redis.command('REPLICAOF', 'NO', 'ONE');
  },
  'disconnected from one, connections closed': async ({ proxies, index }) => {
    proxies[index].refuse();
    return () => proxies[index].repair();
  },
  'disconnected from all, connections closed': async ({ proxies }) => {
    for (const proxy of proxies) proxy.refuse();
    return () => {
      for (const proxy of proxies) proxy.repair();
    };
  },
  'disconnected from one, connections silent': async ({ proxies, index }) => {
    proxies[index].cut();
    return () => proxies[index].repair();
  },
  'disconnected from all, connections silent': async ({ proxies }) => {
    for (const proxy of proxies) proxy.cut();
    return () => {
      for (const proxy of proxies) proxy.repair();
    };
  },
  'replaced by an empty one while one is disconnected': async ({ redis, proxies, index }) => {
    proxies[index].refuse();
    await sleep(600);
    await redis.restart();
    return () => proxies[index].repair();
  },
  slow: async ({ proxies }) => {
    for (const proxy of proxies) proxy.delay(150);
    return () => {
      for (const proxy of proxies) proxy.delay(0);
    };
  },
  'normal, one process suspended': async ({ instances, index, outages }) => {
    instances[index].signal('SIGSTOP');
    outages.push({ from: machineTime(), to: machineTime() + 8000, instance: index, slows: true });
    return () => instances[index].signal('SIGCONT');
  },
  'normal, endpoint slow': async ({ server }) => {
    server.state.delayMs = 700;
    return () => {
      server.state.delayMs = 5;
    };
  },
};
