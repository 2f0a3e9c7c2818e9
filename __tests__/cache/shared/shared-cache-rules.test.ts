import timers from 'node:timers/promises';
import { withSharedCache } from '../../../lib/cache/shared/shared-cache.js';
import type { StoredRecord, StoreReadOptions } from '../../../lib/cache/shared/shared-entries.js';
import { IntrospectionError } from '../../../lib/core/errors.js';
import type { LookupOptions, TokenKey, TokenRecord } from '../../../lib/core/lookup.js';
import { recordEvents } from '../../support/channels.js';
import { createClock, since } from '../../support/clock.js';
import { createDeferred } from '../../support/deferred.js';
import { activeRecord, bearerCredentials } from '../../support/records.js';
import { until } from '../../support/until.js';

const TOKEN = bearerCredentials('token', 'digest');
const BYTES = Buffer.of(1, 2, 3);
const TIMEOUT = { code: 'timeout' };

type Read = StoredRecord | undefined | Promise<StoredRecord | undefined>;

/** A shared cache over a store whose reads a test answers one after the other; the last answer counts for all further reads. */
function create(...reads: readonly Read[]) {
  const clock = createClock();
  const log = { isCurrent: true, allows: true, revokes: false, position: '7' };
  const breaker: { error: unknown } = { error: undefined };
  const endpoint = { respond: (): TokenRecord | Promise<TokenRecord> => recordOfNow({ sub: 'endpoint' }) };
  const readOptions: (StoreReadOptions | undefined)[] = [];
  const saved: unknown[][] = [];
  const asked: LookupOptions[] = [];
  const isKnown: boolean[] = [];
  const recordOfNow = (claims = {}) =>
    activeRecord(claims, { askedAt: clock.now(), askedMonotonic: clock.monotonic() });
  const lookup = withSharedCache(
    async (_tokenKey, options) => {
      asked.push(options);
      return endpoint.respond();
    },
    {
      ...{ clock, ttlMs: 60_000, inactiveTtlMs: 5000, timeoutMs: 3000 },
      assertCallAllowed(known) {
        isKnown.push(known);
        if (breaker.error !== undefined) throw breaker.error;
      },
      revocations: {
        isCurrent: () => log.isCurrent,
        allows: () => log.allows,
        revokes: () => log.revokes,
        position: () => log.position,
      } as never,
      entries: {
        async read(_tokenKey: TokenKey, options?: StoreReadOptions) {
          readOptions.push(options);
          return reads[Math.min(readOptions.length, reads.length) - 1];
        },
        async save(...args: unknown[]) {
          saved.push(args);
        },
      },
    },
  );
  return {
    ...{ clock, log, breaker, endpoint, readOptions, saved, asked, isKnown, recordOfNow },
    lookUp: async (more: Partial<LookupOptions> = {}) => lookup(TOKEN, { ...since(clock), ...more }),
  };
}

const found = (more: Partial<StoredRecord> = {}): StoredRecord => ({
  ...{ now: 5_000_000, repliedAt: 1000, isLeased: false, record: undefined, value: undefined },
  ...more,
});
const ALICE = activeRecord({ sub: 'alice' });
const USABLE = found({ record: ALICE, value: BYTES });
const LEASED = found({ isLeased: true });
const HELD = found();

const LEASE_ID = /^[\w-]{12}\.\d+$/;
const nextTurns = async () => {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
};

/** Resolves when another lookup has read the store so often that a lookup which was not over would have read it too. */
async function longPoll(): Promise<void> {
  const { lookUp, endpoint, readOptions } = create(HELD, undefined, HELD);
  const response = createDeferred<TokenRecord>();
  endpoint.respond = () => response.promise;
  const lookup = lookUp();
  await until(() => readOptions.length > 8);
  response.resolve(ALICE);
  await lookup;
}

