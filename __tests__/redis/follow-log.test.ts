import { redisStore } from '../../lib/redis/index.js';
import { createDeferred } from '../support/deferred.js';
import { until } from '../support/until.js';

type Entries = readonly (readonly [id: string, text: string, keepMs?: number])[];

/** A read of the log that the test answers. */
interface Read {
  /** Number of its connection, from 1. */
  readonly connection: number;
  readonly after: string;
  /** Whether it waits for a new entry. */
  readonly waits: boolean;
  /** Replies with the entries of this log from `after` on. */
  reply(log: Entries, options?: { readonly name?: string; readonly now?: number }): void;
  replyWith(reply: unknown): void;
  fail(): void;
}

const NOW = 1_800_000_000_000;
const KEEP_MS = 60_000;

/** Follows a log with an ioredis client whose replies come from the test. */
function start() {
  const reads: Read[] = [];
  const calls: unknown[] = [];
  const closed: number[] = [];
  let connections = 0;
  const client = { evalBuffer: async () => null, xread: async () => null, duplicate: connect, on: () => client };

  function connect() {
    connections++;
    const connection = connections;
    let waits = false;
    const duplicate = {
      on: () => duplicate,
      disconnect: () => void closed.push(connection),
      xread: async () => {
        waits = true;
        return null;
      },
      evalBuffer(_script: string, _keys: number, _key: string, _name: string, after: string) {
        const reply = createDeferred<unknown>();
        reads.push({
          connection,
          after,
          waits,
          reply(log, { name = 'log', now = NOW } = {}) {
            const entries = log.filter(
              ([id]) => after === '-' || Number.parseInt(id, 10) >= Number.parseInt(after, 10),
            );
            const fields = entries.flatMap(([id, text, keepMs = KEEP_MS]) => [
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
    return duplicate;
  }

  const stop = redisStore({ client: client as never }).follow({
    onEntries: (entries) => void calls.push(entries.map(({ entry }) => entry).join(' ')),
    onCaughtUp: () => void calls.push('caught up'),
    onStart: () => void calls.push('start'),
  });
  const nextRead = async (index: number) => {
    await until(() => reads.length > index);
    return reads[index] as Read;
  };
  return { stop, nextRead, reads, calls, closed, connections: () => connections };
}

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

function begin() {
  const started = start();
  stops.push(started.stop);
  return started;
}

/** The entry that holds the name of the log, and two further ones. */
const FIRST: Entries = [
  ['1-0', ''],
  ['2-0', 'a'],
  ['3-0', 'b'],
];

it('reads the log from its beginning at once, then waits for new entries', async () => {
  const { nextRead, calls } = begin();
  const first = await nextRead(0);
  expect([first.after, first.waits]).toEqual(['-', false]);
  first.reply(FIRST);
  const second = await nextRead(1);
  expect([second.after, second.waits, calls]).toEqual(['3-0', true, ['start', 'a b', 'caught up']]);
  second.reply([...FIRST, ['4-0', 'c']]);
  expect((await nextRead(2)).after).toBe('4-0');
  (await nextRead(2)).reply([...FIRST, ['4-0', 'c']]);
  expect((await nextRead(3)).after).toBe('4-0');
  expect(calls).toEqual(['start', 'a b', 'caught up', 'c', 'caught up', 'caught up']);
});

it('calls onCaughtUp only when a long log was read to its end', async () => {
  const { nextRead, calls } = begin();
  const long: Entries = [...Array(1002).keys()].map((index) => [`${index + 1}-0`, index === 0 ? '' : 'x'] as const);
  (await nextRead(0)).reply(long.slice(0, 1001));
  const second = await nextRead(1);
  expect([second.after, second.waits, calls.length]).toEqual(['1001-0', false, 2]);
  second.reply(long);
  await nextRead(2);
  expect(calls.slice(2)).toEqual(['x', 'caught up']);
});

describe('after its connection failed', () => {
  it.each<[string, Entries, { name?: string; now?: number }, unknown[]]>([
    ['it continues after the last entry', FIRST, {}, ['caught up']],
    ['it continues with the entries that were added meanwhile', [...FIRST, ['4-0', 'c']], {}, ['c', 'caught up']],
    ['it starts again when the log has another name', [['9-0', '']], { name: 'other' }, ['start']],
    ['it starts again when the log has another name and the same ids', FIRST, { name: 'other' }, ['start']],
    ['it starts again when the last entry is missing', FIRST.slice(0, 2), { now: 4 }, ['start']],
    [
      'it starts again when the last entry is missing and there are later ones',
      [
        ['1-0', ''],
        ['9-0', 'z'],
      ],
      { now: 10 },
      ['start'],
    ],
    [
      'it continues when the last entry is missing because it was not needed any more',
      [
        ['1-0', ''],
        ['9-0', 'z'],
      ],
      {},
      ['z', 'caught up'],
    ],
  ])('%s', async (_, log, options, expected) => {
    const { nextRead, calls, closed } = begin();
    (await nextRead(0)).reply(FIRST);
    (await nextRead(1)).fail();
    const again = await nextRead(2);
    expect([again.after, again.waits, again.connection, closed]).toEqual(['3-0', false, 2, [1]]);
    calls.splice(0);
    again.reply(log, options);
    await nextRead(3);
    expect(calls).toEqual(expected);
  });

  it('it reads from the beginning after a gap', async () => {
    const { nextRead, calls } = begin();
    (await nextRead(0)).reply(FIRST);
    (await nextRead(1)).fail();
    (await nextRead(2)).reply([['9-0', '']], { name: 'other' });
    const again = await nextRead(3);
    expect([again.after, again.waits]).toEqual(['-', false]);
    calls.splice(0);
    again.reply(
      [
        ['9-0', ''],
        ['10-0', 'z'],
      ],
      { name: 'other' },
    );
    await nextRead(4);
    expect(calls).toEqual(['z', 'caught up']);
  });

  it('it starts again when the log is lost a second time', async () => {
    const { nextRead, calls } = begin();
    (await nextRead(0)).reply(FIRST);
    (await nextRead(1)).reply([['9-0', '']], { name: 'second' });
    const again = await nextRead(2);
    calls.splice(0);
    again.reply([['10-0', '']], { name: 'third' });
    await nextRead(3);
    expect(calls).toEqual(['start']);
  });
});

it('detects a lost log even when no command has failed', async () => {
  const { nextRead, calls } = begin();
  (await nextRead(0)).reply([['1-0', '']]);
  (await nextRead(1)).reply([['9-0', '']], { name: 'other' });
  await nextRead(2);
  expect(calls).toEqual(['start', 'caught up', 'start']);
});

it.each<[string, unknown]>([
  ['null', null],
  ['a map', new Map([['log', 'x']])],
  ['no name', ['1', '']],
  ['incomplete entries', ['1', 'log', '1-0', '2-0', 'a']],
  ['nested entries', ['1', 'log', '1-0', ['2-0', 'a', '5']]],
  ['numbers', [1, 'log']],
  ['an invalid time', ['x', 'log', '1-0']],
  ['no first position', ['1', 'log']],
  ['an invalid first position', ['1', 'log', 'x']],
  ['invalid positions', ['1', 'log', '1-0', 'x', 'a', '5']],
])('treats a reply of an unexpected shape as a failure: %s', async (_, reply) => {
  const { nextRead, calls } = begin();
  (await nextRead(0)).reply(FIRST);
  const second = await nextRead(1);
  calls.splice(0);
  second.replyWith(reply);
  const next = await nextRead(2);
  expect([next.connection, next.after, calls]).toEqual([2, '3-0', []]);
});

it('skips entries that another program wrote', async () => {
  const { nextRead, calls } = begin();
  (await nextRead(0)).reply([
    ['1-0', ''],
    ['2-0', ''],
    ['3-0', 'a'],
  ]);
  (await nextRead(1)).reply([
    ['3-0', 'a'],
    ['4-0', ''],
  ]);
  expect((await nextRead(2)).after).toBe('4-0');
  expect(calls).toEqual(['start', 'a', 'caught up', 'caught up']);
});

it('replaces a connection that does not reply, after one read', async () => {
  const { nextRead, reads, closed, connections } = begin();
  await nextRead(1);
  expect([reads[0]?.connection, reads[1]?.connection, closed, connections()]).toEqual([1, 2, [1], 2]);
});

it('pauses between reads when the wait of Redis ends at once', async () => {
  const { nextRead, reads } = begin();
  (await nextRead(0)).reply(FIRST);
  (await nextRead(1)).reply(FIRST);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(reads).toHaveLength(2);
});

it('stops at once while it waits for entries, and disconnects', async () => {
  const { nextRead, stop, reads, closed, calls } = start();
  (await nextRead(0)).reply(FIRST);
  const waiting = await nextRead(1);
  await stop();
  expect(closed).toEqual([1]);
  waiting.reply([...FIRST, ['4-0', 'c']]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([reads.length, calls]).toEqual([2, ['start', 'a b', 'caught up']]);
});

it('stops at once during the pause after a failure', async () => {
  const { nextRead, stop, reads } = start();
  (await nextRead(0)).fail();
  await new Promise((resolve) => setImmediate(resolve));
  await stop();
  expect(reads).toHaveLength(1);
});
