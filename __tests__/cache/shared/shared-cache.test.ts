import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createEntryCipher } from '../../../lib/cache/shared/entry-cipher.js';
import { createClock, since } from '../../support/clock.js';
import { createDeferred } from '../../support/deferred.js';
import { bearerCredentials, createInstance, type Instance } from '../../support/fleet.js';
import { createSharedMemory, FULL_BEGIN, type SharedMemory } from '../../support/shared-memory.js';
import { until } from '../../support/until.js';

const CHANNEL = 'express-token-introspection:cache';

const outcomes: string[] = [];
const listener = (message: unknown) => void outcomes.push((message as { outcome: string }).outcome);

let memory: SharedMemory;

/** The clock of the store. */
const time = createClock();

/** Advances the clocks of the store and of the instances, and waits until the log was read again. */
function elapse(seconds: number, ...instances: Instance[]): Promise<void> {
  for (const { advance } of [time, ...instances.map(({ clock }) => clock)]) advance(seconds);
  return until(() => instances.every(({ revocations }) => revocations.isCurrent()));
}

beforeEach(() => {
  memory = createSharedMemory(time.monotonic);
  outcomes.splice(0);
  subscribe(CHANNEL, listener);
});
afterEach(() => unsubscribe(CHANNEL, listener));

/** Waits until the response is stored and the lease is released, for which no lookup waits. */
async function written({ entries }: SharedMemory = memory): Promise<void> {
  await until(() => entries.size > 0);
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
}

function keyIn({ entries }: SharedMemory = memory): string {
  return [...entries.keys()][0] ?? '';
}

const alice = expect.objectContaining({ sub: 'alice' });

describe('a response', () => {
  it.each([
    ['active', { active: true, sub: 'alice', scope: 'read write', aud: ['a', 'b'], nested: { deep: [1, 'ü', true] } }],
    ['inactive', { active: false }],
  ])('that is %s is shared with other processes unchanged', async (_, response) => {
    const respond = () => structuredClone(response);
    const [one, other] = [await createInstance(memory, { respond }), await createInstance(memory, { respond })];
    const first = await one.lookUp();
    await written();
    expect(await other.lookUp()).toEqual(first);
    expect([one.requests(), other.requests()]).toEqual([1, 0]);
    expect(outcomes).toEqual(['shared']);
  });

  it('expires in every process at the same time after its request', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    await elapse(59.9, one, other);
    expect((await other.lookUp()).askedMonotonic).toBe(1000);
    expect(other.requests()).toBe(0);
    await elapse(0.1, one, other);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('is not stored when its ttl is 0', async () => {
    const one = await createInstance(memory, { ttlMs: 0 });
    await one.lookUp();
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(keyIn()).toBe('');
  });

  it('with a claim that is not JSON is returned and not stored', async () => {
    const one = await createInstance(memory, { respond: () => ({ active: true, big: 1n }) });
    expect(await one.lookUp()).toMatchObject({ claims: { big: 1n } });
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(keyIn()).toBe('');
  });

  it('that must be fresh is requested from the endpoint, and stored for the others', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    const before = memory.entries.get(keyIn())?.value;
    other.clock.advance(1);
    await other.lookUpFresh();
    expect(other.requests()).toBe(1);
    await until(() => memory.entries.get(keyIn())?.value !== before);
  });
});

