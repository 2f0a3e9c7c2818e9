import { redisStore } from '../../lib/redis/index.js';
import { createDeferred } from '../support/deferred.js';
import { until } from '../support/until.js';

type Entries = readonly (readonly [id: string, text: string, keepMs?: number])[];

interface Reading {
  /** The number of the connection that it is made on, from 1. */
  readonly connection: number;
  readonly after: string;
  /** Whether it waits for an entry. */
  readonly waits: boolean;
  /** Replies with the log as it is then, from `after` on. */
  reply(log: Entries, more?: { readonly name?: string; readonly now?: number }): void;
  replyWith(reply: unknown): void;
  fail(): void;
}

const NOW = 1_800_000_000_000;
const KEEP_MS = 60_000;

/** A client of ioredis whose readings of the log are answered by the test. */
function start(commandTimeoutMs = 250) {
  const readings: Reading[] = [];
  const told: unknown[] = [];
  const closed: number[] = [];
  let connections = 0;
  const client = { evalBuffer: async () => null, xread: async () => null, duplicate: connect, on: () => client };

  function connect() {
    connections++;
    const connection = connections;
    let waits = false;
    const own = {
      on: () => own,
      disconnect: () => void closed.push(connection),
      xread: async () => {
        waits = true;
        return null;
      },
      evalBuffer(_script: string, _keys: number, _key: string, _name: string, after: string) {
        const reply = createDeferred<unknown>();
        readings.push({
          connection,
          after,
          waits,
          reply(log, { name = 'log', now = NOW } = {}) {
            const found = log.filter(([id]) => after === '-' || Number.parseInt(id, 10) >= Number.parseInt(after, 10));
            const fields = found.flatMap(([id, text, keepMs = KEEP_MS]) => [
              id,
              text,
              text === '' ? '' : String(keepMs),
            ]);
            reply.resolve([String(now), name, log[0]?.[0] ?? '1-0', ...fields].map((word) => Buffer.from(word)));
          },
          replyWith: reply.resolve,
          fail: () => reply.reject(new Error('Connection is closed.')),
        });
        waits = false;
        return reply.promise;
      },
    };
    return own;
  }

  const stop = redisStore({ client: client as never, commandTimeoutMs }).follow({
    onEntries: (entries) => void told.push(entries.map(({ entry }) => entry).join(' ')),
    onCaughtUp: () => void told.push('caught up'),
    onStart: () => void told.push('start'),
  });
  const reading = async (index: number) => {
    await until(() => readings.length > index);
    return readings[index] as Reading;
  };
  return { stop, reading, readings, told, closed, connections: () => connections };
}

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

function begin(commandTimeoutMs?: number) {
  const started = start(commandTimeoutMs);
  stops.push(started.stop);
  return started;
}

/** The entry that names the log, and two of ours. */
const FIRST: Entries = [
  ['1-0', ''],
  ['2-0', 'a'],
  ['3-0', 'b'],
];

it('reads the log from its beginning at once, then waits for what is added after it', async () => {
  const { reading, told } = begin();
  const first = await reading(0);
  expect([first.after, first.waits]).toEqual(['-', false]);
  first.reply(FIRST);
  const second = await reading(1);
  expect([second.after, second.waits, told]).toEqual(['3-0', true, ['start', 'a b', 'caught up']]);
  second.reply([...FIRST, ['4-0', 'c']]);
  expect((await reading(2)).after).toBe('4-0');
  (await reading(2)).reply([...FIRST, ['4-0', 'c']]);
  expect((await reading(3)).after).toBe('4-0');
  expect(told).toEqual(['start', 'a b', 'caught up', 'c', 'caught up', 'caught up']);
});

it('has not caught up before a long log was read to its end', async () => {
  const { reading, told } = begin();
  const long: Entries = [...Array(1002).keys()].map((each) => [`${each + 1}-0`, each === 0 ? '' : 'x'] as const);
  (await reading(0)).reply(long.slice(0, 1001));
  const second = await reading(1);
  expect([second.after, second.waits, told.length]).toEqual(['1001-0', false, 2]);
  second.reply(long);
  await reading(2);
  expect(told.slice(2)).toEqual(['x', 'caught up']);
});

