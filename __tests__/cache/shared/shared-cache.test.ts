import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createEntryCipher } from '../../../lib/cache/shared/entry-cipher.js';
import { createClock } from '../../support/clock.js';
import { createDeferred } from '../../support/deferred.js';
import { bearerCredentials, createInstance, type Instance } from '../../support/fleet.js';
import { BEGIN, createSharedMemory, type SharedMemory } from '../../support/shared-memory.js';
import { until } from '../../support/until.js';

const CHANNEL = 'express-token-introspection:cache';

const outcomes: string[] = [];
const listener = (message: unknown) => void outcomes.push((message as { outcome: string }).outcome);

let memory: SharedMemory;

/** The store's clock, where time is to be as exact as that of processes. */
const time = createClock();

/** On all machines. */
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

/** Waits until what nobody waits for has been written and the lease is given back. */
async function written({ entries }: SharedMemory = memory): Promise<void> {
  await until(() => entries.size > 0);
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
}

function keyIn({ entries }: SharedMemory = memory): string {
  return [...entries.keys()][0] ?? '';
}

const alice = expect.objectContaining({ sub: 'alice' });

describe('an answer', () => {
  it.each([
    ['active', { active: true, sub: 'alice', scope: 'read write', aud: ['a', 'b'], nested: { deep: [1, 'ü', true] } }],
    ['inactive', { active: false }],
  ])('that is %s serves the whole fleet, as it was', async (_, response) => {
    const answer = () => structuredClone(response);
    const [one, other] = [
      await createInstance(memory, { respond: answer }),
      await createInstance(memory, { respond: answer }),
    ];
    const first = await one.lookUp();
    await written();
    expect(await other.lookUp()).toEqual(first);
    expect([one.requests(), other.requests()]).toEqual([1, 0]);
    expect(outcomes).toEqual(['shared']);
  });

  it('ages by its question, wherever it is used', async () => {
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

  it('is not shared once nothing is left of its life', async () => {
    const one = await createInstance(memory, { ttlMs: 0 });
    await one.lookUp();
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(keyIn()).toBe('');
  });

  it('that holds what is no JSON is given, and not shared', async () => {
    const one = await createInstance(memory, { respond: () => ({ active: true, big: 1n }) });
    expect(await one.lookUp()).toMatchObject({ claims: { big: 1n } });
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(keyIn()).toBe('');
  });

  it('is asked for past the store where it has to be fresh, and serves the others then', async () => {
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

describe('the age of an answer of another process', () => {
  const NOW = 1_800_000_000;

  async function ageAt({ lookUp: ask, clock }: Instance): Promise<number> {
    const { askedMonotonic } = await ask();
    return clock.monotonic() - askedMonotonic;
  }

  it.each([
    ['agrees', 0],
    ['is ten minutes ahead', 600],
    ['is half a second behind', -0.5],
    ['is half a minute behind', -30],
    ['is ten minutes behind', -600],
    ['is a day behind', -86_400],
  ])('is what it is for a process whose clock %s', async (_, behind) => {
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

  it('counts what the answer itself took', async () => {
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
    expect(await ageAt(other)).toBe(13_000);
  });

  it('is no less for a write that was held back before it came to the store', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    const { keepAndRelease } = one.connection;
    const held = createDeferred();
    one.connection.keepAndRelease = async (...words) => {
      await held.promise;
      return keepAndRelease(...words);
    };
    await one.lookUp();
    await elapse(40, one, other);
    held.resolve();
    await written();
    expect(await ageAt(other)).toBe(40_000);
    await elapse(20, one, other);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('is over for a write that came when it was: nothing is kept', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    const { keepAndRelease } = one.connection;
    const held = createDeferred();
    one.connection.keepAndRelease = async (...words) => {
      await held.promise;
      return keepAndRelease(...words);
    };
    await one.lookUp();
    await elapse(60, one, other);
    held.resolve();
    await until(() => one.connection.calls.includes('keepAndRelease'));
    expect(memory.entries.size).toBe(0);
  });

  it('is no less for a read that took its time to come back', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory, { clock: createClock(NOW - 30) })];
    await one.lookUp();
    await written();
    await elapse(10, one, other);
    const { getOrLease } = other.connection;
    other.connection.getOrLease = async (...words) => {
      const reply = await getOrLease(...words);
      await elapse(5, one, other);
      return reply;
    };
    expect(await ageAt(other)).toBe(15_000);
  });

  it('ends a life at exp, by the clock of whoever uses it', async () => {
    const answer = () => ({ active: true, exp: NOW + 40 });
    const one = await createInstance(memory, { respond: answer });
    const other = await createInstance(memory, { respond: answer, clock: createClock(NOW + 10) });
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

describe('a refresh in the background', () => {
  it.each([
    ['takes what another process has just renewed', 14, 0],
    ['asks where the answer of another is past a quarter of its life', 15, 1],
  ])('%s', async (_, age, asked) => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    await elapse(age, one, other);
    await other.refresh();
    expect(other.requests()).toBe(asked);
  });
});

describe('what cannot be used', () => {
  const seal = createEntryCipher(['s'.repeat(32)], 'scope');
  const [key = ''] = seal.keysOf(bearerCredentials());
  const sealed = (text: string) => seal.encrypt(bearerCredentials(), key, text);
  const good = { response: { active: true, sub: 'alice' }, asked: 0, logPosition: BEGIN };
  const withOthers = (others: object) => sealed(JSON.stringify({ ...good, asked: time.monotonic(), ...others }));

  it('is not what is well made', async () => {
    memory.entries.set(key, { value: withOthers({}), expiresAt: Number.POSITIVE_INFINITY });
    const one = await createInstance(memory);
    await one.lookUp();
    expect([one.requests(), outcomes]).toEqual([0, ['shared']]);
  });

  it.each<[string, () => Uint8Array]>([
    ['bytes of nobody', () => Buffer.from('nonsense')],
    ['an entry of another token', () => seal.encrypt(bearerCredentials('other'), key, JSON.stringify(good))],
    ['no JSON', () => sealed('{')],
    ['null', () => sealed('null')],
    ['no date', () => withOthers({ asked: undefined })],
    ['a date that is none', () => withOthers({ asked: null })],
    ['a date of a time to come', () => withOthers({ asked: time.monotonic() + 1 })],
    ['no mark', () => withOthers({ logPosition: undefined })],
    ['a mark that is none', () => withOthers({ logPosition: 1 })],
    ['no response', () => withOthers({ response: undefined })],
    ['a response that is not valid', () => withOthers({ response: { active: 'true' } })],
  ])('is %s: the endpoint is asked, an event tells, and a good one takes its place', async (_, make) => {
    const value = make();
    memory.entries.set(key, { value, expiresAt: Number.POSITIVE_INFINITY });
    const one = await createInstance(memory);
    expect(await one.lookUp()).toMatchObject({ claims: alice });
    expect([one.requests(), outcomes]).toEqual([1, ['unusable']]);
    await until(() => memory.entries.get(key)?.value !== value);
    const other = await createInstance(memory);
    await other.lookUp();
    expect(other.requests()).toBe(0);
  });

  it('is an entry past its life that the store has not ended', async () => {
    const one = await createInstance(memory);
    memory.entries.set(key, { value: withOthers({}), expiresAt: Number.POSITIVE_INFINITY });
    await elapse(60, one);
    await one.lookUp();
    expect(one.requests()).toBe(1);
  });

  it('is null, which some stores have for nothing', async () => {
    const one = await createInstance(memory);
    one.connection.getOrLease = async () => ({ now: 1, value: null as never, isLeased: true });
    expect(await one.lookUp()).toMatchObject({ claims: alice });
  });
});

describe('who must not share', () => {
  it.each([
    ['another secret', { secrets: ['t'.repeat(32)] }],
    ['another scope', { scope: 'other' }],
  ])('does not, by %s', async (_, options) => {
    const [one, other] = [await createInstance(memory), await createInstance(memory, options)];
    await one.lookUp();
    await written();
    await other.lookUp();
    expect([other.requests(), outcomes]).toEqual([1, []]);
  });

  it('shares while secrets are changed', async () => {
    const [old, next] = ['s'.repeat(32), 't'.repeat(32)];
    const one = await createInstance(memory, { secrets: [old] });
    const other = await createInstance(memory, { secrets: [next, old] });
    await one.lookUp();
    await written();
    await other.lookUp();
    expect(other.requests()).toBe(0);
    await one.revoke();
    await until(() => other.revocations.position() > BEGIN);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });
});

describe('an invalidation', () => {
  it('leaves nothing to serve, anywhere, and the next answer serves all again', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    await one.revoke();
    await until(() => other.revocations.position() > BEGIN);
    await other.lookUp();
    expect([other.requests(), outcomes]).toEqual([1, []]);
    await until(() => other.connection.calls.includes('keepAndRelease'));
    await one.lookUp();
    expect(one.requests()).toBe(1);
  });

  it('keeps the answer that is under way from being shared', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise });
    const asking = one.lookUp();
    await until(() => one.requests() === 1);
    await one.revoke();
    reply.resolve({ active: true, sub: 'alice' });
    await asking;
    await until(() => one.connection.calls.includes('keepAndRelease'));
    expect([memory.entries.size, memory.leases.size]).toEqual([0, 0]);
  });

  it('of a claim keeps it from being used, whoever shared it, and whenever it lands', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise });
    const other = await createInstance(memory);
    const asking = one.lookUp();
    await until(() => one.requests() === 1);
    one.connection.isDeaf = true;
    await other.revocations.revoke('sub', 'alice');
    await until(() => other.revocations.position() > BEGIN);
    reply.resolve({ active: true, sub: 'alice' });
    await asking;
    await written();
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('of a claim that one has not heard of is not undone by what it may have missed', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    other.connection.isDeaf = true;
    await one.revocations.revoke('sub', 'alice');
    other.clock.advance(6);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('may have been lost with the log: what was asked before is not used', async () => {
    const [one, other] = [await createInstance(memory), await createInstance(memory)];
    await one.lookUp();
    await written();
    await elapse(1, one, other);
    other.connection.gap();
    await until(() => other.revocations.isCurrent());
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('is known to a process that has just started before it uses anything', async () => {
    const one = await createInstance(memory);
    await one.lookUp();
    await written();
    await one.revocations.revoke('sub', 'alice');
    const other = await createInstance(memory);
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('may be in a log that was not read yet: nothing is used before', async () => {
    const one = await createInstance(memory);
    await one.lookUp();
    await written();
    await one.revocations.revoke('sub', 'alice');
    const other = await createInstance(memory, { isDeaf: true });
    await other.lookUp();
    expect(other.requests()).toBe(1);
  });

  it('that could not be told keeps what is under way from being shared', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise, timeoutMs: 40 });
    const asking = one.lookUp();
    await until(() => one.requests() === 1);
    one.connection.append = () => Promise.reject(new Error('no connection'));
    await expect(one.revocations.revoke('sub', 'alice')).rejects.toThrow();
    reply.resolve({ active: true, sub: 'alice' });
    await asking;
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(keyIn()).toBe('');
  });

  it('is told of an answer by its mark, not by clocks that are minutes apart', async () => {
    const one = await createInstance(memory, { clock: createClock(1_800_000_000 - 30) });
    const other = await createInstance(memory, { clock: createClock(1_800_000_000) });
    await other.revocations.revoke('sub', 'alice');
    await until(() => one.revocations.position() > BEGIN && other.revocations.position() > BEGIN);
    await one.lookUp();
    await written();
    await other.lookUp();
    expect([one.requests(), other.requests()]).toEqual([1, 0]);
  });
});

describe('many who ask at once', () => {
  it.each([{ active: true, sub: 'alice' }, { active: false }])('make one call: %j', async (response) => {
    const reply = createDeferred<unknown>();
    const all = await Promise.all([...Array(8)].map(() => createInstance(memory, { respond: () => reply.promise })));
    const answers = all.map((each) => each.lookUp());
    const calls = () => all.reduce((sum, each) => sum + each.requests(), 0);
    await until(() => calls() === 1);
    reply.resolve(response);
    for (const answer of await Promise.all(answers)) expect(answer.active).toBe(response.active);
    expect(calls()).toBe(1);
  });

  it('ask for themselves when whoever is first takes too long', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise });
    const other = await createInstance(memory);
    const asking = one.lookUp();
    await until(() => one.requests() === 1);
    await other.lookUp();
    expect(other.requests()).toBe(1);
    reply.resolve({ active: false });
    await asking;
  });

  it('take the answer of another that comes while their own question is under way', async () => {
    const replies = [createDeferred<unknown>(), createDeferred<unknown>()];
    const [one, other] = await Promise.all(
      replies.map((reply) => createInstance(memory, { respond: () => reply.promise })),
    );
    const asking = one?.lookUp();
    await until(() => one?.requests() === 1);
    const waiting = other?.lookUp();
    await until(() => other?.requests() === 1);
    replies[0]?.resolve({ active: true, sub: 'alice' });
    await asking;
    expect(await waiting).toMatchObject({ claims: alice });
    replies[1]?.resolve({ active: false });
  });

  it('have the whole deadline for a question of their own, and are answered by their own deadline', async () => {
    const [never, reply] = [createDeferred<unknown>(), createDeferred<unknown>()];
    const one = await createInstance(memory, { respond: () => never.promise });
    const other = await createInstance(memory, { respond: () => reply.promise, timeoutMs: 400 });
    const asking = one.lookUp();
    await until(() => one.requests() === 1);
    await expect(other.lookUp()).rejects.toMatchObject({ code: 'timeout' });
    expect(other.requests()).toBe(1);
    never.resolve({ active: false });
    reply.resolve({ active: false });
    await asking;
  });

  it('are let go on by whoever was first and failed', async () => {
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
  const refusal = new Error('circuit_open');
  const assertCallAllowed = () => {
    throw refusal;
  };

  it('nobody waits for another process, and no lease is taken', async () => {
    const reply = createDeferred<unknown>();
    const one = await createInstance(memory, { respond: () => reply.promise });
    const refused = await createInstance(memory, { assertCallAllowed });
    const asking = one.lookUp();
    await until(() => one.requests() === 1);
    await expect(refused.lookUp()).rejects.toBe(refusal);
    await expect(refused.lookUp('other')).rejects.toBe(refusal);
    expect([refused.requests(), refused.connection.calls, memory.leases.size]).toEqual([
      0,
      Array(2).fill('getOrLease'),
      1,
    ]);
    reply.resolve({ active: false });
    await asking;
  });

  it('answers of other processes are used all the same', async () => {
    const one = await createInstance(memory);
    const refused = await createInstance(memory, { assertCallAllowed });
    await one.lookUp();
    await written();
    expect(await refused.lookUp()).toMatchObject({ claims: alice });
  });
});

describe('commands of the store', () => {
  it.each([
    ['a token that nobody knows', async () => {}, ['getOrLease', 'keepAndRelease']],
    ['a token that another process knows', (one: Instance) => one.lookUp().then(() => written()), ['getOrLease']],
    [
      'a token that was invalidated since',
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
    await until(() => memory.log.length === 0 || other.revocations.position() > BEGIN);
    await other.lookUp();
    await until(() => other.connection.calls.length >= commands.length);
    for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(other.connection.calls).toEqual(commands);
  });
});

describe('a store in trouble', () => {
  it.each(['fails', 'hangs'] as const)('that %s costs a call of the endpoint, and no answer', async (trouble) => {
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
    'that %s makes an invalidation reject, so that it is made again',
    async (trouble) => {
      const one = await createInstance(memory, { timeoutMs: 40 });
      one.connection.trouble = trouble;
      await expect(one.revoke()).rejects.toThrow();
      await expect(one.revocations.revoke('sub', 'alice')).rejects.toThrow();
    },
  );
});
