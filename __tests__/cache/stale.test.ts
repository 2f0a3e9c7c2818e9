import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { IntrospectionError, type IntrospectionErrorCode } from '../../lib/core/errors.js';
import { ANY_AGE, type TokenRecord } from '../../lib/core/lookup.js';
import { recordEvents } from '../support/channels.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, beginMiss, inactiveRecord } from '../support/records.js';

const TOKEN = bearerCredentials('abc', 'a-key-of-many-characters');
const MINUTE = 60;

/** A cache with a ttl of 60 seconds and a staleIfErrorMs of 5 minutes. */
function createCache(settings: { ttlMs?: number; staleIfErrorMs?: number; inactiveTtlMs?: number } = {}) {
  const clock = createClock();
  const endpoint = { respond: (): TokenRecord | Promise<TokenRecord> => activeNow() };
  const cache = withMemoryCache(async () => endpoint.respond(), {
    ttlMs: MINUTE * 1000,
    inactiveTtlMs: 5000,
    diagnose,
    timeoutMs: 3000,
    staleIfErrorMs: 5 * MINUTE * 1000,
    refreshAhead: false,
    beginMiss,
    revocations: undefined,
    ...settings,
    clock,
    store: createMemoryStore(10),
  });
  const now = () => ({ askedAt: clock.now(), askedMonotonic: clock.monotonic() });
  const activeNow = (claims = {}) => activeRecord(claims, now());
  return {
    ...cache,
    clock,
    endpoint,
    activeNow,
    inactiveNow: () => inactiveRecord(now()),
    lookUp: async (notBefore = ANY_AGE) => cache.lookup(TOKEN, since(clock, notBefore)),
    fail(code: IntrospectionErrorCode = 'timeout') {
      endpoint.respond = () => {
        throw new IntrospectionError(code);
      };
    },
  };
}

describe('an expired response', () => {
  it.each<IntrospectionErrorCode>(['timeout', 'unreachable', 'server_error', 'rate_limited', 'circuit_open'])(
    'is used on %s, and marked as stale',
    async (code) => {
      const { lookUp, clock, fail, stats } = createCache();
      const first = await lookUp();
      clock.advance(MINUTE);
      fail(code);
      expect(await lookUp()).toStrictEqual({ ...first, stale: true });
      expect(await lookUp()).toStrictEqual({ ...first, stale: true });
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
  ])('is not used on %s', async (code) => {
    const { lookUp, clock, fail, stats } = createCache();
    await lookUp();
    clock.advance(MINUTE);
    fail(code);
    await expect(lookUp()).rejects.toMatchObject({ code });
    expect(stats().stale).toBe(0);
  });

  it('is not used on an error that is no IntrospectionError', async () => {
    const { lookUp, clock, endpoint } = createCache();
    await lookUp();
    clock.advance(MINUTE);
    endpoint.respond = () => {
      throw Object.assign(new Error('other'), { code: 'timeout' });
    };
    await expect(lookUp()).rejects.toThrow('other');
  });

  it('is not used while the endpoint responds', async () => {
    const { lookUp, clock, stats } = createCache();
    const first = await lookUp();
    clock.advance(MINUTE);
    expect(await lookUp()).toHaveProperty('stale', false);
    expect(await lookUp()).not.toBe(first);
    expect(stats().stale).toBe(0);
  });

  it('is used when the ttl is 0, so that every lookup sends a request', async () => {
    const { lookUp, fail, stats } = createCache({ ttlMs: 0 });
    await lookUp();
    expect(await lookUp()).toHaveProperty('stale', false);
    fail();
    expect(await lookUp()).toMatchObject({ active: true, stale: true });
    expect(stats()).toEqual({ hits: 0, misses: 3, coalesced: 0, stale: 1, entries: 1 });
  });

  it('is used until staleIfErrorMs have passed since its request', async () => {
    const { lookUp, clock, fail, stats } = createCache();
    await lookUp();
    clock.advance(MINUTE);
    fail();
    await lookUp();
    clock.advance(4 * MINUTE - 0.001);
    expect(await lookUp()).toMatchObject({ stale: true });
    clock.advance(0.001);
    await expect(lookUp()).rejects.toMatchObject({ code: 'timeout' });
    expect(stats().stale).toBe(2);
  });

  it('is not used when that time ends during the request', async () => {
    const { lookUp, clock, endpoint } = createCache();
    await lookUp();
    clock.advance(5 * MINUTE - 1);
    endpoint.respond = () => {
      clock.advance(1);
      throw new IntrospectionError('timeout');
    };
    await expect(lookUp()).rejects.toMatchObject({ code: 'timeout' });
  });

  it.each([0, -3600, 3600])('is never used past exp, with the wall clock set %d seconds off', async (step) => {
    const { lookUp, clock, endpoint, activeNow, fail } = createCache();
    endpoint.respond = () => activeNow({ exp: clock.seconds() + 90 });
    await lookUp();
    clock.advance(89.999);
    fail();
    expect(await lookUp()).toMatchObject({ stale: true });
    clock.step(step);
    clock.advance(0.001);
    await expect(lookUp()).rejects.toMatchObject({ code: 'timeout' });
  });

  it('is not used when staleIfErrorMs is 0', async () => {
    const { lookUp, clock, fail, stats } = createCache({ staleIfErrorMs: 0 });
    await lookUp();
    clock.advance(MINUTE);
    fail();
    await expect(lookUp()).rejects.toMatchObject({ code: 'timeout' });
    expect(stats().stale).toBe(0);
  });

  it('is not used for a lookup that limits the age', async () => {
    const { lookUp, clock, fail } = createCache();
    await lookUp();
    const requestedAt = clock.monotonic();
    clock.advance(MINUTE);
    fail();
    for (const notBefore of [requestedAt, requestedAt - 1e9, clock.monotonic()]) {
      await expect(lookUp(notBefore)).rejects.toMatchObject({ code: 'timeout' });
    }
    expect(await lookUp()).toMatchObject({ stale: true });
  });

  it('is used for a lookup that joined one that limits the age', async () => {
    const { lookUp, clock, endpoint } = createCache();
    await lookUp();
    clock.advance(MINUTE);
    const response = createDeferred<TokenRecord>();
    endpoint.respond = () => response.promise;
    const lookups = [lookUp(clock.monotonic()), lookUp()];
    response.reject(new IntrospectionError('timeout'));
    expect(await Promise.allSettled(lookups)).toMatchObject([
      { status: 'rejected', reason: { code: 'timeout' } },
      { status: 'fulfilled', value: { stale: true } },
    ]);
  });
});

