import { redisStore } from '../../lib/redis/index.js';
import { storeTests } from '../../lib/store-tests/index.js';
import { REDIS_CLIENTS } from '../support/redis-clients.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/redis-server.js';
import { createSharedMemory } from '../support/shared-memory.js';

const createMemory = () => ({ store: createSharedMemory().connect(), close() {} });

describe('a store in memory', () => {
  it.each(storeTests(createMemory))('$name', ({ run }) => run());
});

describeWithRedis('a store on Redis', () => {
  let redis: RedisServer;
  let stores = 0;

  beforeAll(async () => {
    redis = await startRedis();
  });

  describe.each(Object.entries(REDIS_CLIENTS))('with %s', (_, connect) => {
    async function create() {
      const { client, end } = await connect(redis.url);
      return { store: redisStore({ client, prefix: `store-${stores++}:` }), close: end };
    }

    it.each(storeTests(create))('$name', ({ run }) => run());
  });
});
