import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { ANY_AGE, type TokenRecord } from '../../lib/core/lookup.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, beginMiss, inactiveRecord } from '../support/records.js';

const SETTINGS = {
  revocations: undefined,
  diagnose,
  timeoutMs: 3000,
  staleIfErrorMs: 0,
  refreshAhead: false,
  beginMiss,
};
const TOKEN = bearerCredentials();

interface SentAt {
  readonly askedAt: number;
  readonly askedMonotonic: number;
}

/** Response to a request, by when it was sent and by its number. */
type Respond = (sentAt: SentAt, count: number) => TokenRecord;

function createCache(respond: Respond, lifetimes = { ttlMs: 60_000, inactiveTtlMs: 5000 }) {
  const clock = createClock();
  let requests = 0;
  const cache = withMemoryCache(
    async () => respond({ askedAt: clock.now(), askedMonotonic: clock.monotonic() }, ++requests),
    {
      ...lifetimes,
      ...SETTINGS,
      clock,
      store: createMemoryStore(10),
    },
  );
  return {
    ...cache,
    clock,
    /** The `sub` tells the number of the request. A cache hit is returned without a promise. */
    lookUp: (notBefore = ANY_AGE) => cache.lookup(TOKEN, since(clock, notBefore)),
    requests: () => requests,
  };
}

const numbered: Respond = (sentAt, count) => activeRecord({ sub: String(count) }, sentAt);

