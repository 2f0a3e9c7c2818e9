import { type MemoryCacheOptions, withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { AuthError, IntrospectionError } from '../../lib/core/errors.js';
import { ANY_AGE, type LookupOptions, type TokenRecord } from '../../lib/core/lookup.js';
import { tokenDigest } from '../../lib/core/token-digest.js';
import { recordEvents } from '../support/channels.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { activeRecord, beginMiss, inactiveRecord } from '../support/records.js';
import { until } from '../support/until.js';

const MINUTE = 60;

/** A cache with a ttl of 60 seconds. The `sub` of an active response is the number of its request. */
function createCache(settings: Partial<MemoryCacheOptions> = {}) {
  const clock = createClock();
  const requests: LookupOptions[] = [];
  const sentNow = () => ({ askedAt: clock.now(), askedMonotonic: clock.monotonic() });
  const activeNow = (claims = {}) => activeRecord({ sub: String(requests.length), ...claims }, sentNow());
  const endpoint = { respond: (): TokenRecord | Promise<TokenRecord> => activeNow() };
  const cache = withMemoryCache(
    async (_tokenKey, options) => {
      requests.push(options);
      return endpoint.respond();
    },
    {
      ...{ ttlMs: MINUTE * 1000, inactiveTtlMs: 5000, staleIfErrorMs: 0, timeoutMs: 3000 },
      ...{ diagnose: async () => 'down', refreshAhead: false, beginMiss, revocations: undefined },
      ...{ clock, store: createMemoryStore(10) },
      ...settings,
    },
  );
  const keyOf = (token: string) => ({ token, digest: tokenDigest(token) });
  return {
    ...{ clock, endpoint, requests, activeNow, inactiveNow: () => inactiveRecord(sentNow()) },
    ...{ stats: cache.stats, forgetClaim: cache.forgetClaim },
    lookUp: async (token = 'abc', more: Partial<LookupOptions> = {}) =>
      cache.lookup(keyOf(token), { ...since(clock), ...more }),
    peek: (token = 'abc') => cache.peek(tokenDigest(token)),
    fail(error: unknown) {
      endpoint.respond = () => {
        throw error;
      };
    },
  };
}

type Cache = ReturnType<typeof createCache>;

const OUTAGE = new IntrospectionError('timeout');
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('a response', () => {
  it('whose lifetime ends when it was requested is not cached', async () => {
    const { lookUp, endpoint, activeNow, clock, stats } = createCache();
    endpoint.respond = () => activeNow({ exp: clock.seconds() });
    await lookUp();
    expect(stats().entries).toBe(0);
  });

  it('that was requested at the same time as the cached one replaces it', async () => {
    let allowsCached = false;
    const revocations = { allows: () => allowsCached, revokes: () => false, isCurrent: () => true };
    const { lookUp, peek } = createCache({ revocations });
    await lookUp();
    await lookUp();
    allowsCached = true;
    expect(peek()).toMatchObject({ claims: { sub: '2' } });
    expect(await lookUp()).toMatchObject({ claims: { sub: '2' } });
  });

  it('that was requested before the cached one is ignored', async () => {
    const { lookUp, endpoint, activeNow, clock, peek } = createCache();
    await lookUp();
    const earlier = activeNow({ sub: 'earlier' });
    clock.advance(1);
    await lookUp('abc', { notBefore: clock.monotonic() });
    endpoint.respond = () => earlier;
    clock.advance(1);
    await lookUp('abc', { notBefore: clock.monotonic() });
    expect(peek()).toMatchObject({ claims: { sub: '2' } });
  });

  it('with padding replaces the one of another spelling of the token', async () => {
    const { lookUp, stats, peek } = createCache();
    const tokens = ['abc', 'abc=', 'abc==', '=abc', 'a=c', 'a=c=', 'a=c=='];
    for (const token of tokens) await lookUp(token);
    expect(tokens.filter((token) => peek(token) !== undefined)).toEqual(['abc', 'abc==', '=abc', 'a=c', 'a=c==']);
    expect(stats().entries).toBe(5);
  });
});

describe('an inactive response for a token whose cached response is active', () => {
  async function revoke(cache: Cache, exp?: number): Promise<void> {
    const { lookUp, endpoint, activeNow, inactiveNow, clock } = cache;
    const now = clock.seconds();
    endpoint.respond = () => activeNow({ jti: 'one', ...(exp !== undefined && { exp: now + exp }) });
    for (const token of ['abc', 'abc~']) await lookUp(token);
    endpoint.respond = inactiveNow;
    clock.advance(30);
    await lookUp('abc', { notBefore: clock.monotonic() });
  }

  it.each([undefined, 30.001])('removes every response with its jti, if exp is %d seconds away', async (exp) => {
    const cache = createCache();
    await revoke(cache, exp);
    expect([cache.peek(), cache.peek('abc~')]).toEqual([{ ...cache.inactiveNow(), jti: 'one' }, undefined]);
  });

  it('is not cached with an inactive ttl of 0, and removes the responses all the same', async () => {
    const cache = createCache({ inactiveTtlMs: 0 });
    await revoke(cache);
    expect([cache.peek(), cache.peek('abc~')]).toEqual([undefined, undefined]);
  });

  it('says nothing about other tokens if exp has passed', async () => {
    const cache = createCache();
    await revoke(cache, 30);
    expect([cache.peek(), cache.peek('abc~')?.active]).toEqual([cache.inactiveNow(), true]);
  });

  it('removes no other response if the cached one has no jti', async () => {
    const { lookUp, endpoint, inactiveNow, clock, peek } = createCache();
    for (const token of ['abc', 'def']) await lookUp(token);
    endpoint.respond = inactiveNow;
    clock.advance(1);
    await lookUp('abc', { notBefore: clock.monotonic() });
    expect([peek(), peek('def')?.active]).toEqual([inactiveNow(), true]);
  });

  it('hides no response of a pending lookup if neither has a jti', async () => {
    const { lookUp, endpoint, activeNow, inactiveNow, clock, peek } = createCache();
    await lookUp('abc');
    const response = createDeferred<TokenRecord>();
    endpoint.respond = () => response.promise;
    const pending = lookUp('def');
    clock.advance(1);
    endpoint.respond = inactiveNow;
    await lookUp('abc', { notBefore: clock.monotonic() });
    response.resolve(activeNow());
    await pending;
    expect([peek('abc')?.active, peek('def')?.active]).toEqual([false, true]);
  });

  it('for the same jti as a pending lookup hides the response of that lookup', async () => {
    const { lookUp, endpoint, activeNow, inactiveNow, clock, peek } = createCache();
    endpoint.respond = () => activeNow({ jti: 'one' });
    await lookUp('abc');
    const response = createDeferred<TokenRecord>();
    endpoint.respond = () => response.promise;
    const pending = lookUp('abc~');
    clock.advance(1);
    endpoint.respond = inactiveNow;
    await lookUp('abc', { notBefore: clock.monotonic() });
    response.resolve(activeNow({ jti: 'one' }));
    await pending;
    expect(peek('abc~')).toBeUndefined();
  });
});

describe('forgetClaim', () => {
  it('hides only responses of pending lookups that have the claim value', async () => {
    const { lookUp, endpoint, activeNow, inactiveNow, forgetClaim, peek } = createCache();
    const responses = ['a', 'b', 'c'].map(() => createDeferred<TokenRecord>());
    const pending = ['a', 'b', 'c'].map((token, index) => {
      endpoint.respond = () => responses[index]?.promise as Promise<TokenRecord>;
      return lookUp(token);
    });
    forgetClaim('sub', 'alice');
    responses[0]?.resolve(activeNow({ sub: 'alice' }));
    responses[1]?.resolve(activeNow({ sub: 'bob', sid: 'alice' }));
    responses[2]?.resolve(inactiveNow());
    await Promise.all(pending);
    expect([peek('a'), peek('b')?.active, peek('c')?.active]).toEqual([undefined, true, false]);
  });
});

describe('a lookup knows its token', () => {
  it.each<[string, (cache: Cache) => unknown, Partial<LookupOptions>, boolean]>([
    ['never before', () => undefined, {}, false],
    ['never before, but its caller does', () => undefined, { isKnown: true }, true],
    ['when an active response has expired', ({ lookUp }) => lookUp(), {}, true],
    [
      'when exp has not passed',
      async ({ endpoint, activeNow, clock, lookUp }) => {
        endpoint.respond = () => activeNow({ exp: clock.seconds() + MINUTE + 0.001 });
        await lookUp();
      },
      {},
      true,
    ],
    [
      'not any more when exp has passed',
      async ({ endpoint, activeNow, clock, lookUp }) => {
        endpoint.respond = () => activeNow({ exp: clock.seconds() + MINUTE });
        await lookUp();
      },
      {},
      false,
    ],
    [
      'not when its response was inactive',
      async ({ endpoint, inactiveNow, lookUp }) => {
        endpoint.respond = inactiveNow;
        await lookUp();
      },
      {},
      false,
    ],
  ])('%s', async (_name, prepare, more, isKnown) => {
    const cache = createCache();
    await prepare(cache);
    cache.clock.advance(MINUTE);
    await cache.lookUp('abc', more);
    expect(cache.requests.at(-1)?.isKnown).toBe(isKnown);
  });

  it('and removes an inactive response that has expired, but no active one', async () => {
    const { lookUp, endpoint, inactiveNow, clock, stats, fail } = createCache();
    await lookUp('active');
    endpoint.respond = inactiveNow;
    await lookUp('inactive');
    clock.advance(MINUTE);
    fail(OUTAGE);
    for (const token of ['active', 'inactive']) await expect(lookUp(token)).rejects.toBe(OUTAGE);
    expect(stats().entries).toBe(1);
  });
});

describe('with a store, the revocation log', () => {
  function createSharedCache(more: Partial<MemoryCacheOptions> = {}) {
    const log = { isCurrent: true, allows: true, revokes: false };
    const asked: unknown[][] = [];
    const revocations: MemoryCacheOptions['revocations'] = {
      isCurrent: () => log.isCurrent,
      allows(...args) {
        asked.push(args);
        return log.allows;
      },
      revokes: () => log.revokes,
    };
    return { ...createCache({ revocations, ...more }), log, asked };
  }

  it('must allow a cached response', async () => {
    const { lookUp, log, asked, requests, clock } = createSharedCache();
    const first = await lookUp();
    expect(await lookUp()).toBe(first);
    expect(asked).toEqual([[tokenDigest('abc'), first, { at: clock.now(), monotonic: clock.monotonic() }]]);
    log.allows = false;
    await lookUp();
    expect(requests).toHaveLength(2);
  });

  it('must not revoke a response that is to be cached', async () => {
    const { lookUp, log, stats } = createSharedCache();
    log.revokes = true;
    await lookUp();
    expect(stats().entries).toBe(0);
  });

  it('must allow the response of a lookup that a request joined', async () => {
    const { lookUp, log, endpoint, requests, activeNow } = createSharedCache();
    const response = createDeferred<TokenRecord>();
    endpoint.respond = () => response.promise;
    const [first, second] = [lookUp(), lookUp()];
    log.allows = false;
    response.resolve(activeNow({ sub: 'shared' }));
    endpoint.respond = () => activeNow({ sub: 'new' });
    expect([await first, await second]).toMatchObject([{ claims: { sub: 'shared' } }, { claims: { sub: 'new' } }]);
    expect(requests).toHaveLength(2);
  });

  it.each([
    ['is read', true, MINUTE],
    ['cannot be read', false, 5],
  ])('limits how long a request joins a lookup, when it %s', async (_name, isCurrent, seconds) => {
    const { lookUp, log, endpoint, requests, clock } = createSharedCache();
    log.isCurrent = isCurrent;
    endpoint.respond = () => new Promise(() => {});
    lookUp();
    clock.advance(seconds);
    lookUp();
    expect(requests).toHaveLength(1);
    clock.advance(0.001);
    lookUp();
    expect(requests).toHaveLength(2);
  });

  it('does not let a request join longer than the ttl when it cannot be read', async () => {
    const { lookUp, log, endpoint, requests, clock } = createSharedCache({ ttlMs: 2000 });
    log.isCurrent = false;
    endpoint.respond = () => new Promise(() => {});
    lookUp();
    clock.advance(2.001);
    lookUp();
    expect(requests).toHaveLength(2);
  });

  it('must allow a stale response', async () => {
    const { lookUp, log, fail, clock, stats } = createSharedCache({ staleIfErrorMs: 300_000 });
    await lookUp();
    clock.advance(MINUTE);
    fail(OUTAGE);
    expect(await lookUp()).toHaveProperty('stale', true);
    log.allows = false;
    await expect(lookUp()).rejects.toBe(OUTAGE);
    expect(stats().stale).toBe(1);
  });
});

describe('a request that joined a lookup', () => {
  it('may not use a response that is older than the ttl when the request arrives', async () => {
    const { lookUp, endpoint, requests, activeNow, clock } = createCache();
    const response = createDeferred<TokenRecord>();
    const old = activeNow({ sub: 'old' });
    clock.advance(MINUTE + 0.001);
    endpoint.respond = () => response.promise;
    const both = [lookUp(), lookUp()];
    response.resolve(old);
    endpoint.respond = () => activeNow({ sub: 'new' });
    expect(await Promise.all(both)).toMatchObject([{ claims: { sub: 'old' } }, { claims: { sub: 'new' } }]);
    expect(requests).toHaveLength(2);
  });

  it('may not use a response that was requested before it wants', async () => {
    const { lookUp, endpoint, activeNow, clock } = createCache();
    const response = createDeferred<TokenRecord>();
    const old = activeNow({ sub: 'old' });
    clock.advance(1);
    endpoint.respond = () => response.promise;
    const both = [lookUp(), lookUp('abc', { notBefore: clock.monotonic() })];
    response.resolve(old);
    endpoint.respond = () => activeNow({ sub: 'new' });
    expect(await Promise.all(both)).toMatchObject([{ claims: { sub: 'old' } }, { claims: { sub: 'new' } }]);
  });
});

describe('a lookup that fails, for which there is a stale response,', () => {
  const STALE = { staleIfErrorMs: 300_000 };

  async function expire(cache: Cache): Promise<void> {
    await cache.lookUp();
    cache.clock.advance(MINUTE);
  }

  it('is repeated once if the endpoint is up', async () => {
    const cache = createCache({ ...STALE, diagnose: async () => 'up' });
    await expire(cache);
    const failures = [OUTAGE];
    cache.endpoint.respond = () => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return cache.activeNow();
    };
    expect(await cache.lookUp()).toMatchObject({ stale: false, claims: { sub: '3' } });
    cache.clock.advance(MINUTE);
    cache.fail(OUTAGE);
    await expect(cache.lookUp()).rejects.toBe(OUTAGE);
    expect([cache.requests.length, cache.stats().stale]).toEqual([5, 0]);
  });

  it('fails if it is unknown whether the endpoint is down', async () => {
    const cache = createCache({ ...STALE, diagnose: async () => 'unknown' });
    await expire(cache);
    cache.fail(OUTAGE);
    await expect(cache.lookUp()).rejects.toBe(OUTAGE);
  });

  it.each<[string, Error]>([
    ['a rejection', new AuthError('inactive')],
    ['a failure', new IntrospectionError('precheck_failed')],
  ])('fails without a diagnosis, if a precheck caused %s', async (_name, error) => {
    const diagnose = jest.fn(async () => 'down' as const);
    const cache = createCache({ ...STALE, diagnose });
    await expire(cache);
    cache.fail(error);
    await expect(cache.lookUp()).rejects.toBe(error);
    expect(diagnose).not.toHaveBeenCalled();
  });

  it('is not diagnosed if there is no response that may be used', async () => {
    const diagnose = jest.fn(async () => 'down' as const);
    const { lookUp, fail, endpoint, inactiveNow, clock } = createCache({ ...STALE, diagnose });
    endpoint.respond = inactiveNow;
    await lookUp('inactive');
    fail(OUTAGE);
    clock.advance(5);
    for (const token of ['abc', 'inactive']) await expect(lookUp(token)).rejects.toBe(OUTAGE);
    expect(diagnose).not.toHaveBeenCalled();
  });

  it('uses a newer response that came meanwhile, which is not stale', async () => {
    const down = createDeferred<'down'>();
    const cache = createCache({ ...STALE, diagnose: () => down.promise });
    await expire(cache);
    cache.fail(OUTAGE);
    const failed = cache.lookUp();
    await nextTurn();
    cache.endpoint.respond = () => cache.activeNow({ sub: 'new' });
    await cache.lookUp();
    down.resolve('down');
    expect(await failed).toMatchObject({ stale: false, claims: { sub: 'new' } });
    expect(cache.stats().stale).toBe(0);
  });

  it('waits for the diagnosis until the time limit of its request', async () => {
    const down = createDeferred<'down'>();
    const cache = createCache({ ...STALE, diagnose: () => down.promise });
    await expire(cache);
    const arrived = { at: cache.clock.now(), monotonic: cache.clock.monotonic() };
    cache.clock.advance(2.999);
    cache.fail(OUTAGE);
    const later = cache.lookUp();
    const earlier = cache.lookUp('abc', { now: arrived }).finally(() => down.resolve('down'));
    expect(await Promise.allSettled([earlier, later])).toMatchObject([
      { status: 'rejected', reason: OUTAGE },
      { status: 'fulfilled', value: { stale: true } },
    ]);
  });

  it('is diagnosed early, after half of the time limit', async () => {
    const order: string[] = [];
    const diagnose = async () => {
      order.push('diagnosis');
      return 'down' as const;
    };
    const cache = createCache({ ...STALE, timeoutMs: 400, diagnose });
    await expire(cache);
    const response = createDeferred<TokenRecord>();
    cache.endpoint.respond = () => response.promise;
    setTimeout(() => order.push('timer'), 390);
    const lookup = cache.lookUp();
    await until(() => order.length === 2);
    response.resolve(cache.activeNow());
    await lookup;
    expect(order).toEqual(['diagnosis', 'timer']);
  });
});