describe('the age of a response of another process', () => {
  const NOW = 1_800_000_000;

  async function lookUpAge({ lookUp, clock }: Instance): Promise<number> {
    const { askedMonotonic } = await lookUp();
    return clock.monotonic() - askedMonotonic;
  }

  it.each([
    ['agrees', 0],
    ['is ten minutes ahead', 600],
    ['is half a second behind', -0.5],
    ['is half a minute behind', -30],
    ['is ten minutes behind', -600],
    ['is a day behind', -86_400],
  ])('is exact in a process whose clock %s', async (_, behind) => {
    const [one, other] = [
      await createInstance(memory),
      await createInstance(memory, { clock: createClock(NOW + behind) }),
    ];
    await one.lookUp();
    await written();
    await elapse(35, one, other);
    const { askedAt, askedMonotonic } = await other.lookUp();
    expect([other.clock.monotonic() - askedMonotonic, other.clock.now() - askedAt]).toEqual([35_000, 35_000]);
    await elapse(24.9, one, other);
    await other.lookUp();
    expect(other.requests()).toBe(0);
    await elapse(0.1, one, other);
    await other.lookUp();
    expect([other.requests(), outcomes]).toEqual([1, ['shared', 'shared']]);
  });

  it('includes the time that the request took', async () => {
    const one: Instance = await createInstance(memory, {
      respond: async () => {
        await elapse(3, one, other);
        return { active: true };
      },
    });
    const other = await createInstance(memory, { clock: createClock(NOW - 30) });
    await one.lookUp();
    await written();
    await elapse(10, one, other);
    expect(await lookUpAge(other)).toBe(13_000);
  });

  it('includes the time that a write to the store was delayed', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    const { keepAndRelease } = one.connection;
    const release = createDeferred();
    one.connection.keepAndRelease = async (...args) => {
      await release.promise;
      return keepAndRelease(...args);
    };
    await one.lookUp();
    await elapse(40, one, other);
    release.resolve();
    await written();
    expect(await lookUpAge(other)).toBe(40_000);
    await elapse(20, one, other);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('prevents that a response is stored whose write was delayed until it expired', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    const { keepAndRelease } = one.connection;
    const release = createDeferred();
    one.connection.keepAndRelease = async (...args) => {
      await release.promise;
      return keepAndRelease(...args);
    };
    await one.lookUp();
    await elapse(60, one, other);
    release.resolve();
    await until(() => one.connection.calls.includes('keepAndRelease'));
    expect(memory.entries.size).toBe(0);
  });

  it('includes the time that a read from the store was delayed', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory, { clock: createClock(NOW - 30) })];
    await one.lookUp();
    await written();
    await elapse(10, one, other);
    const { getOrLease } = other.connection;
    other.connection.getOrLease = async (...args) => {
      const reply = await getOrLease(...args);
      await elapse(5, one, other);
      return reply;
    };
    expect(await lookUpAge(other)).toBe(15_000);
  });

  it('does not matter for exp, which counts on the clock of the process that uses the response', async () => {
    const respond = () => ({ active: true, exp: NOW + 40 });
    const one = await createInstance(memory, { respond });
    const other = await createInstance(memory, { respond, clock: createClock(NOW + 10) });
    await one.lookUp();
    await written();
    await elapse(29.9, one, other);
    await other.lookUp();
    expect(other.requests()).toBe(0);
    await elapse(0.1, one, other);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });
});

describe('an early refresh', () => {
  it.each([
    ['takes a response of another process in the first quarter of its life', 14, 0],
    ['asks the endpoint when the response of another process is older', 15, 1],
  ])('%s', async (_, age, requests) => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    await elapse(age, one, other);
    await other.refresh();
    expect(other.requests()).toBe(requests);
  });
});

