import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { ANY_AGE, type LookupOptions, type TokenRecord } from '../../lib/core/lookup.js';
import { recordEvents } from '../support/channels.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, inactiveRecord } from '../support/records.js';

/** The luckiest draw, and one that renews nothing before the very end. */
const LUCKY = 0;
const UNLUCKY = 1;

let draw = LUCKY;

beforeEach(() => {
  draw = LUCKY;
  jest.spyOn(Math, 'random').mockImplementation(() => draw);
});

afterEach(() => jest.restoreAllMocks());

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A cache of a minute over an endpoint that says what it is told to, and numbers its good answers. */
function createCache(settings: { refreshAhead?: boolean; inactiveTtlMs?: number; staleIfErrorMs?: number } = {}) {
  const clock = createClock();
  const asked: LookupOptions[] = [];
  const now = () => ({ askedAt: clock.now(), askedMonotonic: clock.monotonic() });
  const good = (claims = {}) => activeRecord({ sub: String(asked.length), ...claims }, now());
  const endpoint = { answer: (): TokenRecord | Promise<TokenRecord> => good() };
  const cache = withMemoryCache(
    async (_question, freshness) => {
      asked.push(freshness);
      return endpoint.answer();
    },
    {
      ttlMs: 60_000,
      inactiveTtlMs: 5000,
      diagnose,
      timeoutMs: 3000,
      staleIfErrorMs: 0,
      refreshAhead: true,
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
    good,
    bad: () => inactiveRecord(now()),
    /** A memory hit comes without a promise. */
    ask: (key = 'key', notBefore = ANY_AGE) => cache.lookup(bearerCredentials(key, key), since(clock, notBefore)),
    asked,
    background: () => asked.filter(({ background }) => background === true).length,
  };
}

describe('a hit near the end of an answer', () => {
  it('renews no more than eight at a time, and leaves the others to later hits', async () => {
    const { ask, clock, endpoint, good, background } = createCache();
    const keys = Array.from({ length: 10 }, (_, i) => `key-${i}`);
    for (const key of keys) await ask(key);
    clock.advance(59);
    const gate = createDeferred();
    endpoint.answer = () => gate.promise.then(() => good());
    for (const key of keys) await ask(key);
    expect(background()).toBe(8);
    gate.resolve();
    await turn();
    for (const key of keys) await ask(key);
    expect(background()).toBe(10);
  });

  it('is answered at once, and renews it in the background', async () => {
    const { ask, asked, clock, background, stats } = createCache();
    const first = await ask();
    clock.advance(50);
    expect(ask()).toBe(first);
    expect([asked.length, background()]).toEqual([2, 1]);
    await turn();
    expect(ask()).toMatchObject({ claims: { sub: '2' } });
    clock.advance(59);
    expect(ask()).toMatchObject({ claims: { sub: '2' } });
    expect(stats()).toEqual({ hits: 3, misses: 1, coalesced: 0, stale: 0, entries: 1 });
  });

  it.each([
    [44.999, LUCKY, false],
    [45, LUCKY, true],
    [59.999, UNLUCKY, false],
    [57, 0.3, true],
    [57, 0.4, false],
  ])('at %d seconds of a minute with a draw of %d renews it: %p', async (seconds, drawn, renewed) => {
    const { ask, clock, background } = createCache();
    await ask();
    clock.advance(seconds);
    draw = drawn;
    await ask();
    expect(background()).toBe(renewed ? 1 : 0);
  });

  it('renews nothing where that was switched off', async () => {
    const { ask, clock, background } = createCache({ refreshAhead: false });
    await ask();
    clock.advance(59);
    await ask();
    expect(background()).toBe(0);
  });

  it('does not renew what exp ends', async () => {
    const { ask, asked, clock, endpoint, good } = createCache();
    endpoint.answer = () => good({ exp: clock.seconds() + 60 });
    await ask();
    clock.advance(59);
    await ask();
    expect(asked).toHaveLength(1);
  });

  it('does not renew an inactive answer', async () => {
    const { ask, asked, clock, endpoint, bad } = createCache({ inactiveTtlMs: 60_000 });
    endpoint.answer = bad;
    await ask();
    clock.advance(59);
    await ask();
    expect(asked).toHaveLength(1);
  });

  it('is the only thing that renews it: what nobody uses ends', async () => {
    const { ask, asked, clock } = createCache();
    await ask();
    clock.advance(60);
    await ask();
    expect(asked.map(({ background }) => background)).toEqual([false, false]);
  });
});

describe('while an answer is renewed', () => {
  it('hits go on, and do not renew it a second time', async () => {
    const { ask, clock, endpoint, background } = createCache();
    const first = await ask();
    clock.advance(50);
    endpoint.answer = () => new Promise(() => {});
    for (let hit = 0; hit < 10; hit++) {
      expect(ask()).toBe(first);
      clock.advance(0.5);
    }
    expect(background()).toBe(1);
  });

  it('it is not renewed beside a question that somebody waits for', async () => {
    const { ask, clock, endpoint, background } = createCache();
    await ask();
    clock.advance(50);
    const reply = createDeferred<TokenRecord>();
    endpoint.answer = () => reply.promise;
    const fresh = ask('key', clock.monotonic());
    clock.advance(1);
    ask();
    expect(background()).toBe(0);
    reply.resolve(activeRecord());
    await fresh;
  });

  it('other answers are renewed as well', async () => {
    const { ask, clock, endpoint, background } = createCache();
    for (const key of ['a', 'b']) await ask(key);
    clock.advance(50);
    endpoint.answer = () => new Promise(() => {});
    for (const key of ['a', 'b']) ask(key);
    expect(background()).toBe(2);
  });

  it.each(['forget', 'clear'] as const)('%s wins, and the new answer does not land', async (method) => {
    const cache = createCache();
    await cache.ask();
    cache.clock.advance(50);
    const reply = createDeferred<TokenRecord>();
    cache.endpoint.answer = () => reply.promise;
    cache.ask();
    cache[method]('key');
    reply.resolve(cache.good());
    await turn();
    expect(cache.stats().entries).toBe(0);
    cache.endpoint.answer = cache.bad;
    expect(await cache.ask()).toMatchObject({ active: false });
  });

  it('those who come after its end wait for the new one', async () => {
    const { ask, asked, clock, endpoint, good } = createCache();
    await ask();
    clock.advance(59);
    const reply = createDeferred<TokenRecord>();
    endpoint.answer = () => reply.promise;
    ask();
    clock.advance(1);
    const waiting = ask();
    reply.resolve(good());
    expect(await waiting).toMatchObject({ claims: { sub: '2' } });
    expect(asked).toHaveLength(2);
  });
});

describe('a renewal', () => {
  it.each([5000, 0])(
    'that finds the token inactive takes effect at once, remembered for %d ms',
    async (inactiveTtlMs) => {
      const { ask, clock, endpoint, bad } = createCache({ inactiveTtlMs });
      await ask();
      clock.advance(50);
      endpoint.answer = bad;
      expect(ask()).toMatchObject({ active: true });
      await turn();
      expect(await ask()).toMatchObject({ active: false });
    },
  );

  it('that fails changes nothing until the end, and nobody sees it', async () => {
    const { ask, clock, endpoint } = createCache();
    const first = await ask();
    clock.advance(50);
    endpoint.answer = () => {
      throw new Error('down');
    };
    for (let second = 50; second < 60; second++) {
      expect(ask()).toBe(first);
      await turn();
      clock.advance(1);
    }
    await expect(ask()).rejects.toThrow('down');
  });

  it('that fails keeps all others from being tried for a second', async () => {
    const { ask, clock, endpoint, background, good } = createCache();
    for (const key of ['a', 'b']) await ask(key);
    clock.advance(50);
    endpoint.answer = async () => {
      clock.advance(2);
      throw new Error('down');
    };
    ask('a');
    await turn();
    endpoint.answer = () => good();
    for (const key of ['a', 'b']) ask(key);
    clock.advance(0.999);
    for (const key of ['a', 'b']) ask(key);
    expect(background()).toBe(1);
    clock.advance(0.001);
    for (const key of ['a', 'b']) ask(key);
    expect(background()).toBe(3);
  });

  it('that fails is no reason for an answer to stand in as stale before its end', async () => {
    const { ask, clock, endpoint, stats } = createCache({ staleIfErrorMs: 300_000 });
    await ask();
    clock.advance(50);
    endpoint.answer = () => {
      throw new Error('down');
    };
    expect(ask()).toHaveProperty('stale', false);
    await turn();
    expect(stats().stale).toBe(0);
  });

  it('is told beside the hit that brought it about', async () => {
    const events = recordEvents('cache');
    const { ask, clock } = createCache();
    await ask();
    clock.advance(50);
    ask();
    expect(events.map(({ outcome }) => outcome)).toEqual(['miss', 'hit', 'refresh']);
  });
});