describe('a lookup that may use a stored response', () => {
  it('returns it, without asking the endpoint', async () => {
    const events = recordEvents('cache');
    const { lookUp, asked, saved, readOptions } = create(USABLE);
    expect(await lookUp()).toBe(ALICE);
    expect([asked, saved, readOptions.length]).toEqual([[], [], 1]);
    expect(events).toEqual([{ outcome: 'shared', tokenDigest: TOKEN.digest }]);
  });

  it('releases the lease that the read took all the same', async () => {
    const { lookUp, saved, readOptions } = create(found({ record: ALICE, isLeased: true }));
    expect(await lookUp()).toBe(ALICE);
    expect(saved).toEqual([[TOKEN, undefined, undefined, readOptions[0]?.leaseId]]);
  });

  it('asks the endpoint if it gets the lease, and stores the response with the position of the log before', async () => {
    const { lookUp, endpoint, log, asked, saved, readOptions, recordOfNow, clock } = create(LEASED);
    const record = recordOfNow();
    endpoint.respond = () => {
      log.position = '8';
      return record;
    };
    const events = recordEvents('cache');
    expect(await lookUp({ isKnown: true })).toEqual({ ...record, logPosition: '7' });
    await nextTurns();
    expect(asked).toEqual([{ ...since(clock), isKnown: true }]);
    expect(saved).toEqual([[TOKEN, { ...record, logPosition: '7' }, LEASED, readOptions[0]?.leaseId]]);
    expect(events).toEqual([]);
  });

  it('asks the endpoint if the store fails', async () => {
    const { lookUp, asked, saved } = create(undefined);
    expect(await lookUp()).toMatchObject({ claims: { sub: 'endpoint' } });
    await nextTurns();
    expect([asked.length, saved]).toEqual([
      1,
      [[TOKEN, expect.anything(), undefined, expect.stringMatching(LEASE_ID)]],
    ]);
  });

  it('takes each lease under another name', async () => {
    const { lookUp, readOptions } = create(USABLE);
    for (let i = 0; i < 2; i++) await lookUp();
    const other = create(USABLE);
    await other.lookUp();
    const names = [...readOptions, ...other.readOptions].map((options) => options?.leaseId);
    for (const name of names) expect(name).toMatch(LEASE_ID);
    expect(new Set(names).size).toBe(3);
  });

  it('stores no response that was revoked meanwhile, and releases the lease', async () => {
    const { lookUp, endpoint, log, recordOfNow, saved, readOptions } = create(LEASED);
    endpoint.respond = () => {
      log.revokes = true;
      return recordOfNow();
    };
    await lookUp();
    await nextTurns();
    expect(saved).toEqual([[TOKEN, undefined, LEASED, readOptions[0]?.leaseId]]);
  });

  it('releases the lease if the endpoint fails', async () => {
    const { lookUp, endpoint, saved, readOptions } = create(LEASED);
    const failure = new Error('down');
    endpoint.respond = () => Promise.reject(failure);
    await expect(lookUp()).rejects.toBe(failure);
    await nextTurns();
    expect(saved).toEqual([[TOKEN, undefined, LEASED, readOptions[0]?.leaseId]]);
  });

  it('reads again without the bytes that it cannot use', async () => {
    const { lookUp, readOptions, asked } = create(found({ value: BYTES }), LEASED);
    await lookUp();
    const [first, second, ...others] = readOptions;
    expect([first, second, others]).toEqual([
      { leaseId: expect.stringMatching(LEASE_ID) },
      { leaseId: first?.leaseId, except: BYTES },
      [],
    ]);
    expect(asked).toHaveLength(1);
  });

  it('uses the response that it finds when it reads again', async () => {
    const { lookUp, asked } = create(found({ value: BYTES }), USABLE);
    expect(await lookUp()).toBe(ALICE);
    expect(asked).toEqual([]);
  });
});

