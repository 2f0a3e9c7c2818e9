import { createClient } from 'redis';
import { createClient as createClient5 } from 'redis5';
import { redisStore } from '../../lib/redis/index.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { callsFor, eventually, join, memberOver, runAfterTest, untilAllShare } from '../support/redis-fleet.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/redis-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';

const LOG = 'token-introspection:revocations';
const REVOKED = { active: false };
const SOON_MS = 2500;
const MAP = 37;

describeWithRedis('the revocation log', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterEach(async () => {
    await redis.command('FLUSHALL');
  });

  /** Starts two processes. The proxy can separate the first from Redis. */
  async function start(kind: string) {
    const endpoint = await createEndpoint(active());
    const proxy = await startTcpProxy(redis.port);
    const separated = await join(endpoint, `redis://127.0.0.1:${proxy.port}`, kind);
    const other = await join(endpoint, redis.url);
    await untilAllShare(endpoint, [separated, other]);
    return { endpoint, proxy, separated, other };
  }

  it.each([
    ['redis 6', 'nothing had been revoked before', 0],
    ['redis 6', 'something had been revoked before', 0],
    ['ioredis 6', 'nothing had been revoked before', 0],
    ['ioredis 6', 'something had been revoked before', 400],
  ])(
    'that was lost while a process was disconnected is detected, with %s, when %s',
    async (kind, before, separatedMs) => {
      const { endpoint, proxy, separated, other } = await start(kind);
      if (before.startsWith('something')) await other.authenticate.invalidate({ sub: 'somebody' });
      expect(await separated.check()).toBe('accepted');
      proxy.cut();
      endpoint.script = REVOKED;
      await other.authenticate.invalidate({ sub: 'alice' });
      await redis.kill();
      await redis.start();
      endpoint.script = active({ sub: 'bob' });
      await new Promise((resolve) => setTimeout(resolve, separatedMs));
      proxy.mend();
      await eventually(() =>
        other.authenticate.invalidate({ sub: 'else' }).then(
          () => true,
          () => false,
        ),
      );
      await untilAllShare(endpoint, [other, separated]);
      endpoint.script = REVOKED;
      expect(await separated.check()).toBe('inactive');
    },
    20_000,
  );

  it('that was emptied without a lost connection is detected, and new processes share responses', async () => {
    const endpoint = await createEndpoint(active());
    const [one, two] = [await join(endpoint, redis.url), await join(endpoint, redis.url, 'ioredis 6')];
    await untilAllShare(endpoint, [one, two]);
    await one.authenticate.invalidate({ sub: 'somebody' });
    await untilAllShare(endpoint, [one, two]);
    await redis.command('FLUSHALL');
    const late = await join(endpoint, redis.url);
    await untilAllShare(endpoint, [one, two, late]);
  });

  it.each([
    ['Map', Map],
    ['Array', Array],
  ])('is read by a client that maps Redis maps to %s', async (_, mapped) => {
    const endpoint = await createEndpoint(active());
    const commandOptions = { typeMapping: { [MAP]: mapped } };
    const client = createClient({ url: redis.url, commandOptions } as never).on('error', () => {});
    runAfterTest(() => client.destroy());
    await client.connect();
    const [mapping, other] = [memberOver(endpoint, client), await join(endpoint, redis.url)];
    await untilAllShare(endpoint, [other, mapping]);
    await mapping.check();
    endpoint.script = REVOKED;
    await other.authenticate.invalidate({ sub: 'alice' });
    await eventually(async () => (await mapping.check()) === 'inactive', SOON_MS);
  });

  it('is read by redis 5 with version 3 of the protocol', async () => {
    const endpoint = await createEndpoint(active());
    const client = createClient5({ url: redis.url, RESP: 3 }).on('error', () => {});
    runAfterTest(() => client.destroy());
    await client.connect();
    const [third, other] = [memberOver(endpoint, client), await join(endpoint, redis.url)];
    await untilAllShare(endpoint, [other, third], SOON_MS);
    const connections = async () => {
      const stats = String(await redis.command('INFO', 'stats'));
      return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
    };
    const before = await connections();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await connections()).toBe(before + 1);
  });

  it.each<[string, string[][]]>([
    ['an entry without a number', [['XADD', LOG, '*', 'd', 'x', 'ms', 'zzz']]],
    [
      'a first entry without a number',
      [
        ['DEL', LOG],
        ['XADD', LOG, '*', 'd', 'x', 'ms', 'zzz', 'more', '1'],
      ],
    ],
    ['an entry of other fields', [['XADD', LOG, '*', 'x', 'y']]],
    ['an entry of an unexpected shape', [['XADD', LOG, '*', 'd', '', 'ms', '5', 'more', '1']]],
    ['the last possible stream id', [['XADD', LOG, '18446744073709551615-18446744073709551615', 'd', 'x', 'ms', '1']]],
    ['a string instead of the log', [['SET', LOG, 'x']]],
    [
      'a list instead of the log',
      [
        ['DEL', LOG],
        ['LPUSH', LOG, 'x'],
      ],
    ],
    [
      'another stream',
      [
        ['DEL', LOG],
        ['XADD', LOG, '*', 'x', 'y'],
      ],
    ],
  ])('passes on revocations although another program wrote %s', async (_, commands) => {
    const endpoint = await createEndpoint(active());
    const [one, two] = [await join(endpoint, redis.url), await join(endpoint, redis.url, 'ioredis 6')];
    await untilAllShare(endpoint, [one, two]);
    await one.authenticate.invalidate({ sub: 'somebody' });
    for (const command of commands) await redis.command(...command);
    await two.check();
    endpoint.script = REVOKED;
    await one.authenticate.invalidate({ sub: 'alice' });
    await eventually(async () => (await two.check()) === 'inactive', SOON_MS);
  });

  it('passes on revocations after an entry with a future id was deleted', async () => {
    const endpoint = await createEndpoint(active());
    const [one, two] = [await join(endpoint, redis.url), await join(endpoint, redis.url, 'ioredis 6')];
    await untilAllShare(endpoint, [one, two]);
    await redis.command('XADD', LOG, '99999999999999-0', 'd', 'x', 'ms', '1');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await redis.command('DEL', LOG);
    await untilAllShare(endpoint, [one, two]);
    await two.check();
    endpoint.script = REVOKED;
    await one.authenticate.invalidate({ sub: 'alice' });
    await eventually(async () => (await two.check()) === 'inactive', SOON_MS);
    expect(await one.check()).toBe('inactive');
  });

  it.each(['redis 6', 'ioredis 6'])(
    'is read over another connection when its own has gone silent, with %s',
    async (kind) => {
      const { endpoint, proxy, separated, other } = await start(kind);
      // Connection 0 is that of the app's client.
      proxy.silence(1);
      await eventually(async () => proxy.made > 2);
      await untilAllShare(endpoint, [other, separated]);
    },
    20_000,
  );

  it('is read once at a time while Redis does not reply', async () => {
    const { separated, endpoint, other } = await start('redis 6');
    const readsOf = async () => {
      const stats = String(await redis.command('INFO', 'commandstats'));
      return Number(/cmdstat_xread:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    const before = await readsOf();
    redis.freeze();
    await new Promise((resolve) => setTimeout(resolve, 6000));
    redis.thaw();
    await untilAllShare(endpoint, [separated, other]);
    // Each of two processes reads once a second. Abandoned reads would add many more.
    expect((await readsOf()) - before).toBeLessThan(20);
  }, 20_000);

  it('continues after a short disconnection, and cached responses stay in use', async () => {
    const { endpoint, proxy, separated, other } = await start('redis 6');
    const client = createClient({ url: redis.url }).on('error', () => {});
    runAfterTest(() => client.destroy());
    await client.connect();
    await Promise.all(Array.from({ length: 5000 }, () => client.xAdd(LOG, '*', { d: 'x', ms: '600000' })));
    await untilAllShare(endpoint, [other, separated]);
    await separated.check();
    proxy.cut();
    proxy.mend();
    const until = performance.now() + 1500;
    while (performance.now() < until) {
      expect(await separated.check()).toBe('accepted');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(callsFor(endpoint)).toBe(1);
  }, 20_000);

  it('is read over one connection for all middlewares over one store', async () => {
    const endpoint = await createEndpoint(active());
    const connections = async () =>
      String(await redis.command('CLIENT', 'LIST'))
        .trim()
        .split('\n').length;
    const client = createClient({ url: redis.url }).on('error', () => {});
    runAfterTest(() => client.destroy());
    await client.connect();
    const before = await connections();
    const store = redisStore({ client });
    const members = [1, 2, 3].map(() => memberOver(endpoint, client, { cache: { store } }));
    await untilAllShare(endpoint, members);
    expect(await connections()).toBe(before + 1);
    for (const [index, { authenticate }] of members.entries()) {
      await authenticate.close();
      await eventually(async () => (await connections()) === before + (index < 2 ? 1 : 0));
    }
  });
});
