import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/core/errors.js';
import { ANY_AGE, type TokenRecord } from '../../lib/core/lookup.js';
import { recordEvents } from '../support/channels.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, inactiveRecord } from '../support/records.js';

const QUESTION = bearerCredentials('abc', 'a-key-of-many-characters');
const MINUTE = 60;

/** A cache of a minute, over an endpoint that says what it is told to; answers stand in for five minutes. */
function createCache(settings: { ttlMs?: number; staleIfErrorMs?: number; inactiveTtlMs?: number } = {}) {
  const clock = createClock();
  const endpoint = { answer: (): TokenRecord | Promise<TokenRecord> => good() };
  const cache = withMemoryCache(async () => endpoint.answer(), {
    ttlMs: MINUTE * 1000,
    inactiveTtlMs: 5000,
    diagnose,
    timeoutMs: 3000,
    staleIfErrorMs: 5 * MINUTE * 1000,
    refreshAhead: false,
    revocations: undefined,
    ...settings,
    clock,
    store: createMemoryStore(10),
  });
  const now = () => ({ askedAt: clock.now(), askedMonotonic: clock.monotonic() });
  const good = (claims = {}) => activeRecord(claims, now());
  return {
    ...cache,
    clock,
    endpoint,
    good,
    bad: () => inactiveRecord(now()),
    ask: async (notBefore = ANY_AGE) => cache.lookup(QUESTION, since(clock, notBefore)),
    fail(code: IntrospectionErrorCode = 'timeout') {
      endpoint.answer = () => {
        throw new IntrospectionError(code);
      };
    },
  };
}

describe('an answer past its life', () => {
  it.each<IntrospectionErrorCode>(['timeout', 'unreachable', 'server_error', 'rate_limited', 'circuit_open'])(
    'stands in on %s, marked as stale',
    async (code) => {
      const { ask, clock, fail, stats } = createCache();
      const first = await ask();
      clock.advance(MINUTE);
      fail(code);
      expect(await ask()).toStrictEqual({ ...first, stale: true });
      expect(await ask()).toStrictEqual({ ...first, stale: true });
      expect(first).toHaveProperty('stale', false);
      expect(stats()).toEqual({ hits: 0, misses: 3, coalesced: 0, stale: 2, entries: 1 });
    },
  );

  it.each<IntrospectionErrorCode>([
    'client_rejected',
    'bad_response',
    'credentials_unavailable',
    'discovery_failed',
    'claims_schema_failed',
    'closed',
  ])('does not stand in on %s', async (code) => {
    const { ask, clock, fail, stats } = createCache();
    await ask();
    clock.advance(MINUTE);
    fail(code);
    await expect(ask()).rejects.toMatchObject({ code });
    expect(stats().stale).toBe(0);
  });

  it('does not stand in on an error of another kind', async () => {
    const { ask, clock, endpoint } = createCache();
    await ask();
    clock.advance(MINUTE);
    endpoint.answer = () => {
      throw Object.assign(new Error('other'), { code: 'timeout' });
    };
    await expect(ask()).rejects.toThrow('other');
  });

  it('is not used while the endpoint answers', async () => {
    const { ask, clock, stats } = createCache();
    const first = await ask();
    clock.advance(MINUTE);
    expect(await ask()).toHaveProperty('stale', false);
    expect(await ask()).not.toBe(first);
    expect(stats().stale).toBe(0);
  });

  it('stands in as well where answers have no life, and every question is put', async () => {
    const { ask, fail, stats } = createCache({ ttlMs: 0 });
    await ask();
    expect(await ask()).toHaveProperty('stale', false);
    fail();
    expect(await ask()).toMatchObject({ active: true, stale: true });
    expect(stats()).toEqual({ hits: 0, misses: 3, coalesced: 0, stale: 1, entries: 1 });
  });

  it('stands in for as long as is allowed, from when it was asked for', async () => {
    const { ask, clock, fail, stats } = createCache();
    await ask();
    clock.advance(MINUTE);
    fail();
    await ask();
    clock.advance(4 * MINUTE - 0.001);
    expect(await ask()).toMatchObject({ stale: true });
    clock.advance(0.001);
    await expect(ask()).rejects.toMatchObject({ code: 'timeout' });
    expect(stats().stale).toBe(2);
  });

  it('does not stand in where its time ends while the endpoint is asked', async () => {
    const { ask, clock, endpoint } = createCache();
    await ask();
    clock.advance(5 * MINUTE - 1);
    endpoint.answer = () => {
      clock.advance(1);
      throw new IntrospectionError('timeout');
    };
    await expect(ask()).rejects.toMatchObject({ code: 'timeout' });
  });

  it.each([0, -3600, 3600])('never stands in past exp, with the wall clock set %d seconds off', async (step) => {
    const { ask, clock, endpoint, good, fail } = createCache();
    endpoint.answer = () => good({ exp: clock.seconds() + 90 });
    await ask();
    clock.advance(89.999);
    fail();
    expect(await ask()).toMatchObject({ stale: true });
    clock.step(step);
    clock.advance(0.001);
    await expect(ask()).rejects.toMatchObject({ code: 'timeout' });
  });

  it('is not used where that was not asked for', async () => {
    const { ask, clock, fail, stats } = createCache({ staleIfErrorMs: 0 });
    await ask();
    clock.advance(MINUTE);
    fail();
    await expect(ask()).rejects.toMatchObject({ code: 'timeout' });
    expect(stats().stale).toBe(0);
  });

  it('is not used for those who want one asked for lately', async () => {
    const { ask, clock, fail } = createCache();
    await ask();
    const asked = clock.monotonic();
    clock.advance(MINUTE);
    fail();
    for (const notBefore of [asked, asked - 1e9, clock.monotonic()]) {
      await expect(ask(notBefore)).rejects.toMatchObject({ code: 'timeout' });
    }
    expect(await ask()).toMatchObject({ stale: true });
  });

  it('stands in for those who will have it, though they share a call with one who will not', async () => {
    const { ask, clock, endpoint } = createCache();
    await ask();
    clock.advance(MINUTE);
    const reply = createDeferred<TokenRecord>();
    endpoint.answer = () => reply.promise;
    const answers = [ask(clock.monotonic()), ask()];
    reply.reject(new IntrospectionError('timeout'));
    expect(await Promise.allSettled(answers)).toMatchObject([
      { status: 'rejected', reason: { code: 'timeout' } },
      { status: 'fulfilled', value: { stale: true } },
    ]);
  });
});