describe('a stored response', () => {
  it.each([
    ['until its lifetime ends', 59.999, false, true],
    ['not when its lifetime has ended', 60, false, false],
    ['in the background while more than three quarters of its lifetime are left', 14.999, true, true],
    ['not in the background later', 15, true, false],
  ])('is used %s', async (_name, seconds, background, isUsed) => {
    const { lookUp, clock, asked } = create(USABLE, LEASED);
    clock.advance(seconds);
    await lookUp({ background });
    expect(asked).toHaveLength(isUsed ? 0 : 1);
  });

  it('is not used if the revocation log does not allow it', async () => {
    const { lookUp, log, asked } = create(USABLE, LEASED);
    log.allows = false;
    await lookUp();
    expect(asked).toHaveLength(1);
  });
});

describe('a lookup that needs the endpoint', () => {
  it.each<[string, Partial<LookupOptions>, boolean]>([
    ['because it requires a new response', { notBefore: 1000 }, true],
    ['because the revocation log cannot be read', {}, false],
  ])('reads only the time of the store, %s', async (_name, options, isCurrent) => {
    const { lookUp, log, asked, saved, readOptions, isKnown } = create(USABLE);
    log.isCurrent = isCurrent;
    expect(await lookUp(options)).toMatchObject({ claims: { sub: 'endpoint' } });
    await nextTurns();
    expect([asked.length, readOptions, isKnown]).toEqual([1, [undefined], []]);
    expect(saved).toEqual([[TOKEN, expect.objectContaining({ logPosition: '7' }), USABLE, undefined]]);
  });

  it('in the background may use the store all the same', async () => {
    const { lookUp, asked } = create(USABLE);
    expect(await lookUp({ notBefore: 1000, background: true })).toBe(ALICE);
    expect(asked).toEqual([]);
  });
});

describe('while the circuit breaker is open, a lookup', () => {
  const error = new Error('circuit_open');

  it.each<[string, StoredRecord | undefined]>([
    ['finds nothing', HELD],
    ['finds bytes that it cannot use', found({ value: BYTES })],
    ['cannot read the store', undefined],
  ])('fails if it %s, and takes no lease', async (_name, stored) => {
    const { lookUp, breaker, asked, saved, readOptions, isKnown } = create(stored);
    breaker.error = error;
    await expect(lookUp({ isKnown: true })).rejects.toBe(error);
    expect([asked, saved, readOptions, isKnown]).toEqual([[], [], [{ leaseId: undefined }], [true]]);
  });

  it('uses a stored response', async () => {
    const { lookUp, breaker } = create(USABLE);
    breaker.error = error;
    expect(await lookUp()).toBe(ALICE);
  });
});

describe('a lookup whose time limit passes while it reads the store', () => {
  it.each([
    ['releases the lease that the read takes later', LEASED, 1],
    ['releases nothing if the read takes no lease', HELD, 0],
    ['releases nothing if the read fails', undefined, 0],
  ])('%s', async (_name, stored, releases) => {
    const reply = createDeferred<StoredRecord | undefined>();
    const { lookUp, clock, saved, readOptions, asked } = create(reply.promise);
    const { now } = since(clock);
    clock.advance(2.999);
    await expect(lookUp({ now })).rejects.toMatchObject(TIMEOUT);
    reply.resolve(stored);
    await nextTurns();
    expect(saved).toEqual(Array(releases).fill([TOKEN, undefined, undefined, readOptions[0]?.leaseId]));
    expect(asked).toEqual([]);
  });

  it('leaves no timer when the reply comes in time', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await create(USABLE).lookUp();
    expect(timers()).toBe(before);
  });
});

