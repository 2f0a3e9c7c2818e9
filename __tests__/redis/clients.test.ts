import { Redis as Redis6 } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createSentinel as createSentinel5 } from 'redis5';
import { redisStore } from '../../lib/redis/index.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { eventually, join, memberOver, runAfterTest, untilAllShare } from '../support/redis-fleet.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/redis-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const REVOKED = { active: false };

/** A client of the package `redis` whose further connections run `connect`. */
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
    duplicate(options: unknown) {
      overrides.push(options);
      return { ...client, connect, on: () => {}, destroy: () => void destroyed++ };
    },
  };
  return { client, overrides, destroyed: () => destroyed };
}

it('redisStore connects to a cluster that was down at first once it is up', async () => {
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

it('redisStore reads the log of an ioredis cluster from masters, without the command timeout of the app', async () => {
  const duplicateArgs: unknown[][] = [];
  const connection = {
    on() {},
    xread: () => new Promise(() => {}),
    evalBuffer: () => new Promise(() => {}),
    disconnect() {},
  };
  const duplicate = (...args: unknown[]) => {
    duplicateArgs.push(args);
    return connection;
  };
  for (const isCluster of [true, false]) {
    const stop = redisStore({ client: { ...connection, isCluster, duplicate } as never }).follow({
      onEntries() {},
      onCaughtUp() {},
      onStart() {},
    });
    await stop();
  }
  expect(duplicateArgs).toMatchObject([
    [[], { scaleReads: 'master', redisOptions: { commandTimeout: undefined } }],
    [{ commandTimeout: undefined, autoResendUnfulfilledCommands: false, enableAutoPipelining: false }],
  ]);
});

it('redisStore rejects a sentinel of redis 5, and tells what to use instead', () => {
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
    ['6, with automatic pipelines', (url: string) => new Redis6(url, { enableAutoPipelining: true })],
    ['5, with automatic pipelines', (url: string) => new Redis5(url, { enableAutoPipelining: true })],
    ['6, with a command timeout below the wait for the log', (url: string) => new Redis6(url, { commandTimeout: 300 })],
    ['6, with a key prefix', (url: string) => new Redis6(url, { keyPrefix: 'app:' })],
  ])('%s shares responses and revocations', async (_, connect) => {
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

  it('shares responses with a client of redis', async () => {
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
    'use another connection when the client %s has gone silent, until the middleware is closed',
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
