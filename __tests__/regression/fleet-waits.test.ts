import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';
import { callsFor, eventually, join, memberOf, untilAllShare } from '../support/redis-fleet.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/redis-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const REVOKED = { active: false };

const delayed = (ms: number) => () => new Promise((resolve) => setTimeout(() => resolve(active()), ms));

describe('a pending lookup without a store', () => {
  it.each([
    [0, 0.001],
    [1, 1.001],
    [60, 60.001],
  ])('is not joined when ttlSeconds is %d and it is %d seconds old', async (ttlSeconds, seconds) => {
    const [reply, other] = [createDeferred<object>(), createDeferred<object>()];
    const replies = [reply, other];
    const endpoint = await createEndpoint(() => replies.shift()?.promise);
    const clock = createClock(Date.now() / 1000);
    const { check } = memberOf(createAuthenticate(endpoint, { clock, cache: { ttlSeconds } }));
    const first = check();
    await until(() => endpoint.asked.length === 1);
    clock.advance(seconds);
    const late = check();
    await until(() => endpoint.asked.length === 2);
    reply.resolve(active());
    other.resolve(REVOKED);
    expect([await first, await late]).toEqual(['accepted', 'inactive']);
  });

  it('is not affected when another user is invalidated, and its response is cached', async () => {
    const reply = createDeferred<object>();
    const endpoint = await createEndpoint(() => reply.promise);
    const { check, authenticate } = memberOf(createAuthenticate(endpoint));
    const first = check();
    await until(() => endpoint.asked.length === 1);
    await authenticate.invalidate({ sub: 'bob' });
    const second = check();
    await until(() => authenticate.stats().misses === 2);
    reply.resolve(active());
    expect([await first, await second, await check(), endpoint.asked.length]).toEqual([
      ...['accepted', 'accepted', 'accepted'],
      1,
    ]);
  });
});

describeWithRedis('with a store', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterEach(async () => {
    await redis.command('FLUSHALL');
  });

  async function two(endpoint: Endpoint, options: Parameters<typeof join>[3] = {}) {
    const members = [await join(endpoint, redis.url, 'redis 6', options), await join(endpoint, redis.url)] as const;
    await untilAllShare(endpoint, members);
    return members;
  }

  it('a pending lookup that is older than 5 seconds is not joined while the log cannot be read', async () => {
    const endpoint = await createEndpoint(active());
    const clock = createClock(Date.now() / 1000);
    const proxy = await startTcpProxy(redis.port);
    const separated = await join(endpoint, `redis://127.0.0.1:${proxy.port}`, 'redis 6', { clock });
    await untilAllShare(endpoint, [separated]);
    const [reply, other] = [createDeferred<object>(), createDeferred<object>()];
    const replies = [reply, other];
    endpoint.script = () => replies.shift()?.promise;
    proxy.cut();
    const first = separated.check();
    await until(() => callsFor(endpoint) === 1);
    clock.advance(5.1);
    const late = separated.check();
    await until(() => callsFor(endpoint) === 2);
    reply.resolve(active());
    other.resolve(REVOKED);
    expect([await first, await late]).toEqual(['accepted', 'inactive']);
  });

  it('a request meets its deadline when another process asks a slow endpoint first', async () => {
    const endpoint = await createEndpoint(active());
    const [one, other] = await two(endpoint);
    const impatient = await join(endpoint, redis.url, 'redis 6', { timeoutMs: 1200 });
    await untilAllShare(endpoint, [one, other, impatient]);
    endpoint.script = delayed(950);
    const first = one.check();
    await until(() => callsFor(endpoint) === 1);
    expect([await impatient.check(), await first]).toEqual(['accepted', 'accepted']);
  });

  it('no request takes a lease or waits for one while the circuit breaker is open', async () => {
    const endpoint = await createEndpoint(active());
    const [one, other] = await two(endpoint);
    endpoint.script = (_asked, res) => void res.writeHead(429, { 'retry-after': '60' }).end();
    expect(await one.check('opener')).toBe('rate_limited');
    const reply = createDeferred<object>();
    endpoint.script = () => reply.promise;
    const lookup = other.check();
    await until(() => callsFor(endpoint) === 1);
    const scripts = async () => {
      const stats = String(await redis.command('INFO', 'commandstats'));
      return [/cmdstat_set:calls=(\d+)/, /cmdstat_get:calls=(\d+)/].map((pattern) =>
        Number(pattern.exec(stats)?.[1] ?? 0),
      );
    };
    const [sets = 0, gets = 0] = await scripts();
    expect(await one.check()).toBe('circuit_open');
    expect(await scripts()).toEqual([sets, gets + 1]);
    reply.resolve(active());
    expect(await lookup).toBe('accepted');
  });

  it('a failed invalidation does not prevent later responses of that client from being cached', async () => {
    const endpoint = await createEndpoint(active());
    const proxy = await startTcpProxy(redis.port);
    const other = await join(endpoint, redis.url);
    const separated = await join(endpoint, `redis://127.0.0.1:${proxy.port}`, 'redis 6', { timeoutMs: 300 });
    await untilAllShare(endpoint, [other, separated]);
    proxy.cut();
    await expect(separated.authenticate.invalidate({ client_id: 'app' })).rejects.toThrow();
    await other.authenticate.invalidate({ client_id: 'app' });
    proxy.mend();
    await untilAllShare(endpoint, [other, separated]);
    await separated.check();
    const calls = callsFor(endpoint);
    for (let times = 0; times < 5; times++) expect(await separated.check()).toBe('accepted');
    expect(callsFor(endpoint)).toBe(calls);
  });

  it('an invalidation is retried while Redis is unreachable for a moment', async () => {
    const endpoint = await createEndpoint(active());
    const proxy = await startTcpProxy(redis.port);
    const other = await join(endpoint, redis.url);
    const separated = await join(endpoint, `redis://127.0.0.1:${proxy.port}`, 'redis 6');
    await untilAllShare(endpoint, [other, separated]);
    await other.check();
    proxy.cut();
    endpoint.script = REVOKED;
    const invalidating = separated.authenticate.invalidate({ sub: 'alice' });
    await new Promise((resolve) => setTimeout(resolve, 400));
    proxy.mend();
    await invalidating;
    await eventually(async () => (await other.check()) === 'inactive');
  });

  it('close() waits for requests that wait for another process', async () => {
    const endpoint = await createEndpoint(active());
    const [one, other] = await two(endpoint);
    const reply = createDeferred<object>();
    endpoint.script = () => reply.promise;
    const lookup = other.check();
    await until(() => callsFor(endpoint) === 1);
    const waiting = one.check();
    await until(() => one.authenticate.stats().misses > 1);
    let isClosed = false;
    const closing = one.authenticate.close().then(() => {
      isClosed = true;
    });
    expect(await one.check()).toBe('closed');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isClosed).toBe(false);
    reply.resolve(active());
    expect([await waiting, await lookup]).toEqual(['accepted', 'accepted']);
    await closing;
  });

  it('a process that cannot read the log publishes that on the store channel', async () => {
    const states: string[] = [];
    const listener = (message: unknown) => void states.push((message as { state: string }).state);
    subscribe('express-token-introspection:store', listener);
    const endpoint = await createEndpoint(active());
    const proxy = await startTcpProxy(redis.port);
    const separated = await join(endpoint, `redis://127.0.0.1:${proxy.port}`);
    await untilAllShare(endpoint, [separated]);
    proxy.cut();
    await until(() => states.includes('failing'));
    proxy.mend();
    await until(() => states.at(-1) === 'ok');
    unsubscribe('express-token-introspection:store', listener);
  }, 20_000);
});