describe('while another process holds the lease, a lookup', () => {
  // So a wait never ends because the machine is busy.
  beforeEach(() => jest.spyOn(performance, 'now').mockReturnValue(0));
  afterEach(() => jest.restoreAllMocks());

  it('reads the store until the response of that process is there', async () => {
    const { lookUp, asked, saved, readOptions } = create(HELD, HELD, HELD, USABLE);
    expect(await lookUp()).toBe(ALICE);
    const leaseId = readOptions[0]?.leaseId;
    expect(readOptions).toEqual([{ leaseId }, ...Array(3).fill({ leaseId, except: undefined })]);
    expect([asked, saved]).toEqual([[], []]);
  });

  it('does not take bytes again that it cannot use', async () => {
    const { lookUp, readOptions } = create(found({ value: BYTES }), HELD, USABLE);
    expect(await lookUp()).toBe(ALICE);
    expect(readOptions.map((options) => options?.except)).toEqual([undefined, BYTES, BYTES]);
  });

  it('uses a response that is found under an older secret', async () => {
    const { lookUp, asked } = create(HELD, HELD, found({ record: ALICE }));
    expect(await lookUp()).toBe(ALICE);
    expect(asked).toEqual([]);
  });

  it('asks the endpoint when it gets the lease, and releases it', async () => {
    const { lookUp, asked, saved, readOptions } = create(HELD, LEASED);
    expect(await lookUp()).toMatchObject({ claims: { sub: 'endpoint' } });
    await nextTurns();
    expect([asked.length, readOptions.length]).toEqual([1, 2]);
    expect(saved).toEqual([[TOKEN, expect.anything(), LEASED, readOptions[0]?.leaseId]]);
  });

  it('releases no lease when it finds bytes that it cannot use, and asks the endpoint', async () => {
    const unusable = found({ value: BYTES });
    const { lookUp, asked, saved } = create(HELD, unusable);
    expect(await lookUp()).toMatchObject({ claims: { sub: 'endpoint' } });
    await nextTurns();
    expect(asked).toHaveLength(1);
    expect(saved).toEqual([[TOKEN, expect.anything(), unusable, undefined]]);
  });

  it('asks the endpoint at once when the circuit breaker opens or the store fails', async () => {
    const failing = create(HELD, undefined);
    expect(await failing.lookUp()).toMatchObject({ claims: { sub: 'endpoint' } });
    expect(failing.readOptions).toHaveLength(2);
    const opening = create(HELD);
    const lookup = opening.lookUp();
    await until(() => opening.readOptions.length === 2);
    opening.breaker.error = new Error('circuit_open');
    opening.endpoint.respond = () => Promise.reject(opening.breaker.error);
    await expect(lookup).rejects.toBe(opening.breaker.error);
    expect(opening.readOptions.length).toBeLessThan(6);
  });

  it('takes the response of that process also while it asks the endpoint itself, and reads no further', async () => {
    const events = recordEvents('cache');
    const reply = createDeferred<StoredRecord | undefined>();
    const { lookUp, endpoint, asked, readOptions, saved } = create(HELD, undefined, HELD, reply.promise);
    const response = createDeferred<TokenRecord>();
    endpoint.respond = () => response.promise;
    const lookup = lookUp();
    await until(() => readOptions.length === 4);
    reply.resolve(USABLE);
    expect(await lookup).toBe(ALICE);
    expect([asked.length, readOptions.slice(2)]).toEqual([1, Array(2).fill({ except: undefined })]);
    expect(events).toEqual([{ outcome: 'shared', tokenDigest: TOKEN.digest }]);
    response.resolve(ALICE);
    await nextTurns();
    expect(saved).toEqual([[TOKEN, { ...ALICE, logPosition: '7' }, HELD, undefined]]);
  });

  it('does not take bytes again that it cannot use, also while it asks the endpoint itself', async () => {
    const { lookUp, endpoint, readOptions } = create(found({ value: BYTES }), HELD, undefined, HELD, USABLE);
    endpoint.respond = () => new Promise(() => {});
    expect(await lookUp()).toBe(ALICE);
    expect(readOptions.slice(3)).toEqual(Array(2).fill({ except: BYTES }));
  });

  it.each([
    ['finds the response of that process', USABLE],
    ['finds nothing', HELD],
  ])(
    'takes the response of the endpoint if it comes first, and reads no further if a late read %s',
    async (_name, late) => {
      const events = recordEvents('cache');
      const reply = createDeferred<StoredRecord | undefined>();
      const { lookUp, endpoint, readOptions, recordOfNow } = create(HELD, undefined, reply.promise);
      const response = createDeferred<TokenRecord>();
      endpoint.respond = () => response.promise;
      const lookup = lookUp();
      await until(() => readOptions.length === 3);
      response.resolve(recordOfNow({ sub: 'endpoint' }));
      expect(await lookup).toMatchObject({ claims: { sub: 'endpoint' } });
      reply.resolve(late);
      await longPoll();
      expect([readOptions.length, events]).toEqual([3, []]);
    },
  );

  it('fails with the endpoint, and not with the store', async () => {
    const { lookUp, endpoint } = create(HELD, undefined, HELD);
    const failure = new Error('down');
    endpoint.respond = () => Promise.reject(failure);
    await expect(lookUp()).rejects.toBe(failure);
  });

  it('goes on waiting for the endpoint if the store fails or holds bytes that it cannot use', async () => {
    for (const stored of [undefined, found({ value: BYTES })]) {
      const { lookUp, endpoint, readOptions, recordOfNow } = create(HELD, undefined, stored);
      const response = createDeferred<TokenRecord>();
      endpoint.respond = () => response.promise;
      const lookup = lookUp();
      await until(() => readOptions.length === 3);
      await nextTurns();
      response.resolve(recordOfNow({ sub: 'endpoint' }));
      expect(await lookup).toMatchObject({ claims: { sub: 'endpoint' } });
    }
  });

  it('fails when its time limit passes, although neither the endpoint nor the store responds', async () => {
    const never = new Promise<never>(() => {});
    const { lookUp, endpoint, clock, readOptions } = create(HELD, undefined, never);
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    endpoint.respond = () => never;
    const { now } = since(clock);
    clock.advance(2.95);
    await expect(lookUp({ now })).rejects.toMatchObject(TIMEOUT);
    expect(readOptions).toHaveLength(3);
    await until(() => timers() === before);
  });

  it('fails with the timeout of the endpoint if that comes first', async () => {
    const { lookUp, endpoint } = create(HELD, undefined, HELD);
    const failure = new IntrospectionError('timeout', 'of the endpoint');
    endpoint.respond = () => Promise.reject(failure);
    await expect(lookUp()).rejects.toBe(failure);
  });
});