describe('withMemoryCache', () => {
  it('returns the cached record without a promise until its ttl ends', async () => {
    const cache = createCache(numbered);
    const first = await cache.lookUp();
    cache.clock.advance(59.999);
    expect(cache.lookUp()).toBe(first);
    expect(cache.stats()).toEqual({ hits: 1, misses: 1, coalesced: 0, stale: 0, entries: 1 });
    cache.clock.advance(0.001);
    expect((await cache.lookUp()) === first).toBe(false);
    expect(cache.stats()).toEqual({ hits: 1, misses: 2, coalesced: 0, stale: 0, entries: 1 });
  });

  it.each<[string, Respond, number]>([
    ['exp', (sentAt) => activeRecord({ exp: sentAt.askedAt / 1000 + 10 }, sentAt), 10],
    ['the inactive ttl', (sentAt) => inactiveRecord(sentAt), 5],
  ])('caches a record no longer than %s', async (_, respond, seconds) => {
    const cache = createCache(respond);
    await cache.lookUp();
    cache.clock.advance(seconds - 0.001);
    await cache.lookUp();
    expect(cache.requests()).toBe(1);
    cache.clock.advance(0.001);
    await cache.lookUp();
    expect(cache.requests()).toBe(2);
  });

  it.each<[string, Respond, { ttlMs: number; inactiveTtlMs: number }]>([
    ['an active record with a ttl of 0', numbered, { ttlMs: 0, inactiveTtlMs: 5000 }],
    [
      'an inactive record with an inactive ttl of 0',
      (sentAt) => inactiveRecord(sentAt),
      { ttlMs: 60_000, inactiveTtlMs: 0 },
    ],
    [
      'a record past its exp',
      (sentAt) => activeRecord({ exp: sentAt.askedAt / 1000 - 3 }, sentAt),
      { ttlMs: 60_000, inactiveTtlMs: 5000 },
    ],
  ])('does not cache %s', async (_, respond, lifetimes) => {
    const cache = createCache(respond, lifetimes);
    await cache.lookUp();
    await cache.lookUp();
    expect([cache.requests(), cache.stats().entries]).toEqual([2, 0]);
  });

  it('deletes the cached record when a later one may not be cached', async () => {
    const cache = createCache((sentAt, count) =>
      activeRecord({ exp: count === 1 ? sentAt.askedAt / 1000 + 60 : 1 }, sentAt),
    );
    await cache.lookUp();
    cache.clock.advance(1);
    await cache.lookUp(cache.clock.monotonic());
    expect(cache.stats().entries).toBe(0);
  });

  it('counts the lifetime from before the request, however long the response takes', async () => {
    const cache = createCache((sentAt) => {
      cache.clock.advance(30);
      return activeRecord({}, sentAt);
    });
    await cache.lookUp();
    cache.clock.advance(29.999);
    await cache.lookUp();
    expect(cache.requests()).toBe(1);
    cache.clock.advance(0.001);
    await cache.lookUp();
    expect(cache.requests()).toBe(2);
  });

  it('does not extend a lifetime when the wall clock is set back', async () => {
    const cache = createCache((sentAt) => activeRecord({ exp: sentAt.askedAt / 1000 + 30 }, sentAt));
    await cache.lookUp();
    cache.clock.step(-3600);
    cache.clock.advance(30);
    await cache.lookUp();
    expect(cache.requests()).toBe(2);
  });

  it('ends a lifetime at exp when the wall clock is set forward', async () => {
    const cache = createCache((sentAt) => activeRecord({ exp: 1_800_000_030 }, sentAt));
    await cache.lookUp();
    cache.clock.step(29.999);
    await cache.lookUp();
    expect(cache.requests()).toBe(1);
    cache.clock.step(0.001);
    await cache.lookUp();
    expect(cache.requests()).toBe(2);
  });

  it('does not use a record that is dated in the future', async () => {
    const cache = createCache(numbered);
    await cache.lookUp();
    cache.clock.advance(-0.001);
    await cache.lookUp();
    expect(cache.requests()).toBe(2);
  });

  it('sends a request when the cached record is older than required, and caches the new one', async () => {
    const cache = createCache(numbered);
    const first = await cache.lookUp();
    const notBefore = cache.clock.monotonic();
    cache.clock.advance(5);
    expect(cache.lookUp(notBefore)).toBe(first);
    const second = await cache.lookUp(notBefore + 0.001);
    expect(second).toMatchObject({ claims: { sub: '2' } });
    expect(cache.lookUp()).toBe(second);
  });

  it('keeps the cached record when a request for a newer one fails', async () => {
    const cache = createCache((sentAt, count) => {
      if (count === 2) throw new Error('down');
      return numbered(sentAt, count);
    });
    const first = await cache.lookUp();
    cache.clock.advance(5);
    await expect(cache.lookUp(cache.clock.monotonic())).rejects.toThrow('down');
    expect(cache.lookUp()).toBe(first);
  });

  it.each(['forget', 'close'] as const)('sends a request after %s', async (method) => {
    const cache = createCache(numbered);
    await cache.lookUp();
    cache[method]('key');
    expect(cache.stats().entries).toBe(0);
    expect(await cache.lookUp()).toMatchObject({ claims: { sub: '2' } });
  });

  it('caches no response after close, because a lookup may begin late', async () => {
    const cache = createCache(numbered);
    cache.close();
    await cache.lookUp();
    expect(cache.stats().entries).toBe(0);
  });

  it.each(['forget', 'close'] as const)('does not cache a response that was requested before %s', async (method) => {
    const response = createDeferred();
    const clock = createClock();
    const cache = withMemoryCache(() => response.promise.then(() => activeRecord()), {
      ttlMs: 60_000,
      inactiveTtlMs: 5000,
      ...SETTINGS,
      clock,
      store: createMemoryStore(10),
    });
    const waiting = [cache.lookup(TOKEN, since(clock)), cache.lookup(TOKEN, since(clock))];
    cache[method]('key');
    response.resolve();
    expect(await Promise.all(waiting)).toEqual([activeRecord(), activeRecord()]);
    expect(cache.stats()).toEqual({ hits: 0, misses: 2, coalesced: 1, stale: 0, entries: 0 });
  });

  describe('when the later of two requests gets its response first', () => {
    /** Sends two requests 1 second apart, answers the later one first, and returns the result of a third lookup. */
    async function lookUpAfterBoth(earlier: TokenRecord, later: TokenRecord, inactiveTtlMs = 5000) {
      const clock = createClock();
      const responses = [createDeferred<TokenRecord>(), createDeferred<TokenRecord>()];
      let requests = 0;
      const cache = withMemoryCache(() => responses[requests++]?.promise ?? activeRecord({ sub: 'third' }), {
        ttlMs: 60_000,
        inactiveTtlMs,
        ...SETTINGS,
        clock,
        store: createMemoryStore(10),
      });
      const first = cache.lookup(TOKEN, since(clock));
      clock.advance(1);
      const second = cache.lookup(TOKEN, since(clock, 1001));
      responses[1]?.resolve(later);
      await second;
      responses[0]?.resolve(earlier);
      await first;
      return cache.lookup(TOKEN, since(clock));
    }

    const EARLIER = activeRecord({ sub: 'alice' });
    const LATER = { askedAt: EARLIER.askedAt + 1000, askedMonotonic: EARLIER.askedMonotonic + 1000 };

    it('caches the later response', async () => {
      expect(await lookUpAfterBoth(EARLIER, activeRecord({ sub: 'bob' }, LATER))).toMatchObject({
        claims: { sub: 'bob' },
      });
      expect(await lookUpAfterBoth(EARLIER, inactiveRecord(LATER))).toEqual(inactiveRecord(LATER));
    });

    it('does not cache the earlier response when the later one may not be cached', async () => {
      expect(await lookUpAfterBoth(EARLIER, inactiveRecord(LATER), 0)).toMatchObject({
        claims: { sub: 'third' },
      });
    });
  });
});
