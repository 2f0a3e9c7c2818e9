import { machineTime, sleep } from '../time.mjs';

/** Faults of one Redis, of the way to it, of a process, and of the endpoint. Each returns what mends it. */
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
  'parted from one by closed connections': async ({ proxies, index }) => {
    proxies[index].refuse();
    return () => proxies[index].mend();
  },
  'parted from all by closed connections': async ({ proxies }) => {
    for (const proxy of proxies) proxy.refuse();
    return () => {
      for (const proxy of proxies) proxy.mend();
    };
  },
  'parted from one in silence': async ({ proxies, index }) => {
    proxies[index].cut();
    return () => proxies[index].mend();
  },
  'parted from all in silence': async ({ proxies }) => {
    for (const proxy of proxies) proxy.cut();
    return () => {
      for (const proxy of proxies) proxy.mend();
    };
  },
  'replaced by an empty one while one is parted': async ({ redis, proxies, index }) => {
    proxies[index].refuse();
    await sleep(600);
    await redis.restart();
    return () => proxies[index].mend();
  },
  'slow to reply': async ({ proxies }) => {
    for (const proxy of proxies) proxy.delay(150);
    return () => {
      for (const proxy of proxies) proxy.delay(0);
    };
  },
  'well, and one process is suspended': async ({ instances, index, troubles }) => {
    instances[index].signal('SIGSTOP');
    troubles.push({ from: machineTime(), to: machineTime() + 8000, instance: index, slows: true });
    return () => instances[index].signal('SIGCONT');
  },
  'well, and the endpoint is slow': async ({ server }) => {
    server.state.delayMs = 700;
    return () => {
      server.state.delayMs = 5;
    };
  },
};
