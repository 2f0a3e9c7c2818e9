import { type CreateSharedCacheSettings, createSharedCache } from '../../../lib/cache/shared/create-shared-cache.js';
import { withRetries } from '../../../lib/cache/shared/revocations.js';
import { tokenDigest } from '../../../lib/core/token-digest.js';
import type { CacheStore } from '../../../lib/index.js';
import { toRecord } from '../../../lib/introspection/response.js';
import { createClock, since } from '../../support/clock.js';
import { createSharedMemory, type SharedMemory } from '../../support/shared-memory.js';
import { until } from '../../support/until.js';

const TOKEN = { token: 'abc', digest: tokenDigest('abc') };
const SECRET = 's'.repeat(32);

type Cache = ReturnType<typeof createSharedCache>;

const caches: Cache[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  jest.useRealTimers();
  await Promise.all(caches.splice(0).map(({ revocations }) => revocations.close()));
});

interface Options extends Partial<CreateSharedCacheSettings> {
  readonly store?: CacheStore;
  readonly namespace?: string;
}

/** The shared cache of one process, which has read the log, and the number of its requests. */
async function create(memory: SharedMemory, { store = memory.connect(), namespace = '', ...more }: Options = {}) {
  const clock = createClock();
  let requests = 0;
  const cache = createSharedCache(
    () => {
      requests++;
      return toRecord({ active: true, sub: 'alice' }, { at: clock.now(), monotonic: clock.monotonic() });
    },
    {
      ...{ ttlMs: 60_000, inactiveTtlMs: 5000, staleIfErrorMs: 0, timeoutMs: 3000, introspectorId: 'id' },
      ...{ clock, restore: toRecord, assertCallAllowed() {} },
      shared: { store, secrets: [SECRET], namespace },
      ...more,
    },
  );
  caches.push(cache);
  await until(() => cache.revocations.isCurrent());
  return {
    ...{ ...cache, clock, requests: () => requests },
    lookUp: async () => cache.lookup(TOKEN, since(clock)),
  };
}

describe('the entries of a store', () => {
  it.each<[string, Options, number]>([
    ['of the same introspector and namespace are shared', {}, 0],
    ['of another introspector are not shared', { introspectorId: 'other' }, 1],
    ['of another namespace are not shared', { namespace: 'other' }, 1],
  ])('%s', async (_name, options, requests) => {
    const memory = createSharedMemory();
    const one = await create(memory);
    await one.lookUp();
    await until(() => memory.entries.size === 1);
    const other = await create(memory, options);
    expect(await other.lookUp()).toMatchObject({ claims: { sub: 'alice' } });
    expect(other.requests()).toBe(requests);
  });
});

it.each([
  ['the ttl', { ttlMs: 900_000 }, 900_000],
  ['the inactive ttl', { inactiveTtlMs: 800_000 }, 800_000],
  ['the time for stale responses', { staleIfErrorMs: 700_000 }, 700_000],
])('a revocation is kept for 2 minutes longer than %s', async (_name, options, ms) => {
  const memory = createSharedMemory();
  const append = jest.fn(async () => '1');
  const { revocations } = await create(memory, { store: { ...memory.connect(), append }, ...options });
  await revocations.revoke('sub', 'alice');
  expect(append.mock.calls).toEqual([[expect.any(String), ms + 120_000]]);
});

it('a revocation may take up to a quarter of the time limit for each try', async () => {
  const memory = createSharedMemory();
  const store = { ...memory.connect(), append: () => new Promise<string>(() => {}) };
  const { revocations } = await create(memory, { store, timeoutMs: 30_001 });
  jest.useFakeTimers({ doNotFake: ['performance'] });
  let now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const outcome = revocations.revoke('sub', 'alice').catch((error: Error) => error.message);
  await jest.advanceTimersByTimeAsync(7500);
  expect(await Promise.race([outcome, 'still waits'])).toBe('still waits');
  now = 60_000;
  await jest.advanceTimersByTimeAsync(2);
  expect(await Promise.race([outcome, 'still waits'])).toBe('too late');
});

describe('peek', () => {
  it('reads the record of a token, even if it may not be used any longer', async () => {
    const memory = createSharedMemory();
    const one = await create(memory);
    await one.lookUp();
    await until(() => memory.entries.size === 1);
    await one.revocations.revoke('sub', 'alice');
    one.clock.advance(3600);
    expect(await one.peek(TOKEN)).toMatchObject({ claims: { sub: 'alice' } });
    expect(one.requests()).toBe(1);
  });

  it('finds no record of an unknown token', async () => {
    expect(await (await create(createSharedMemory())).peek(TOKEN)).toBeUndefined();
  });

  it('rejects when the store fails', async () => {
    const memory = createSharedMemory();
    const getOrLease = () => Promise.reject(new Error('no connection'));
    const { peek } = await create(memory, { store: { ...memory.connect(), getOrLease }, timeoutMs: 1 });
    await expect(peek(TOKEN)).rejects.toThrow('The store failed');
  });
});

describe('withRetries', () => {
  /** Fails at these times after the call, in milliseconds. Returns the number of tries. */
  async function failAt(...times: readonly number[]): Promise<number> {
    let tries = 0;
    // Before the first try, it is 0. Other code may call it too.
    jest.spyOn(performance, 'now').mockImplementation(() => (tries === 0 ? 0 : (times[tries - 1] ?? 1_000_000)));
    const work = async () => {
      tries++;
      throw new Error(`try ${tries}`);
    };
    await expect(withRetries(work, 200)).rejects.toThrow(`try ${times.length}`);
    return tries;
  }

  it('waits twice as long after each try, and begins the last one before the time is over', async () => {
    expect(await failAt(0, 50, 150)).toBe(3);
    expect(await failAt(0, 99, 100)).toBe(3);
  });

  it('begins no try when the time would be over after the pause', async () => {
    expect(await failAt(150)).toBe(1);
    expect(await failAt(149.9, 200)).toBe(2);
  });

  it('returns the first result', async () => {
    const results = [() => Promise.reject(new Error('no')), async () => 'result'];
    expect(await withRetries(() => (results.shift() as () => Promise<string>)(), 60_000)).toBe('result');
  });
});
