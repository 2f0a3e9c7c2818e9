import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { ANY_AGE, type LookupOptions, type TokenRecord } from '../../lib/core/lookup.js';
import { recordEvents } from '../support/channels.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, beginMiss, inactiveRecord } from '../support/records.js';

/** The random number that refreshes earliest, and the one that refreshes only at the very end. */
const EARLIEST = 0;
const LATEST = 1;

let randomNumber = EARLIEST;

beforeEach(() => {
  randomNumber = EARLIEST;
  jest.spyOn(Math, 'random').mockImplementation(() => randomNumber);
});

afterEach(() => jest.restoreAllMocks());

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** A cache with a ttl of 60 seconds. The `sub` of an active response is the number of its request. */
function createCache(settings: { refreshAhead?: boolean; inactiveTtlMs?: number; staleIfErrorMs?: number } = {}) {
  const clock = createClock();
  const requests: LookupOptions[] = [];
  const now = () => ({ askedAt: clock.now(), askedMonotonic: clock.monotonic() });
  const activeNow = (claims = {}) => activeRecord({ sub: String(requests.length), ...claims }, now());
  const endpoint = { respond: (): TokenRecord | Promise<TokenRecord> => activeNow() };
  const cache = withMemoryCache(
    async (_tokenKey, options) => {
      requests.push(options);
      return endpoint.respond();
    },
    {
      ttlMs: 60_000,
      inactiveTtlMs: 5000,
      diagnose,
      timeoutMs: 3000,
      staleIfErrorMs: 0,
      refreshAhead: true,
      beginMiss,
      revocations: undefined,
      ...settings,
      clock,
      store: createMemoryStore(10),
    },
  );
  return {
    ...cache,
    clock,
    endpoint,
    activeNow,
    inactiveNow: () => inactiveRecord(now()),
    /** A cache hit is returned without a promise. */
    lookUp: (key = 'key', notBefore = ANY_AGE) => cache.lookup(bearerCredentials(key, key), since(clock, notBefore)),
    requests,
    refreshes: () => requests.filter(({ background }) => background).length,
  };
}

describe('a cache hit near the end of a lifetime', () => {
  it('refreshes at most eight responses at a time, and leaves the others to later hits', async () => {
    const { lookUp, clock, endpoint, activeNow, refreshes } = createCache();
    const keys = Array.from({ length: 10 }, (_, i) => `key-${i}`);
    for (const key of keys) await lookUp(key);
    clock.advance(59);
    const response = createDeferred();
    endpoint.respond = () => response.promise.then(() => activeNow());
    for (const key of keys) await lookUp(key);
    expect(refreshes()).toBe(8);
    response.resolve();
    await nextTurn();
    for (const key of keys) await lookUp(key);
    expect(refreshes()).toBe(10);
  });

  it('returns the cached record at once, and refreshes it in the background', async () => {
    const { lookUp, requests, clock, refreshes, stats } = createCache();
    const first = await lookUp();
    clock.advance(50);
    expect(lookUp()).toBe(first);
    expect([requests.length, refreshes()]).toEqual([2, 1]);
    await nextTurn();
    expect(lookUp()).toMatchObject({ claims: { sub: '2' } });
    clock.advance(59);
    expect(lookUp()).toMatchObject({ claims: { sub: '2' } });
    expect(stats()).toEqual({ hits: 3, misses: 1, coalesced: 0, stale: 0, entries: 1 });
  });

  it.each([
    [44.999, EARLIEST, false],
    [45, EARLIEST, true],
    [59.999, LATEST, false],
    [57, 0.3, true],
    [57, 0.4, false],
  ])('after %d of 60 seconds and with a random number of %d refreshes: %p', async (seconds, random, isRefreshed) => {
    const { lookUp, clock, refreshes } = createCache();
    await lookUp();
    clock.advance(seconds);
    randomNumber = random;
    await lookUp();
    expect(refreshes()).toBe(isRefreshed ? 1 : 0);
  });

  it('refreshes nothing when refreshAhead is false', async () => {
    const { lookUp, clock, refreshes } = createCache({ refreshAhead: false });
    await lookUp();
    clock.advance(59);
    await lookUp();
    expect(refreshes()).toBe(0);
  });

  it('does not refresh a response whose lifetime ends at exp', async () => {
    const { lookUp, requests, clock, endpoint, activeNow } = createCache();
    endpoint.respond = () => activeNow({ exp: clock.seconds() + 60 });
    await lookUp();
    clock.advance(59);
    await lookUp();
    expect(requests).toHaveLength(1);
  });

  it('does not refresh an inactive response', async () => {
    const { lookUp, requests, clock, endpoint, inactiveNow } = createCache({ inactiveTtlMs: 60_000 });
    endpoint.respond = inactiveNow;
    await lookUp();
    clock.advance(59);
    await lookUp();
    expect(requests).toHaveLength(1);
  });

  it('is necessary: a response without hits expires', async () => {
    const { lookUp, requests, clock } = createCache();
    await lookUp();
    clock.advance(60);
    await lookUp();
    expect(requests.map(({ background }) => background)).toEqual([false, false]);
  });
});