describe('an unusable entry', () => {
  const cipher = createEntryCipher(['s'.repeat(32)], 'scope');
  const [key = ''] = cipher.keysOf(bearerCredentials());
  const encrypted = (text: string) => cipher.encrypt(bearerCredentials(), key, text);
  const valid = { response: { active: true, sub: 'alice' }, asked: 0, logPosition: FULL_BEGIN };
  const entryWith = (changes: object) => encrypted(JSON.stringify({ ...valid, asked: time.monotonic(), ...changes }));

  it('is not one that is encrypted, dated and valid', async () => {
    memory.entries.set(key, { value: entryWith({}), expiresAt: Number.POSITIVE_INFINITY });
    const one = await createInstance(memory);
    await one.lookUp();
    expect([one.requests(), outcomes]).toEqual([0, ['shared']]);
  });

  it.each<[string, () => Uint8Array]>([
    ['arbitrary bytes', () => Buffer.from('nonsense')],
    ['an entry of another token', () => cipher.encrypt(bearerCredentials('other'), key, JSON.stringify(valid))],
    ['no JSON', () => encrypted('{')],
    ['null', () => encrypted('null')],
    ['no date', () => entryWith({ asked: undefined })],
    ['an invalid date', () => entryWith({ asked: null })],
    ['a date in the future', () => entryWith({ asked: time.monotonic() + 1 })],
    ['no log position', () => entryWith({ logPosition: undefined })],
    ['an invalid log position', () => entryWith({ logPosition: 1 })],
    ['no response', () => entryWith({ response: undefined })],
    ['an invalid response', () => entryWith({ response: { active: 'true' } })],
  ])('is %s: the endpoint is asked, an event is published, and the entry is replaced', async (_, createValue) => {
    const value = createValue();
    memory.entries.set(key, { value, expiresAt: Number.POSITIVE_INFINITY });
    const one = await createInstance(memory);
    expect(await one.lookUp()).toMatchObject({ claims: alice });
    expect([one.requests(), outcomes]).toEqual([1, ['unusable']]);
    await until(() => memory.entries.get(key)?.value !== value);
    const other = await createInstance(memory);
    await other.lookUp();
    expect(other.requests()).toBe(0);
  });

  it('is an expired entry that the store still returns', async () => {
    const one = await createInstance(memory);
    memory.entries.set(key, { value: entryWith({}), expiresAt: Number.POSITIVE_INFINITY });
    await elapse(60, one);
    await one.lookUp();
    expect(one.requests()).toBe(1);
  });

  it('is null, which some stores return for a missing entry', async () => {
    const one = await createInstance(memory);
    one.connection.getOrLease = async () => ({ now: 1, value: null as never, isLeased: true });
    expect(await one.lookUp()).toMatchObject({ claims: alice });
  });
});

describe('processes', () => {
  it.each([
    ['another secret', { secrets: ['t'.repeat(32)] }],
    ['another scope', { scope: 'other' }],
  ])('with %s do not share responses', async (_, options) => {
    const [one, other] = [await createInstance(memory), await createInstance(memory, options)];
    await one.lookUp();
    await written();
    await other.lookUp();
    expect([other.requests(), outcomes]).toEqual([1, []]);
  });

  it('share responses and revocations while secrets are rotated', async () => {
    const [old, next] = ['s'.repeat(32), 't'.repeat(32)];
    const one = await createInstance(memory, { secrets: [old] });
    const other = await createInstance(memory, { secrets: [next, old] });
    await one.lookUp();
    await written();
    await other.lookUp();
    expect(other.requests()).toBe(0);
    await one.revoke();
    await until(() => other.revocations.position() > FULL_BEGIN);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });
});