describe('an answer that may no longer stand in', () => {
  it.each(['forget', 'clear'] as const)('is one from before %s', async (method) => {
    const cache = createCache();
    await cache.ask();
    cache.clock.advance(MINUTE);
    cache[method](QUESTION.digest);
    cache.fail();
    await expect(cache.ask()).rejects.toMatchObject({ code: 'timeout' });
  });

  it.each(['forget', 'clear'] as const)('is one from before %s while the endpoint is asked', async (method) => {
    const cache = createCache();
    await cache.ask();
    cache.clock.advance(MINUTE);
    cache.endpoint.answer = async () => {
      cache[method](QUESTION.digest);
      throw new IntrospectionError('timeout');
    };
    await expect(cache.ask()).rejects.toMatchObject({ code: 'timeout' });
  });

  it.each([5000, 0])(
    'is one from before the token was called inactive, remembered for %d ms',
    async (inactiveTtlMs) => {
      const { ask, clock, endpoint, bad, fail } = createCache({ inactiveTtlMs });
      await ask();
      clock.advance(MINUTE);
      endpoint.answer = bad;
      await ask();
      clock.advance(10);
      fail();
      await expect(ask()).rejects.toMatchObject({ code: 'timeout' });
    },
  );

  it('is one from before the token was called inactive to another who asked meanwhile', async () => {
    const { ask, clock, endpoint, bad } = createCache();
    await ask();
    clock.advance(MINUTE);
    const reply = createDeferred<TokenRecord>();
    endpoint.answer = () => reply.promise;
    const waiting = ask();
    clock.advance(1);
    endpoint.answer = bad;
    await ask(clock.monotonic());
    reply.reject(new IntrospectionError('timeout'));
    await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
  });

  it('is an inactive one', async () => {
    const { ask, clock, endpoint, bad, fail } = createCache();
    endpoint.answer = bad;
    await ask();
    clock.advance(5);
    fail();
    await expect(ask()).rejects.toMatchObject({ code: 'timeout' });
  });
});

describe('the cache channel', () => {
  it('tells how each question was answered', async () => {
    const events = recordEvents('cache');
    const { ask, clock, fail } = createCache();
    await Promise.all([ask(), ask()]);
    await ask();
    clock.advance(MINUTE);
    fail();
    await ask();
    clock.advance(5 * MINUTE);
    await ask().catch(() => {});
    const tokenDigest = QUESTION.digest.slice(0, 12);
    expect(events).toStrictEqual(
      ['miss', 'coalesced', 'hit', 'miss', 'stale', 'miss'].map((outcome) => ({ outcome, tokenDigest })),
    );
  });
});