describe('during an early refresh', () => {
  it('hits return the cached record, and do not start another refresh', async () => {
    const { lookUp, clock, endpoint, refreshes } = createCache();
    const first = await lookUp();
    clock.advance(50);
    endpoint.respond = () => new Promise(() => {});
    for (let hit = 0; hit < 10; hit++) {
      expect(lookUp()).toBe(first);
      clock.advance(0.5);
    }
    expect(refreshes()).toBe(1);
  });

  it('a hit does not refresh while a request for the token is pending', async () => {
    const { lookUp, clock, endpoint, refreshes } = createCache();
    await lookUp();
    clock.advance(50);
    const response = createDeferred<TokenRecord>();
    endpoint.respond = () => response.promise;
    const fresh = lookUp('key', clock.monotonic());
    clock.advance(1);
    lookUp();
    expect(refreshes()).toBe(0);
    response.resolve(activeRecord());
    await fresh;
  });

  it('other responses are refreshed too', async () => {
    const { lookUp, clock, endpoint, refreshes } = createCache();
    for (const key of ['a', 'b']) await lookUp(key);
    clock.advance(50);
    endpoint.respond = () => new Promise(() => {});
    for (const key of ['a', 'b']) lookUp(key);
    expect(refreshes()).toBe(2);
  });

  it.each(['forget', 'close'] as const)('%s prevents that the new response is cached', async (method) => {
    const cache = createCache();
    await cache.lookUp();
    cache.clock.advance(50);
    const response = createDeferred<TokenRecord>();
    cache.endpoint.respond = () => response.promise;
    cache.lookUp();
    cache[method]('key');
    response.resolve(cache.activeNow());
    await nextTurn();
    expect(cache.stats().entries).toBe(0);
    cache.endpoint.respond = cache.inactiveNow;
    expect(await cache.lookUp()).toMatchObject({ active: false });
  });

  it('lookups after the end of the old lifetime wait for the new response', async () => {
    const { lookUp, requests, clock, endpoint, activeNow } = createCache();
    await lookUp();
    clock.advance(59);
    const response = createDeferred<TokenRecord>();
    endpoint.respond = () => response.promise;
    lookUp();
    clock.advance(1);
    const waiting = lookUp();
    response.resolve(activeNow());
    expect(await waiting).toMatchObject({ claims: { sub: '2' } });
    expect(requests).toHaveLength(2);
  });
});

describe('an early refresh', () => {
  it.each([5000, 0])(
    'that finds the token inactive takes effect at once, with an inactive ttl of %d ms',
    async (inactiveTtlMs) => {
      const { lookUp, clock, endpoint, inactiveNow } = createCache({ inactiveTtlMs });
      await lookUp();
      clock.advance(50);
      endpoint.respond = inactiveNow;
      expect(lookUp()).toMatchObject({ active: true });
      await nextTurn();
      expect(await lookUp()).toMatchObject({ active: false });
    },
  );

  it('that fails changes nothing until the lifetime ends, and rejects no lookup', async () => {
    const { lookUp, clock, endpoint } = createCache();
    const first = await lookUp();
    clock.advance(50);
    endpoint.respond = () => {
      throw new Error('down');
    };
    for (let second = 50; second < 60; second++) {
      expect(lookUp()).toBe(first);
      await nextTurn();
      clock.advance(1);
    }
    await expect(lookUp()).rejects.toThrow('down');
  });

  it('that fails prevents all others for 1 second', async () => {
    const { lookUp, clock, endpoint, refreshes, activeNow } = createCache();
    for (const key of ['a', 'b']) await lookUp(key);
    clock.advance(50);
    endpoint.respond = async () => {
      clock.advance(2);
      throw new Error('down');
    };
    lookUp('a');
    await nextTurn();
    endpoint.respond = () => activeNow();
    for (const key of ['a', 'b']) lookUp(key);
    clock.advance(0.999);
    for (const key of ['a', 'b']) lookUp(key);
    expect(refreshes()).toBe(1);
    clock.advance(0.001);
    for (const key of ['a', 'b']) lookUp(key);
    expect(refreshes()).toBe(3);
  });

  it('that fails does not make a response stale before its lifetime ends', async () => {
    const { lookUp, clock, endpoint, stats } = createCache({ staleIfErrorMs: 300_000 });
    await lookUp();
    clock.advance(50);
    endpoint.respond = () => {
      throw new Error('down');
    };
    expect(lookUp()).toHaveProperty('stale', false);
    await nextTurn();
    expect(stats().stale).toBe(0);
  });

  it('is published after the hit that started it', async () => {
    const events = recordEvents('cache');
    const { lookUp, clock } = createCache();
    await lookUp();
    clock.advance(50);
    lookUp();
    expect(events.map(({ outcome }) => outcome)).toEqual(['miss', 'hit', 'refresh']);
  });
});