describe('an invalidation', () => {
  it('of a token prevents that any process uses earlier responses, and the next response is shared again', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    await one.revoke();
    await until(() => other.revocations.position() > FULL_BEGIN);
    await other.lookUp();
    expect([other.requests(), outcomes]).toEqual([1, []]);
    await until(() => other.connection.calls.includes('keepAndRelease'));
    await one.lookUp();
    expect(one.requests()).toBe(1);
  });

  it('of a token prevents that the response of a pending request is stored', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise });
    const lookup = one.lookUp();
    await until(() => one.requests() === 1);
    await one.revoke();
    reply.resolve({ active: true, sub: 'alice' });
    await lookup;
    await until(() => one.connection.calls.includes('keepAndRelease'));
    expect([memory.entries.size, memory.leases.size]).toEqual([0, 0]);
  });

  it('of a claim prevents that a response is used that a process without the log stores later', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise });
    const other = await createInstance(memory);
    const lookup = one.lookUp();
    await until(() => one.requests() === 1);
    one.connection.isDeaf = true;
    await other.revocations.revoke('sub', 'alice');
    await until(() => other.revocations.position() > FULL_BEGIN);
    reply.resolve({ active: true, sub: 'alice' });
    await lookup;
    await written();
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('of a claim has effect in a process that could not read the log for 6 seconds', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    other.connection.isDeaf = true;
    await one.revocations.revoke('sub', 'alice');
    other.clock.advance(6);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('may have been lost with the log, so no earlier response is used', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    await elapse(1, one, other);
    other.connection.gap();
    await until(() => other.revocations.isCurrent());
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('is known to a new process before it uses a stored response', async () => {
    const one = await createInstance(memory);
    await one.lookUp();
    await written();
    await one.revocations.revoke('sub', 'alice');
    const other = await createInstance(memory);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('may be in a log that was not read yet, so no stored response is used before', async () => {
    const one = await createInstance(memory);
    await one.lookUp();
    await written();
    await one.revocations.revoke('sub', 'alice');
    const other = await createInstance(memory, { isDeaf: true });
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('that the store rejects prevents that the response of a pending request is stored', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise, timeoutMs: 40 });
    const lookup = one.lookUp();
    await until(() => one.requests() === 1);
    one.connection.append = () => Promise.reject(new Error('no connection'));
    await expect(one.revocations.revoke('sub', 'alice')).rejects.toThrow();
    reply.resolve({ active: true, sub: 'alice' });
    await lookup;
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(keyIn()).toBe('');
  });

  it('is ordered against a response by log position, not by clocks that differ', async () => {
    const one = await createInstance(memory, { clock: createClock(1_800_000_000 - 30) });
    const other = await createInstance(memory, { clock: createClock(1_800_000_000) });
    await other.revocations.revoke('sub', 'alice');
    await until(() => one.revocations.position() > FULL_BEGIN && other.revocations.position() > FULL_BEGIN);
    await one.lookUp();
    await written();
    await other.lookUp();
    expect([one.requests(), other.requests()]).toEqual([1, 0]);
  });
});

describe('concurrent lookups in several processes', () => {
  it.each([{ active: true, sub: 'alice' }, { active: false }])('send one request: %j', async (response) => {
    const reply = createDeferred<unknown>();
    const all = await Promise.all([...Array(8)].map(() => createInstance(memory, { respond: () => reply.promise })));
    const lookups = all.map(({ lookUp }) => lookUp());
    const calls = () => all.reduce((sum, { requests }) => sum + requests(), 0);
    await until(() => calls() === 1);
    reply.resolve(response);
    for (const { active } of await Promise.all(lookups)) expect(active).toBe(response.active);
    expect(calls()).toBe(1);
  });

  it('ask the endpoint too when the first process takes too long', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise });
    const other = await createInstance(memory);
    const lookup = one.lookUp();
    await until(() => one.requests() === 1);
    await other.lookUp();
    expect(other.requests()).toBe(1);
    reply.resolve({ active: false });
    await lookup;
  });

  it('take the response of another process that arrives during their own request', async () => {
    const replies = [createDeferred<unknown>(), createDeferred<unknown>()];
    const [one, other] = await Promise.all(
      replies.map((reply) => createInstance(memory, { respond: () => reply.promise })),
    );
    const lookup = one?.lookUp();
    await until(() => one?.requests() === 1);
    const waiting = other?.lookUp();
    await until(() => other?.requests() === 1);
    replies[0]?.resolve({ active: true, sub: 'alice' });
    await lookup;
    expect(await waiting).toMatchObject({ claims: alice });
    replies[1]?.resolve({ active: false });
  });

  it('end at their own deadline when both requests take too long', async () => {
    const [never, reply] = [createDeferred<unknown>(), createDeferred<unknown>()];
    const one = await createInstance(memory, { respond: () => never.promise });
    const other = await createInstance(memory, { respond: () => reply.promise, timeoutMs: 400 });
    const lookup = one.lookUp();
    await until(() => one.requests() === 1);
    await expect(other.lookUp()).rejects.toMatchObject({ code: 'timeout' });
    expect(other.requests()).toBe(1);
    never.resolve({ active: false });
    reply.resolve({ active: false });
    await lookup;
  });

  it('go on at once when the first process fails', async () => {
    const one = await createInstance(memory, {
      respond: () => {
        throw new Error('down');
      },
    });
    const other = await createInstance(memory);
    await expect(one.lookUp()).rejects.toThrow('down');
    await until(() => one.connection.calls.includes('keepAndRelease'));
    await other.lookUp();
    expect(other.connection.calls.filter((name) => name === 'getOrLease')).toHaveLength(1);
  });
});