describe('a log that is read after its connection failed', () => {
  it.each<[string, Entries, { name?: string; now?: number }, unknown[]]>([
    ['goes on where it was', FIRST, {}, ['caught up']],
    ['goes on with what came meanwhile', [...FIRST, ['4-0', 'c']], {}, ['c', 'caught up']],
    ['has a gap where another has begun', [['9-0', '']], { name: 'other' }, ['start']],
    ['has a gap where another has begun with the same positions', FIRST, { name: 'other' }, ['start']],
    ['has a gap where the end was lost', FIRST.slice(0, 2), { now: 4 }, ['start']],
    [
      'has a gap where the end was lost and others came since',
      [
        ['1-0', ''],
        ['9-0', 'z'],
      ],
      { now: 10 },
      ['start'],
    ],
    [
      'has none where the last entry was removed because nobody needs it',
      [
        ['1-0', ''],
        ['9-0', 'z'],
      ],
      {},
      ['z', 'caught up'],
    ],
  ])('%s', async (_, log, more, expected) => {
    const { reading, told, closed } = begin();
    (await reading(0)).reply(FIRST);
    (await reading(1)).fail();
    const again = await reading(2);
    expect([again.after, again.waits, again.connection, closed]).toEqual(['3-0', false, 2, [1]]);
    told.splice(0);
    again.reply(log, more);
    await reading(3);
    expect(told).toEqual(expected);
  });

  it('is read from its beginning after a gap', async () => {
    const { reading, told } = begin();
    (await reading(0)).reply(FIRST);
    (await reading(1)).fail();
    (await reading(2)).reply([['9-0', '']], { name: 'other' });
    const again = await reading(3);
    expect([again.after, again.waits]).toEqual(['-', false]);
    told.splice(0);
    again.reply(
      [
        ['9-0', ''],
        ['10-0', 'z'],
      ],
      { name: 'other' },
    );
    await reading(4);
    expect(told).toEqual(['z', 'caught up']);
  });

  it('has another gap when it was lost again while it was read from its beginning', async () => {
    const { reading, told } = begin();
    (await reading(0)).reply(FIRST);
    (await reading(1)).reply([['9-0', '']], { name: 'second' });
    const again = await reading(2);
    told.splice(0);
    again.reply([['10-0', '']], { name: 'third' });
    await reading(3);
    expect(told).toEqual(['start']);
  });
});

it('notices a log that was lost although no command has failed', async () => {
  const { reading, told } = begin();
  (await reading(0)).reply([['1-0', '']]);
  (await reading(1)).reply([['9-0', '']], { name: 'other' });
  await reading(2);
  expect(told).toEqual(['start', 'caught up', 'start']);
});

it.each<[string, unknown]>([
  ['nothing', null],
  ['a map', new Map([['log', 'x']])],
  ['no name', ['1', '']],
  ['entries of another shape', ['1', 'log', '1-0', '2-0', 'a']],
  ['nested entries', ['1', 'log', '1-0', ['2-0', 'a', '5']]],
  ['numbers', [1, 'log']],
  ['a time that is none', ['x', 'log', '1-0']],
  ['no first position', ['1', 'log']],
  ['a first position that is none', ['1', 'log', 'x']],
  ['positions that are none', ['1', 'log', '1-0', 'x', 'a', '5']],
])('takes a reply of another shape for a failure: %s', async (_, reply) => {
  const { reading, told } = begin();
  (await reading(0)).reply(FIRST);
  const second = await reading(1);
  told.splice(0);
  second.replyWith(reply);
  const next = await reading(2);
  expect([next.connection, next.after, told]).toEqual([2, '3-0', []]);
});

it('passes over entries that are not ours', async () => {
  const { reading, told } = begin();
  (await reading(0)).reply([
    ['1-0', ''],
    ['2-0', ''],
    ['3-0', 'a'],
  ]);
  (await reading(1)).reply([
    ['3-0', 'a'],
    ['4-0', ''],
  ]);
  expect((await reading(2)).after).toBe('4-0');
  expect(told).toEqual(['start', 'a', 'caught up', 'caught up']);
});

it('replaces a connection that does not reply, and never waits for two of its readings', async () => {
  const { reading, readings, closed, connections } = begin(5);
  await reading(1);
  expect([readings[0]?.connection, readings[1]?.connection, closed, connections()]).toEqual([1, 2, [1], 2]);
});

it('does not ask without a pause where waiting does not wait', async () => {
  const { reading, readings } = begin();
  (await reading(0)).reply(FIRST);
  (await reading(1)).reply(FIRST);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(readings).toHaveLength(2);
});

it('is stopped at once, whatever it waits for, and disconnects', async () => {
  const { reading, stop, readings, closed, told } = start();
  (await reading(0)).reply(FIRST);
  const waiting = await reading(1);
  await stop();
  expect(closed).toEqual([1]);
  waiting.reply([...FIRST, ['4-0', 'c']]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([readings.length, told]).toEqual([2, ['start', 'a b', 'caught up']]);
});

it('is stopped at once while it rests after a failure', async () => {
  const { reading, stop, readings } = start();
  (await reading(0)).fail();
  await new Promise((resolve) => setImmediate(resolve));
  await stop();
  expect(readings).toHaveLength(1);
});