describe('a stale response is not used', () => {
  it.each(['forget', 'close'] as const)('after %s', async (method) => {
    const cache = createCache();
    await cache.lookUp();
    cache.clock.advance(MINUTE);
    cache[method](TOKEN.digest);
    cache.fail();
    await expect(cache.lookUp()).rejects.toMatchObject({ code: 'timeout' });
  });

  it.each(['forget', 'close'] as const)('after %s during the request', async (method) => {
    const cache = createCache();
    await cache.lookUp();
    cache.clock.advance(MINUTE);
    cache.endpoint.respond = async () => {
      await Promise.resolve();
      cache[method](TOKEN.digest);
      throw new IntrospectionError('timeout');
    };
    await expect(cache.lookUp()).rejects.toMatchObject({ code: 'timeout' });
  });

  it.each([5000, 0])(
    'after a response said that the token is inactive, with an inactive ttl of %d ms',
    async (inactiveTtlMs) => {
      const { lookUp, clock, endpoint, inactiveNow, fail } = createCache({ inactiveTtlMs });
      await lookUp();
      clock.advance(MINUTE);
      endpoint.respond = inactiveNow;
      await lookUp();
      clock.advance(10);
      fail();
      await expect(lookUp()).rejects.toMatchObject({ code: 'timeout' });
    },
  );

  it('after a response to a concurrent request said that the token is inactive', async () => {
    const { lookUp, clock, endpoint, inactiveNow } = createCache();
    await lookUp();
    clock.advance(MINUTE);
    const response = createDeferred<TokenRecord>();
    endpoint.respond = () => response.promise;
    const waiting = lookUp();
    clock.advance(1);
    endpoint.respond = inactiveNow;
    await lookUp(clock.monotonic());
    response.reject(new IntrospectionError('timeout'));
    await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
  });

  it('when it is inactive', async () => {
    const { lookUp, clock, endpoint, inactiveNow, fail } = createCache();
    endpoint.respond = inactiveNow;
    await lookUp();
    clock.advance(5);
    fail();
    await expect(lookUp()).rejects.toMatchObject({ code: 'timeout' });
  });
});

describe('the cache channel', () => {
  it('publishes the outcome of each lookup', async () => {
    const events = recordEvents('cache');
    const { lookUp, clock, fail } = createCache();
    await Promise.all([lookUp(), lookUp()]);
    await lookUp();
    clock.advance(MINUTE);
    fail();
    await lookUp();
    clock.advance(5 * MINUTE);
    await lookUp().catch(() => {});
    const tokenDigest = TOKEN.digest.slice(0, 12);
    expect(events).toStrictEqual(
      ['miss', 'coalesced', 'hit', 'miss', 'stale', 'miss'].map((outcome) => ({ outcome, tokenDigest })),
    );
  });
});