describe('while the circuit breaker is open', () => {
  const breakerError = new Error('circuit_open');
  const assertCallAllowed = () => {
    throw breakerError;
  };

  it('no lookup waits for another process, and no lease is taken', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise });
    const blocked = await createInstance(memory, { assertCallAllowed });
    const lookup = one.lookUp();
    await until(() => one.requests() === 1);
    await expect(blocked.lookUp()).rejects.toBe(breakerError);
    await expect(blocked.lookUp('other')).rejects.toBe(breakerError);
    expect([blocked.requests(), blocked.connection.calls, memory.leases.size]).toEqual([
      0,
      Array(2).fill('getOrLease'),
      1,
    ]);
    reply.resolve({ active: false });
    await lookup;
  });

  it('responses of other processes are still used', async () => {
    const one = await createInstance(memory);
    const blocked = await createInstance(memory, { assertCallAllowed });
    await one.lookUp();
    await written();
    expect(await blocked.lookUp()).toMatchObject({ claims: alice });
  });
});

describe('the commands to the store', () => {
  it.each([
    ['a new token', async () => {}, ['getOrLease', 'keepAndRelease']],
    ['a token that another process has stored', (one: Instance) => one.lookUp().then(() => written()), ['getOrLease']],
    [
      'a token that was revoked since',
      async (one: Instance) => {
        await one.lookUp();
        await written();
        await one.revoke();
      },
      ['getOrLease', 'getOrLease', 'keepAndRelease'],
    ],
  ])('for %s', async (_, prepare, commands) => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await prepare(one);
    await until(() => memory.log.length === 0 || other.revocations.position() > FULL_BEGIN);
    await other.lookUp();
    await until(() => other.connection.calls.length >= commands.length);
    for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(other.connection.calls).toEqual(commands);
  });
});

describe('a store', () => {
  it.each(['fails', 'hangs'] as const)('that %s costs a call to the endpoint, and no lookup fails', async (trouble) => {
    const one = await createInstance(memory, { timeoutMs: 40 });
    one.connection.trouble = trouble;
    expect(await one.lookUp()).toMatchObject({ claims: alice });
    expect(await one.lookUp()).toMatchObject({ claims: alice });
    expect(one.requests()).toBe(2);
    one.connection.trouble = 'none';
    one.clock.advance(1);
    await one.lookUp();
    await written();
  });

  it.each(['fails', 'hangs'] as const)(
    'that %s makes a revocation reject, so that the app can retry',
    async (trouble) => {
      const one = await createInstance(memory, { timeoutMs: 40 });
      one.connection.trouble = trouble;
      await expect(one.revoke()).rejects.toThrow();
      await expect(one.revocations.revoke('sub', 'alice')).rejects.toThrow();
    },
  );
});

describe('a request whose time limit passes', () => {
  const TIMEOUT_MS = 200_000;

  it('while the store does not reply is rejected', async () => {
    const one = await createInstance(memory, { timeoutMs: TIMEOUT_MS });
    const arrived = since(one.clock);
    one.clock.advance(TIMEOUT_MS / 1000);
    await until(() => one.revocations.isCurrent());
    one.connection.trouble = 'hangs';
    await expect(one.lookup(bearerCredentials(), arrived)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('soon waits only half of that time for another process, and then asks the endpoint', async () => {
    const holder = await createInstance(memory, { respond: () => new Promise(() => {}) });
    let reads = 0;
    const one = await createInstance(memory, {
      timeoutMs: TIMEOUT_MS,
      respond() {
        reads = one.connection.calls.length;
        return { active: true, sub: 'alice' };
      },
    });
    holder.lookUp().catch(() => {});
    await until(() => memory.leases.size > 0);
    const arrived = since(one.clock);
    one.clock.advance(TIMEOUT_MS / 1000 - 0.04);
    await until(() => one.revocations.isCurrent());
    expect(await one.lookup(bearerCredentials(), arrived)).toMatchObject({ claims: alice });
    expect(reads).toBeLessThan(5);
  });
});
