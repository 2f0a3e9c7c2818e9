import { Redis as Redis6 } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createSentinel as createSentinel5 } from 'redis5';
import { redisStore } from '../../lib/redis/index.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { runAfterTest, eventually, join, memberOver, untilAllShare } from '../support/redis-fleet.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/redis-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const REVOKED = { active: false };

/** A client of the package redis whose connections for the log are made by the test. */
function nodeRedis(connect: () => Promise<void>) {
  const overrides: unknown[] = [];
  let destroyed = 0;
  const commands = {
    eval: async () => ['1', 'log', '1-0', '1-0', '', ''],
    xRead: () => new Promise((resolve) => setTimeout(resolve, 5, null)),
  };
  const client = {
    withTypeMapping: () => commands,
    xRead: () => {},
    duplicate(given: unknown) {
      overrides.push(given);
      return { ...client, connect, on: () => {}, destroy: () => void destroyed++ };
    },
  };
  return { client, overrides, destroyed: () => destroyed };
}

it('a cluster that was down when the process started is connected to once it is up', async () => {
  let tries = 0;
  const { client, overrides, destroyed } = nodeRedis(async () => {
    tries++;
    if (tries < 3) throw new Error('None of the root nodes is available');
  });
  let caughtUp = 0;
  const stop = redisStore({ client: client as never }).follow({
    onEntries() {},
    onCaughtUp: () => void caughtUp++,
    onStart() {},
  });
  await until(() => caughtUp > 0);
  expect([tries, overrides, destroyed() >= 2]).toEqual([3, Array(3).fill({ useReplicas: false }), true]);
  await stop();
});

it('the log of an ioredis cluster is read from masters, without the limits of the app', async () => {
  const given: unknown[][] = [];
  const own = { on() {}, xread: () => new Promise(() => {}), evalBuffer: () => new Promise(() => {}), disconnect() {} };
  const duplicate = (...words: unknown[]) => {
    given.push(words);
    return own;
  };
  for (const isCluster of [true, false]) {
    const stop = redisStore({ client: { ...own, isCluster, duplicate } as never }).follow({
      onEntries() {},
      onCaughtUp() {},
      onStart() {},
    });
    await stop();
  }
  expect(given).toMatchObject([
    [[], { scaleReads: 'master', redisOptions: { commandTimeout: undefined } }],
    [{ commandTimeout: undefined, autoResendUnfulfilledCommands: false, enableAutoPipelining: false }],
  ]);
});

it('a sentinel of redis 5 is refused with what to use instead', () => {
  const sentinel = createSentinel5({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] });
  expect(() => redisStore({ client: sentinel as never })).toThrow(
    /^Option "client" is .*; write a sentinel of the package "redis" 6, because those of 5 cannot be duplicated$/,
  );
});

describeWithRedis('a client of ioredis', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedis();
  });

  it.each([
    ['6, with pipelines of its own', (url: string) => new Redis6(url, { enableAutoPipelining: true })],
    ['5, with pipelines of its own', (url: string) => new Redis5(url, { enableAutoPipelining: true })],
    ['6, with a time limit below the wait for the log', (url: string) => new Redis6(url, { commandTimeout: 300 })],
    ['6, with a prefix', (url: string) => new Redis6(url, { keyPrefix: 'app:' })],
  ])('%s shares answers and revocations', async (_, connect) => {
    const endpoint = await createEndpoint(active());
    const members = [1, 2].map(() => {
      const client = connect(redis.url);
      client.on('error', () => {});
      runAfterTest(() => client.disconnect());
      return memberOver(endpoint, client);
    });
    await untilAllShare(endpoint, members);
    await members[1]?.check();
    endpoint.script = REVOKED;
    await members[0]?.authenticate.invalidate({ sub: 'alice' });
    await eventually(async () => (await members[1]?.check()) === 'inactive', 2500);
  });

  it('shares with one of redis', async () => {
    const endpoint = await createEndpoint(active());
    await untilAllShare(endpoint, [
      await join(endpoint, redis.url, 'ioredis 6'),
      await join(endpoint, redis.url, 'redis 5'),
    ]);
  });
});

describeWithRedis('commands', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedis();
  });

  it.each(['redis 6', 'redis 5', 'ioredis 6', 'ioredis 5'])(
    'go over another connection when the one of the app has gone silent, by %s, until the middleware is closed',
    async (kind) => {
      const endpoint = await createEndpoint(active());
      const proxy = await startTcpProxy(redis.port);
      const silent = await join(endpoint, `redis://127.0.0.1:${proxy.port}`, kind);
      const other = await join(endpoint, redis.url);
      await untilAllShare(endpoint, [other, silent]);
      await other.check();
      const connections = async () =>
        String(await redis.command('CLIENT', 'LIST'))
          .trim()
          .split('\n').length;
      const before = await connections();
      proxy.silence(0);
      endpoint.script = REVOKED;
      await silent.authenticate.invalidate({ sub: 'alice' });
      expect(proxy.made).toBe(3);
      await eventually(async () => (await other.check()) === 'inactive');
      endpoint.script = active();
      await untilAllShare(endpoint, [other, silent]);
      await silent.authenticate.close();
      await eventually(async () => (await connections()) === before - 1);
    },
    20_000,
  );
});
