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
  // The log has been read once by then.
  const ready = new Promise((resolve) => setImmediate(resolve));
  const check = async (token = 'token') => {
    await ready;
    return authenticate.introspect(token).then(
      () => 'accepted',
      (error: { reason?: string; code: string }) => error.reason ?? error.code,
    );
  };
  return { authenticate, clock, store, check };
}

const turns = async () => {
  for (let count = 0; count < 20; count++) await new Promise((resolve) => setImmediate(resolve));
};

describe('the memory cache with a shared store', () => {
  it('is used for 5 seconds after the log was last read to its end', async () => {
    const endpoint = await createEndpoint(active());
    const { check, clock, store } = join(endpoint, createSharedMemory());
    await check();
    store.isDeaf = true;
    clock.advance(4.9);
    endpoint.script = REVOKED;
    expect(await check()).toBe('accepted');
    clock.advance(0.2);
    expect(await check()).toBe('inactive');
  });

  it('does not use a response once its revocation by another process was read', async () => {
    const endpoint = await createEndpoint(active());
    const memory = createSharedMemory();
    const [one, other] = [join(endpoint, memory), join(endpoint, memory)];
    await one.check();
    await other.check();
    endpoint.script = REVOKED;
    await other.authenticate.invalidate({ sub: 'alice' });
    await turns();
    expect(await one.check()).toBe('inactive');
  });

  it('does not cache a response that was requested before another process revoked it', async () => {
    const reply = createDeferred<object>();
    const endpoint = await createEndpoint(() => reply.promise);
    const memory = createSharedMemory();
    const [one, other] = [join(endpoint, memory), join(endpoint, memory)];
    const lookup = one.check();
    await until(() => endpoint.asked.length === 1);
    await other.authenticate.invalidate({ sub: 'alice' });
    await turns();
    reply.resolve(active());
    expect(await lookup).toBe('accepted');
    expect(one.authenticate.stats().entries).toBe(0);
    endpoint.script = REVOKED;
    expect(await one.check()).toBe('inactive');
  });

  it('does not use a response for a later request when another process revoked it while it was pending', async () => {
    const reply = createDeferred<object>();
    const endpoint = await createEndpoint(() => reply.promise);
    const memory = createSharedMemory();
    const [one, other] = [join(endpoint, memory), join(endpoint, memory)];
    const before = one.check();
    await until(() => endpoint.asked.length === 1);
    await other.authenticate.invalidate({ sub: 'alice' });
    await turns();
    endpoint.script = REVOKED;
    const after = one.check();
    reply.resolve(active());
    expect([await before, await after]).toEqual(['accepted', 'inactive']);
  });

  it('uses a stale response only while the log can be read', async () => {
    const endpoint = await createEndpoint(active());
    const clock = createClock(Date.now() / 1000);
    const { check, store } = join(endpoint, createSharedMemory(clock.monotonic), {
      clock,
      cache: { ttlSeconds: 1, staleIfErrorSeconds: 60, refreshAhead: false },
    });
    await check();
    await turns();
    store.isDeaf = true;
    endpoint.script = (_asked, res) => void res.writeHead(500).end();
    clock.advance(2);
    expect(await check()).toBe('accepted');
    clock.advance(4);
    expect(await check()).not.toBe('accepted');
  });
});

describe('a response that another process requested', () => {
  /** Starts two processes whose clocks differ, over a store with a third clock. */
  async function start(offsetSeconds: number, cache: object = {}) {
    const endpoint = await createEndpoint(active());
    const time = createClock();
    const memory = createSharedMemory(time.monotonic);
    const seconds = Date.now() / 1000;
    const [one, other] = [0, offsetSeconds].map((offset) =>
      join(endpoint, memory, { clock: createClock(seconds + offset), cache: { refreshAhead: false, ...cache } }),
    ) as [ReturnType<typeof join>, ReturnType<typeof join>];
    /** Advances all clocks, and waits until the log was read again. */
    const elapse = async (elapsedSeconds: number) => {
      for (const { advance } of [time, one.clock, other.clock]) advance(elapsedSeconds);
      await one.store.append('nobody', 60_000);
      await turns();
    };
    await turns();
    await one.check();
    await turns();
    await elapse(35);
    return { endpoint, other, elapse };
  }

  it.each([0, -1, -30, -600, 180])(
    'expires after `ttlSeconds` in a process whose clock is %d seconds off',
    async (offsetSeconds) => {
      const { endpoint, other, elapse } = await start(offsetSeconds);
      expect([await other.check(), endpoint.asked.length]).toEqual(['accepted', 1]);
      endpoint.script = REVOKED;
      await elapse(24.9);
      expect(await other.check()).toBe('accepted');
      await elapse(0.1);
      expect(await other.check()).toBe('inactive');
    },
  );

  it('is not fresh in a process whose clock is behind', async () => {
    const { endpoint, other } = await start(-30);
    await get(createApp(other.authenticate), 'token').expect(200);
    expect(endpoint.asked).toHaveLength(1);
    const lenient = createApp(other.authenticate, requireFresh({ maxAgeSeconds: 35 }));
    await get(lenient, 'token').expect(200);
    expect(endpoint.asked).toHaveLength(1);
    endpoint.script = REVOKED;
    await get(createApp(other.authenticate, requireFresh({ maxAgeSeconds: 5 })), 'token').expect(401);
  });

  it('is not used stale for longer in a process whose clock is behind', async () => {
    const { endpoint, other, elapse } = await start(-30, { staleIfErrorSeconds: 100 });
    await other.check();
    endpoint.script = (_asked, res) => void res.writeHead(500).end();
    await elapse(64.9);
    expect(await other.check()).toBe('accepted');
    await elapse(0.1);
    expect(await other.check()).not.toBe('accepted');
    expect(endpoint.asked.length).toBeGreaterThan(1);
  });
});

describe('a shared store', () => {
  it.each(['fails', 'hangs'] as const)(
    'that %s delays no request beyond its deadline, and lets no invalid token pass',
    async (trouble) => {
      const endpoint = await createEndpoint(active());
      const { check, store } = join(endpoint, createSharedMemory(), { timeoutMs: 400 });
      store.trouble = trouble;
      expect(await check('good')).toBe('accepted');
      endpoint.script = REVOKED;
      expect(await check('bad')).toBe('inactive');
      expect(await check('good')).toBe('accepted');
    },
  );

  it('that fails makes an invalidation reject, which still has effect in this process', async () => {
    const endpoint = await createEndpoint(active());
    const { check, store, authenticate } = join(endpoint, createSharedMemory(), { timeoutMs: 200 });
    await check();
    store.trouble = 'fails';
    endpoint.script = REVOKED;
    await expect(authenticate.invalidate({ sub: 'alice' })).rejects.toThrow('no connection');
    expect(await check()).toBe('inactive');
  });
});

it('close() stops reading the log, once', async () => {
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
