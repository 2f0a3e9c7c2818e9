import { requireFresh, type TokenIntrospectionOptions } from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { createClock, type FakeClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';
import { createSharedMemory, type SharedMemory } from '../support/shared-memory.js';
import { until } from '../support/until.js';

const SECRETS = ['s'.repeat(32)];
const REVOKED = { active: false };

type Options = Partial<TokenIntrospectionOptions> & { readonly clock?: FakeClock };

function join(endpoint: Endpoint, memory: SharedMemory, options: Options = {}) {
  const store = memory.connect();
  const { cache, clock = createClock(Date.now() / 1000), ...others } = options;
  const authenticate = createAuthenticate(endpoint, {
    clock,
    ...others,
    cache: { store, secrets: SECRETS, ...(cache as object) },
  });
  // By then it has read the log for the first time.
  const ready = new Promise((resolve) => setImmediate(resolve));
  const judge = async (token = 'token') => {
    await ready;
    return authenticate.introspect(token).then(
      () => 'accepted',
      (error: { reason?: string; code: string }) => error.reason ?? error.code,
    );
  };
  return { authenticate, clock, store, judge };
}

const turns = async () => {
  for (let each = 0; each < 20; each++) await new Promise((resolve) => setImmediate(resolve));
};

describe('memory beside a shared store', () => {
  it('is relied on while the log is confirmed, and for five seconds more', async () => {
    const endpoint = await createEndpoint(active());
    const { judge, clock, store } = join(endpoint, createSharedMemory());
    await judge();
    store.isDeaf = true;
    clock.advance(4.9);
    endpoint.script = REVOKED;
    expect(await judge()).toBe('accepted');
    clock.advance(0.2);
    expect(await judge()).toBe('inactive');
  });

  it('gives nothing that was revoked elsewhere, once that was read', async () => {
    const endpoint = await createEndpoint(active());
    const memory = createSharedMemory();
    const [one, other] = [join(endpoint, memory), join(endpoint, memory)];
    await one.judge();
    await other.judge();
    endpoint.script = REVOKED;
    await other.authenticate.invalidate({ sub: 'alice' });
    await turns();
    expect(await one.judge()).toBe('inactive');
  });

  it('keeps no answer that was asked for before a revocation elsewhere', async () => {
    const reply = createDeferred<object>();
    const endpoint = await createEndpoint(() => reply.promise);
    const memory = createSharedMemory();
    const [one, other] = [join(endpoint, memory), join(endpoint, memory)];
    const asking = one.judge();
    await until(() => endpoint.asked.length === 1);
    await other.authenticate.invalidate({ sub: 'alice' });
    await turns();
    reply.resolve(active());
    expect(await asking).toBe('accepted');
    expect(one.authenticate.stats().entries).toBe(0);
    endpoint.script = REVOKED;
    expect(await one.judge()).toBe('inactive');
  });

  it('gives who comes after a revocation elsewhere no answer that was under way before it', async () => {
    const reply = createDeferred<object>();
    const endpoint = await createEndpoint(() => reply.promise);
    const memory = createSharedMemory();
    const [one, other] = [join(endpoint, memory), join(endpoint, memory)];
    const before = one.judge();
    await until(() => endpoint.asked.length === 1);
    await other.authenticate.invalidate({ sub: 'alice' });
    await turns();
    endpoint.script = REVOKED;
    const after = one.judge();
    reply.resolve(active());
    expect([await before, await after]).toEqual(['accepted', 'inactive']);
  });

  it('stands in for the endpoint only while it is known that nothing was revoked', async () => {
    const endpoint = await createEndpoint(active());
    const clock = createClock(Date.now() / 1000);
    const { judge, store } = join(endpoint, createSharedMemory(clock.monotonic), {
      clock,
      cache: { ttlSeconds: 1, staleIfErrorSeconds: 60, refreshAhead: false },
    });
    await judge();
    await turns();
    store.isDeaf = true;
    endpoint.script = (_asked, res) => void res.writeHead(500).end();
    clock.advance(2);
    expect(await judge()).toBe('accepted');
    clock.advance(4);
    expect(await judge()).not.toBe('accepted');
  });
});

describe('an answer that another process asked for', () => {
  /** Two processes whose clocks differ, over a store that has one of its own. */
  async function start(apart: number, cache: object = {}) {
    const endpoint = await createEndpoint(active());
    const time = createClock();
    const memory = createSharedMemory(time.monotonic);
    const seconds = Date.now() / 1000;
    const [one, other] = [0, apart].map((by) =>
      join(endpoint, memory, { clock: createClock(seconds + by), cache: { refreshAhead: false, ...cache } }),
    ) as [ReturnType<typeof join>, ReturnType<typeof join>];
    /** Time goes by for all, and the log is confirmed. */
    const elapse = async (by: number) => {
      for (const { advance } of [time, one.clock, other.clock]) advance(by);
      await one.store.append('nobody', 60_000);
      await turns();
    };
    await turns();
    await one.judge();
    await turns();
    await elapse(35);
    return { endpoint, other, elapse };
  }

  it.each([0, -1, -30, -600, 180])('ends `ttlSeconds` later by a clock that is %d seconds off, too', async (apart) => {
    const { endpoint, other, elapse } = await start(apart);
    expect([await other.judge(), endpoint.asked.length]).toEqual(['accepted', 1]);
    endpoint.script = REVOKED;
    await elapse(24.9);
    expect(await other.judge()).toBe('accepted');
    await elapse(0.1);
    expect(await other.judge()).toBe('inactive');
  });

  it('is not fresh by a clock that is behind', async () => {
    const { endpoint, other } = await start(-30);
    await get(createApp(other.authenticate), 'token').expect(200);
    expect(endpoint.asked).toHaveLength(1);
    const lenient = createApp(other.authenticate, requireFresh({ maxAgeSeconds: 35 }));
    await get(lenient, 'token').expect(200);
    expect(endpoint.asked).toHaveLength(1);
    endpoint.script = REVOKED;
    await get(createApp(other.authenticate, requireFresh({ maxAgeSeconds: 5 })), 'token').expect(401);
  });

  it('stands in no longer by a clock that is behind', async () => {
    const { endpoint, other, elapse } = await start(-30, { staleIfErrorSeconds: 100 });
    await other.judge();
    endpoint.script = (_asked, res) => void res.writeHead(500).end();
    await elapse(64.9);
    expect(await other.judge()).toBe('accepted');
    await elapse(0.1);
    expect(await other.judge()).not.toBe('accepted');
    expect(endpoint.asked.length).toBeGreaterThan(1);
  });
});

describe('a shared store in trouble', () => {
  it.each(['fails', 'hangs'] as const)(
    'that %s holds up no request beyond its deadline, nor opens anything',
    async (trouble) => {
      const endpoint = await createEndpoint(active());
      const { judge, store } = join(endpoint, createSharedMemory(), { timeoutMs: 400 });
      store.trouble = trouble;
      expect(await judge('good')).toBe('accepted');
      endpoint.script = REVOKED;
      expect(await judge('bad')).toBe('inactive');
      expect(await judge('good')).toBe('accepted');
    },
  );

  it('makes an invalidation reject, and yet counts it here', async () => {
    const endpoint = await createEndpoint(active());
    const { judge, store, authenticate } = join(endpoint, createSharedMemory(), { timeoutMs: 200 });
    await judge();
    store.trouble = 'fails';
    endpoint.script = REVOKED;
    await expect(authenticate.invalidate({ sub: 'alice' })).rejects.toThrow('no connection');
    expect(await judge()).toBe('inactive');
  });
});

it('no log is read any more once the middleware is closed', async () => {
  const endpoint = await createEndpoint(active());
  const memory = createSharedMemory();
  const { authenticate, store } = join(endpoint, memory);
  let stopped = 0;
  const again = createAuthenticate(endpoint, {
    cache: { store: { ...store, follow: () => async () => void stopped++ }, secrets: SECRETS },
  });
  await Promise.all([authenticate.close(), again.close(), again.close()]);
  expect(stopped).toBe(1);
});