describe('a lookup that waits for the holder of a lease', () => {
  it('asks the endpoint after 0.3 seconds, with the whole time limit, and releases no lease', async () => {
    const { lookUp, clock, asked, saved } = create(HELD);
    const startedAt = performance.now();
    const { now } = since(clock);
    clock.advance(1);
    expect(await lookUp({ now })).toMatchObject({ claims: { sub: 'endpoint' } });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300);
    expect(asked.map(({ now }) => now)).toEqual([since(clock).now]);
    await nextTurns();
    expect(saved).toEqual([[TOKEN, expect.anything(), HELD, undefined]]);
  });

  it('reads the store after pauses that grow to 60 milliseconds, until exactly 0.3 seconds have passed', async () => {
    const { lookUp, endpoint, recordOfNow } = create(HELD);
    const pauses: unknown[] = [];
    let pausesBefore: unknown[] = [];
    jest.spyOn(performance, 'now').mockImplementation(() => pauses.length * 30);
    jest.spyOn(timers, 'setTimeout').mockImplementation(async (ms) => void pauses.push(ms));
    endpoint.respond = () => {
      pausesBefore = [...pauses];
      return recordOfNow();
    };
    await lookUp();
    jest.restoreAllMocks();
    expect(pausesBefore).toEqual([...[0, 1, 2, 3, 4, 5, 6].map((power) => 5 * 1.5 ** power), 60, 60, 60]);
  });

  it('waits for at most half of the time that it has left', async () => {
    const { lookUp, clock, endpoint, recordOfNow, readOptions } = create(HELD);
    const { now } = since(clock);
    clock.advance(2.9);
    let reads = 0;
    endpoint.respond = () => {
      reads = readOptions.length;
      return recordOfNow();
    };
    await lookUp({ now });
    expect(reads).toBeLessThan(8);
  });
});