describe('an early refresh', () => {
  beforeEach(() => jest.spyOn(Math, 'random').mockReturnValue(0));
  afterEach(() => jest.restoreAllMocks());

  it('asks for a new response, in the background, about a known token', async () => {
    const { lookUp, clock, requests } = createCache({ refreshAhead: true });
    await lookUp();
    clock.advance(59);
    await lookUp();
    const now = { at: clock.now(), monotonic: clock.monotonic() };
    expect(requests[1]).toEqual({ notBefore: clock.monotonic(), now, background: true, isKnown: true });
  });

  it('that a precheck rejects does not prevent others', async () => {
    const { lookUp, clock, requests, fail } = createCache({ refreshAhead: true });
    await lookUp();
    clock.advance(59);
    fail(new AuthError('inactive'));
    for (let i = 0; i < 2; i++) {
      await lookUp();
      await nextTurn();
    }
    expect(requests).toHaveLength(3);
  });

  it('publishes nothing while eight others run', async () => {
    const { lookUp, clock, endpoint } = createCache({ refreshAhead: true });
    const tokens = Array.from({ length: 9 }, (_, i) => `token-${i}`);
    for (const token of tokens) await lookUp(token);
    clock.advance(59);
    endpoint.respond = () => new Promise(() => {});
    const events = recordEvents('cache');
    for (const token of tokens) await lookUp(token);
    expect(events.filter(({ outcome }) => outcome === 'refresh')).toHaveLength(8);
  });
});

it('a lookup that may not begin is counted as a miss, and sends nothing', async () => {
  const failure = new IntrospectionError('closed');
  const { lookUp, requests, stats } = createCache({
    beginMiss() {
      throw failure;
    },
  });
  await expect(lookUp('abc', { notBefore: ANY_AGE })).rejects.toBe(failure);
  expect([requests.length, stats().misses]).toEqual([0, 1]);
});
