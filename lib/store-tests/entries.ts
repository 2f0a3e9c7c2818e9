import assert from 'node:assert/strict';
import { keep, LIFE_MS, look, pause, QUIET_MS, type Test, textOf } from './test-context.js';

/** How exactly a store tells time: it may count whole milliseconds, at each end of a span. */
const PRECISION_MS = 2;

export const ENTRY_TESTS: Readonly<Record<string, Test>> = {
  async 'has nothing under a key that was never kept'(store) {
    const { value, isLeased } = await look(store, 'never');
    assert.deepEqual([value, isLeased], [undefined, false]);
  },

  async 'gives back the very bytes, whatever they are'(store) {
    for (const value of [Buffer.of(0), Buffer.from([...Array(256).keys()]), Buffer.alloc(100_000, 0xc3)]) {
      const { now } = await look(store, 'key');
      await store.keepAndRelease('key', 'nobody', { value, expiresAt: now + LIFE_MS });
      assert.deepEqual([...((await look(store, 'key')).value ?? [])], [...value]);
    }
  },

  async 'keeps entries of different keys apart'(store) {
    await keep(store, 'a', '1');
    await keep(store, 'b', '2');
    assert.deepEqual([await textOf(store, 'a'), await textOf(store, 'b')], ['1', '2']);
  },

  async 'replaces whatever is there'(store) {
    await keep(store, 'key', '1');
    await keep(store, 'key', '2');
    assert.equal(await textOf(store, 'key'), '2');
  },

  async 'forgets an entry when its time is over'(store, { until }) {
    await keep(store, 'key', '1', 20);
    await keep(store, 'other', '1');
    await until('the entry to end', async () => (await textOf(store, 'key')) === undefined);
    assert.equal(await textOf(store, 'other'), '1');
    await keep(store, 'key', '2');
    assert.equal(await textOf(store, 'key'), '2');
  },

  async 'gives an entry that is replaced the time of the new one'(store) {
    await keep(store, 'key', '1', 20);
    await keep(store, 'key', '2');
    await pause(QUIET_MS);
    assert.equal(await textOf(store, 'key'), '2');
  },

  async 'does not keep an entry whose time is over, and leaves the one that is there'(store) {
    await keep(store, 'key', '1');
    await keep(store, 'key', '2', 0);
    await keep(store, 'key', '3', -LIFE_MS);
    assert.equal(await textOf(store, 'key'), '1');
  },

  async 'ends an entry at a time of its own clock, however late it was written'(store, { until }) {
    const { now } = await look(store, 'key');
    await pause(QUIET_MS);
    await store.keepAndRelease('key', 'nobody', { value: Buffer.of(1), expiresAt: now + QUIET_MS + LIFE_MS });
    assert.ok((await look(store, 'key')).value !== undefined);
    await store.keepAndRelease('key', 'nobody', { value: Buffer.of(2), expiresAt: now + QUIET_MS + 20 });
    await until('the entry to end', async () => {
      const reply = await look(store, 'key');
      if (reply.value !== undefined && reply.value[0] === 2) assert.ok(reply.now <= now + QUIET_MS + 20 + PRECISION_MS);
      return reply.value === undefined || reply.value[0] === 1;
    });
  },

  async 'tells its own time, which goes by as fast as time does'(store) {
    const startedAt = performance.now();
    const first = await look(store, 'key');
    const repliedAt = performance.now();
    await pause(QUIET_MS);
    const askedAt = performance.now();
    const spent = (await look(store, 'other')).now - first.now;
    assert.ok(spent >= askedAt - repliedAt - PRECISION_MS, `${spent} ms were counted of ${askedAt - repliedAt}`);
    assert.ok(spent <= performance.now() - startedAt + PRECISION_MS, `${spent} ms were counted too early`);
  },

  async 'tells its own time to the millisecond'(store, { until }) {
    const { now } = await look(store, 'key');
    await until('the next millisecond', async () => {
      const later = (await look(store, 'key')).now;
      assert.ok(later >= now && later - now < 1000, `${later - now} ms from one look to the next`);
      return later > now;
    });
  },

  async 'remembers a key once, until its time is over'(store, { until }) {
    assert.equal(await store.setIfAbsent('key', LIFE_MS), true);
    assert.equal(await store.setIfAbsent('key', LIFE_MS), false);
    assert.equal(await store.setIfAbsent('short', 20), true);
    assert.equal(await store.setIfAbsent('short', LIFE_MS), false);
    await until('the key to be forgotten', () => store.setIfAbsent('short', LIFE_MS));
    assert.equal(await store.setIfAbsent('key', LIFE_MS), false);
  },

  async 'takes a time of one millisecond'(store, { until }) {
    assert.equal(await store.setIfAbsent('key', 1), true);
    await until('the key to be forgotten', () => store.setIfAbsent('key', 1));
  },

  async 'lets one of many remember a key'(store) {
    const results = await Promise.all([...Array(20)].map(() => store.setIfAbsent('key', LIFE_MS)));
    assert.equal(results.filter((isNew) => isNew).length, 1);
  },
};
