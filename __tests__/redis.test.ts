import { redisStore } from '../lib/redis.js';
import { createDeferred } from './support/deferred.js';
import { until } from './support/until.js';

type Read = readonly (readonly [id: string, entry: string])[];

interface Reading {
  readonly words: readonly (string | number)[];
  /** Where it reads from. */
  readonly after: string;
  readonly blocks: boolean;
  answer(entries: Read): void;
  fail(): void;
}

/** A client of ioredis whose reads of the log are answered by the test. */
function start(commandTimeoutMs = 250) {
  const readings: Reading[] = [];
  let disconnected = 0;
  const told: unknown[] = [];
  const own = {
    callBuffer: async () => null,
    duplicate: () => own,
    on: () => own,
    disconnect: () => void disconnected++,
    xread(...words: (string | number)[]) {
      const reply = createDeferred<unknown>();
      const key = words.at(-2);
      readings.push({
        words,
        after: String(words.at(-1)),
        blocks: words.includes('BLOCK'),
        answer: (entries) =>
          reply.resolve(entries.length === 0 ? null : [[key, entries.map(([id, entry]) => [id, ['d', entry]])]]),
        fail: () => reply.reject(new Error('Connection is closed.')),
      });
      return reply.promise;
    },
  };
  const stop = redisStore({ client: own as never, commandTimeoutMs }).tail({
    read: (entries) => void told.push(entries.map(({ entry }) => entry).join(' ')),
    confirm: () => void told.push('confirm'),
    lose: () => void told.push('lose'),
  });
  const reading = async (index: number) => {
    await until(() => readings.length > index);
    return readings[index] as Reading;
  };
  return { stop, reading, readings, told, disconnected: () => disconnected };
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

const FIRST: Read = [
  ['1-0', 'a'],
  ['2-0', 'b'],
];

it('reads the log from its beginning at once, then waits for what is added after it', async () => {
  const { reading, told } = begin();
  const first = await reading(0);
  expect([first.after, first.blocks]).toEqual(['0-0', false]);
  first.answer(FIRST);
  const second = await reading(1);
  expect([second.after, second.blocks, told]).toEqual(['2-0', true, ['a b', 'confirm']]);
  second.answer([['3-0', 'c']]);
  expect((await reading(2)).after).toBe('3-0');
  (await reading(2)).answer([]);
  expect((await reading(3)).after).toBe('3-0');
  expect(told).toEqual(['a b', 'confirm', 'c', 'confirm', 'confirm']);
});

it('confirms nothing before a long log was read to its end', async () => {
  const { reading, told } = begin();
  (await reading(0)).answer([...Array(1000).keys()].map((each) => [`${each + 1}-0`, 'x'] as const));
  const second = await reading(1);
  expect([second.after, second.blocks, told.length]).toEqual(['1000-0', false, 1]);
  second.answer([]);
  await reading(2);
  expect(told.slice(1)).toEqual(['confirm']);
});

it.each<[string, Read, unknown[]]>([
  ['goes on, all having been kept', FIRST, ['a b', 'confirm']],
  ['goes on with what came meanwhile', [...FIRST, ['3-0', 'c']], ['a b c', 'confirm']],
  ['is lost where nothing is left', [], ['lose', 'confirm']],
  ['is lost where the last is gone', [['1-0', 'a']], ['lose', 'a', 'confirm']],
  ['is lost where another has begun since', [['9-0', 'z']], ['lose', 'z', 'confirm']],
])('a log that is read anew after a failure %s', async (_, entries, expected) => {
  const { reading, told } = begin();
  (await reading(0)).answer(FIRST);
  (await reading(1)).fail();
  const again = await reading(2);
  expect([again.after, again.blocks]).toEqual(['0-0', false]);
  told.splice(0);
  again.answer(entries);
  await reading(3);
  expect(told).toEqual(expected);
});

it('is known to be lost though reading failed more than once', async () => {
  const { reading, told } = begin();
  (await reading(0)).answer(FIRST);
  (await reading(1)).fail();
  (await reading(2)).fail();
  told.splice(0);
  (await reading(3)).answer([['9-0', 'z']]);
  await reading(4);
  expect(told).toEqual(['lose', 'z', 'confirm']);
});

it('has lost nothing where nothing had been read', async () => {
  const { reading, told } = begin();
  (await reading(0)).fail();
  (await reading(1)).answer(FIRST);
  await reading(2);
  expect(told).toEqual(['a b', 'confirm']);
});

it('does not wait for ever for a read that is never answered', async () => {
  const { reading } = begin(5);
  await reading(0);
  expect((await reading(1)).after).toBe('0-0');
});

it('is stopped at once, whatever it waits for, and disconnects', async () => {
  const { reading, stop, readings, disconnected, told } = start();
  (await reading(0)).answer(FIRST);
  const waiting = await reading(1);
  await stop();
  expect(disconnected()).toBe(1);
  waiting.answer([['3-0', 'c']]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([readings.length, told]).toEqual([2, ['a b', 'confirm']]);
});

it('is stopped at once while it rests after a failure', async () => {
  const { reading, stop, readings } = start();
  (await reading(0)).fail();
  await new Promise((resolve) => setImmediate(resolve));
  await stop();
  expect(readings).toHaveLength(1);
});
