import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { ANY_AGE, type TokenRecord } from '../../lib/core/lookup.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, inactiveRecord } from '../support/records.js';

const PLAIN = { revocations: undefined, diagnose, timeoutMs: 3000, staleIfErrorMs: 0, refreshAhead: false };
const QUESTION = bearerCredentials();

interface Asked {
  readonly askedAt: number;
  readonly askedMonotonic: number;
}

type Answer = (asked: Asked, count: number) => TokenRecord;

function createCache(answer: Answer, lifetimes = { ttlMs: 60_000, inactiveTtlMs: 5000 }) {
  const clock = createClock();
  let asked = 0;
  const cache = withMemoryCache(
    async () => answer({ askedAt: clock.now(), askedMonotonic: clock.monotonic() }, ++asked),
    {
      ...lifetimes,
      ...PLAIN,
      clock,
      store: createMemoryStore(10),
    },
  );
  return {
    ...cache,
    clock,
    /** Which question brought the answer; a memory hit comes without a promise. */
    ask: (notBefore = ANY_AGE) => cache.lookup(QUESTION, since(clock, notBefore)),
    asked: () => asked,
  };
}

const named: Answer = (asked, count) => activeRecord({ sub: String(count) }, asked);

describe('the cache', () => {
  it('answers again from memory, at once, until the ttl is over', async () => {
    const cache = createCache(named);
    const first = await cache.ask();
    cache.clock.advance(59.999);
    expect(cache.ask()).toBe(first);
    expect(cache.stats()).toEqual({ hits: 1, misses: 1, coalesced: 0, stale: 0, entries: 1 });
    cache.clock.advance(0.001);
    expect((await cache.ask()) === first).toBe(false);
    expect(cache.stats()).toEqual({ hits: 1, misses: 2, coalesced: 0, stale: 0, entries: 1 });
  });

  it.each<[string, Answer, number]>([
    ['exp', (asked) => activeRecord({ exp: asked.askedAt / 1000 + 10 }, asked), 10],
    ['the ttl for inactive answers', (asked) => inactiveRecord(asked), 5],
  ])('keeps an answer no longer than %s', async (_, answer, seconds) => {
    const cache = createCache(answer);
    await cache.ask();
    cache.clock.advance(seconds - 0.001);
    await cache.ask();
    expect(cache.asked()).toBe(1);
    cache.clock.advance(0.001);
    await cache.ask();
    expect(cache.asked()).toBe(2);
  });

  it.each<[string, Answer, { ttlMs: number; inactiveTtlMs: number }]>([
    ['an active answer with a ttl of 0', named, { ttlMs: 0, inactiveTtlMs: 5000 }],
    ['an inactive answer with a ttl of 0', (asked) => inactiveRecord(asked), { ttlMs: 60_000, inactiveTtlMs: 0 }],
    [
      'an answer past exp',
      (asked) => activeRecord({ exp: asked.askedAt / 1000 - 3 }, asked),
      { ttlMs: 60_000, inactiveTtlMs: 5000 },
    ],
  ])('keeps %s not at all', async (_, answer, lifetimes) => {
    const cache = createCache(answer, lifetimes);
    await cache.ask();
    await cache.ask();
    expect([cache.asked(), cache.stats().entries]).toEqual([2, 0]);
  });

  it('forgets a good answer when a later one must not be kept', async () => {
    const cache = createCache((asked, count) =>
      activeRecord({ exp: count === 1 ? asked.askedAt / 1000 + 60 : 1 }, asked),
    );
    await cache.ask();
    cache.clock.advance(1);
    await cache.ask(cache.clock.monotonic());
    expect(cache.stats().entries).toBe(0);
  });

  it('counts the life from before the question, however long the answer took', async () => {
    const cache = createCache((asked) => {
      cache.clock.advance(30);
      return activeRecord({}, asked);
    });
    await cache.ask();
    cache.clock.advance(29.999);
    await cache.ask();
    expect(cache.asked()).toBe(1);
    cache.clock.advance(0.001);
    await cache.ask();
    expect(cache.asked()).toBe(2);
  });

  it('lengthens no life when the wall clock is set back', async () => {
    const cache = createCache((asked) => activeRecord({ exp: asked.askedAt / 1000 + 30 }, asked));
    await cache.ask();
    cache.clock.step(-3600);
    cache.clock.advance(30);
    await cache.ask();
    expect(cache.asked()).toBe(2);
  });

  it('heeds exp when the wall clock is set forward', async () => {
    const cache = createCache((asked) => activeRecord({ exp: 1_800_000_030 }, asked));
    await cache.ask();
    cache.clock.step(29.999);
    await cache.ask();
    expect(cache.asked()).toBe(1);
    cache.clock.step(0.001);
    await cache.ask();
    expect(cache.asked()).toBe(2);
  });

  it('takes no answer from the future', async () => {
    const cache = createCache(named);
    await cache.ask();
    cache.clock.advance(-0.001);
    await cache.ask();
    expect(cache.asked()).toBe(2);
  });

  it('asks when the answer in memory is older than wanted, and keeps the new one', async () => {
    const cache = createCache(named);
    const first = await cache.ask();
    const notBefore = cache.clock.monotonic();
    cache.clock.advance(5);
    expect(cache.ask(notBefore)).toBe(first);
    const second = await cache.ask(notBefore + 0.001);
    expect(second).toMatchObject({ claims: { sub: '2' } });
    expect(cache.ask()).toBe(second);
  });

  it('keeps the answer in memory while a newer one is asked for and fails', async () => {
    const cache = createCache((asked, count) => {
      if (count === 2) throw new Error('down');
      return named(asked, count);
    });
    const first = await cache.ask();
    cache.clock.advance(5);
    await expect(cache.ask(cache.clock.monotonic())).rejects.toThrow('down');
    expect(cache.ask()).toBe(first);
  });

  it.each(['forget', 'clear'] as const)('asks anew after %s', async (method) => {
    const cache = createCache(named);
    await cache.ask();
    cache[method]('key');
    expect(cache.stats().entries).toBe(0);
    expect(await cache.ask()).toMatchObject({ claims: { sub: '2' } });
  });

  it.each(['forget', 'clear'] as const)('does not keep an answer asked for before %s', async (method) => {
    const gate = createDeferred();
    const clock = createClock();
    const cache = withMemoryCache(() => gate.promise.then(() => activeRecord()), {
      ttlMs: 60_000,
      inactiveTtlMs: 5000,
      ...PLAIN,
      clock,
      store: createMemoryStore(10),
    });
    const waiting = [cache.lookup(QUESTION, since(clock)), cache.lookup(QUESTION, since(clock))];
    cache[method]('key');
    gate.resolve();
    expect(await Promise.all(waiting)).toEqual([activeRecord(), activeRecord()]);
    expect(cache.stats()).toEqual({ hits: 0, misses: 2, coalesced: 1, stale: 0, entries: 0 });
  });

  describe('when a later question is answered first', () => {
    /** Two questions a second apart, of which the later one is answered first. */
    async function overtaken(earlier: TokenRecord, later: TokenRecord, inactiveTtlMs = 5000) {
      const clock = createClock();
      const answers = [createDeferred<TokenRecord>(), createDeferred<TokenRecord>()];
      let asked = 0;
      const cache = withMemoryCache(() => answers[asked++]?.promise ?? activeRecord({ sub: 'asked again' }), {
        ttlMs: 60_000,
        inactiveTtlMs,
        ...PLAIN,
        clock,
        store: createMemoryStore(10),
      });
      const first = cache.lookup(QUESTION, since(clock));
      clock.advance(1);
      const second = cache.lookup(QUESTION, since(clock, 1001));
      answers[1]?.resolve(later);
      await second;
      answers[0]?.resolve(earlier);
      await first;
      return cache.lookup(QUESTION, since(clock));
    }

    const EARLIER = activeRecord({ sub: 'alice' });
    const LATER_ASKED = { askedAt: EARLIER.askedAt + 1000, askedMonotonic: EARLIER.askedMonotonic + 1000 };

    it('keeps the later answer', async () => {
      expect(await overtaken(EARLIER, activeRecord({ sub: 'bob' }, LATER_ASKED))).toMatchObject({
        claims: { sub: 'bob' },
      });
      expect(await overtaken(EARLIER, inactiveRecord(LATER_ASKED))).toEqual(inactiveRecord(LATER_ASKED));
    });

    it('does not fall back to the earlier answer where the later one may not be kept', async () => {
      expect(await overtaken(EARLIER, inactiveRecord(LATER_ASKED), 0)).toMatchObject({
        claims: { sub: 'asked again' },
      });
    });
  });
});
