import assert from 'node:assert/strict';
import { CALM_MS, LIFE_MS, pause, type Test, textOf } from './tail.js';

/** How exactly a store tells time: it may count whole milliseconds, each end of a span. */
const PRECISION_MS = 2;

export const VALUE_TESTS: Readonly<Record<string, Test>> = {
  async 'has nothing under a key that was never set'(store) {
    assert.equal(await store.get('never'), undefined);
  },

  async 'gives back the very bytes, whatever they are'(store) {
    for (const value of [Buffer.of(0), Buffer.from([...Array(256).keys()]), Buffer.alloc(100_000, 0xc3)]) {
      assert.equal(await store.set('key', value, { ttlMs: LIFE_MS, expected: 'any' }), true);
      assert.deepEqual([...((await store.get('key'))?.value ?? [])], [...value]);
    }
  },

  async 'keeps values of different keys apart'(store) {
    await store.set('a', Buffer.from('1'), { ttlMs: LIFE_MS, expected: 'any' });
    await store.set('b', Buffer.from('2'), { ttlMs: LIFE_MS, expected: 'any' });
    assert.deepEqual([await textOf(store, 'a'), await textOf(store, 'b')], ['1', '2']);
  },

  async 'forgets a value when its time is over, and then counts it as absent'(store, { until }) {
    await store.set('key', Buffer.from('1'), { ttlMs: 20, expected: 'any' });
    await store.set('other', Buffer.from('1'), { ttlMs: LIFE_MS, expected: 'any' });
    await until('the value to end', async () => (await store.get('key')) === undefined);
    assert.equal(await textOf(store, 'other'), '1');
    assert.equal(await store.set('key', Buffer.from('2'), { ttlMs: LIFE_MS, expected: 'absent' }), true);
    assert.equal(await textOf(store, 'key'), '2');
  },

  async 'gives a value that is replaced the time of the new one'(store) {
    await store.set('key', Buffer.from('1'), { ttlMs: 20, expected: 'any' });
    await store.set('key', Buffer.from('2'), { ttlMs: LIFE_MS, expected: 'any' });
    await pause(CALM_MS);
    assert.equal(await textOf(store, 'key'), '2');
  },

  async 'tells what is left of a life, which grows less and is never more than was set'(store, { until }) {
    await store.set('key', Buffer.from('1'), { ttlMs: LIFE_MS, expected: 'any' });
    const left: number[] = [];
    await until('less to be left', async () => {
      left.push((await store.get('key'))?.ttlMs ?? Number.NaN);
      return (left.at(-1) as number) < (left[0] as number);
    });
    assert.ok((left[0] as number) <= LIFE_MS, `${left[0]} ms were left of ${LIFE_MS}`);
    assert.ok(left.slice(1).every((ms, before) => ms <= (left[before] as number)));
  },

  async 'tells what is left to the end, and nothing after it'(store, { until }) {
    const ttlMs = 20;
    await store.set('key', Buffer.from('1'), { ttlMs, expected: 'any' });
    await until('the value to end', async () => {
      const stored = await store.get('key');
      if (stored !== undefined) assert.ok(stored.ttlMs >= 0 && stored.ttlMs <= ttlMs, `${stored.ttlMs} ms of ${ttlMs}`);
      return stored === undefined;
    });
  },

  async 'counts what is left as fast as time goes by'(store) {
    const startedAt = performance.now();
    await store.set('key', Buffer.from('1'), { ttlMs: LIFE_MS, expected: 'any' });
    const writtenAt = performance.now();
    await pause(CALM_MS);
    const askedAt = performance.now();
    const left = (await store.get('key'))?.ttlMs ?? Number.NaN;
    const spent = LIFE_MS - left;
    assert.ok(spent >= askedAt - writtenAt - PRECISION_MS, `${spent} ms were counted of ${askedAt - writtenAt}`);
    assert.ok(spent <= performance.now() - startedAt + PRECISION_MS, `${spent} ms were counted too early`);
  },

  async 'tells what is left of the value that is there, not of the one before'(store) {
    await store.set('key', Buffer.from('1'), { ttlMs: LIFE_MS, expected: 'any' });
    await store.set('key', Buffer.from('2'), { ttlMs: LIFE_MS / 2, expected: Buffer.from('1') });
    assert.ok(((await store.get('key'))?.ttlMs ?? Number.NaN) <= LIFE_MS / 2);
    await store.set('key', Buffer.from('3'), { ttlMs: LIFE_MS, expected: Buffer.from('1') });
    assert.ok(
      ((await store.get('key'))?.ttlMs ?? Number.NaN) <= LIFE_MS / 2,
      'a write that was refused has changed it',
    );
  },

  async 'takes a life of one millisecond'(store, { until }) {
    assert.equal(await store.set('key', Buffer.from('1'), { ttlMs: 1, expected: 'any' }), true);
    await until('the value to end', async () => (await store.get('key')) === undefined);
  },

  async 'replaces whatever is there where anything is expected'(store) {
    assert.equal(await store.set('key', Buffer.from('1'), { ttlMs: LIFE_MS, expected: 'any' }), true);
    assert.equal(await store.set('key', Buffer.from('2'), { ttlMs: LIFE_MS, expected: 'any' }), true);
    assert.equal(await textOf(store, 'key'), '2');
  },

  async 'sets where nothing is expected and nothing is there, and only there'(store) {
    assert.equal(await store.set('key', Buffer.from('1'), { ttlMs: LIFE_MS, expected: 'absent' }), true);
    assert.equal(await store.set('key', Buffer.from('2'), { ttlMs: LIFE_MS, expected: 'absent' }), false);
    assert.equal(await textOf(store, 'key'), '1');
  },

  async 'sets where the very bytes expected are there, and only there'(store) {
    const value = Buffer.of(1, 0, 255);
    const how = (expected: Uint8Array) => ({ ttlMs: LIFE_MS, expected });
    assert.equal(await store.set('key', Buffer.from('2'), how(value)), false);
    assert.equal(await store.get('key'), undefined);
    await store.set('key', value, { ttlMs: LIFE_MS, expected: 'any' });
    for (const other of [Buffer.of(1, 0), Buffer.of(1, 0, 255, 0), Buffer.of(1, 0, 254), Buffer.of()]) {
      assert.equal(await store.set('key', Buffer.from('2'), how(other)), false);
    }
    assert.equal(await store.set('key', Buffer.from('2'), how(Buffer.from(value))), true);
    assert.equal(await textOf(store, 'key'), '2');
  },

  async 'takes the words of the condition for bytes where bytes are expected'(store) {
    const how = { ttlMs: LIFE_MS, expected: Buffer.from('any') };
    assert.equal(await store.set('key', Buffer.from('1'), how), false);
    assert.equal(await store.set('key', Buffer.from('1'), { ...how, expected: Buffer.from('absent') }), false);
  },

  async 'lets one of many win who expect the same'(store) {
    const race = (expected: Uint8Array | 'absent', round: number) =>
      Promise.all(
        [...Array(20).keys()].map((each) => store.set('key', Buffer.of(round, each), { ttlMs: LIFE_MS, expected })),
      );
    const wins = (results: boolean[]) => results.filter((won) => won).length;
    assert.equal(wins(await race('absent', 1)), 1);
    assert.equal(wins(await race((await store.get('key'))?.value ?? 'absent', 2)), 1);
  },
};
