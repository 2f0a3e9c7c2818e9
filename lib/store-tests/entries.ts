import assert from 'node:assert/strict';
import { LIFE_MS, pause, QUIET_MS, readEntry, readText, storeText, type Test } from './test-context.js';

/** Tolerance for each comparison of a time, in milliseconds, because a store may count whole milliseconds. */
const PRECISION_MS = 2;

export const ENTRY_TESTS: Readonly<Record<string, Test>> = {
  async 'returns no entry and no lease for a key that was never stored'(store) {
    const { value, isLeased } = await readEntry(store, 'never');
    assert.deepEqual([value, isLeased], [undefined, false]);
  },

  async 'returns the same bytes that were stored, whatever they are'(store) {
    for (const value of [Buffer.of(0), Buffer.from([...Array(256).keys()]), Buffer.alloc(100_000, 0xc3)]) {
      const { now } = await readEntry(store, 'key');
      await store.keepAndRelease('key', 'nobody', { value, expiresAt: now + LIFE_MS });
      assert.deepEqual([...((await readEntry(store, 'key')).value ?? [])], [...value]);
    }
  },

  async 'keeps entries of different keys apart'(store) {
    await storeText(store, 'a', '1');
    await storeText(store, 'b', '2');
    assert.deepEqual([await readText(store, 'a'), await readText(store, 'b')], ['1', '2']);
  },

  async 'replaces an entry'(store) {
    await storeText(store, 'key', '1');
    await storeText(store, 'key', '2');
    assert.equal(await readText(store, 'key'), '2');
  },

  async 'deletes an entry when it expires'(store, { until }) {
    await storeText(store, 'key', '1', 20);
    await storeText(store, 'other', '1');
    await until('the entry expires', async () => (await readText(store, 'key')) === undefined);
    assert.equal(await readText(store, 'other'), '1');
    await storeText(store, 'key', '2');
    assert.equal(await readText(store, 'key'), '2');
  },

  async 'applies the expiry time of the new entry when an entry is replaced'(store) {
    await storeText(store, 'key', '1', 20);
    await storeText(store, 'key', '2');
    await pause(QUIET_MS);
    assert.equal(await readText(store, 'key'), '2');
  },

  async 'does not store an expired entry, and leaves the one that is there'(store) {
    await storeText(store, 'key', '1');
    await storeText(store, 'key', '2', 0);
    await storeText(store, 'key', '3', -LIFE_MS);
    assert.equal(await readText(store, 'key'), '1');
  },

  async 'expires an entry at a time on its own clock, however late it was stored'(store, { until }) {
    const { now } = await readEntry(store, 'key');
    await pause(QUIET_MS);
    await store.keepAndRelease('key', 'nobody', { value: Buffer.of(1), expiresAt: now + QUIET_MS + LIFE_MS });
    assert.ok((await readEntry(store, 'key')).value !== undefined);
    await store.keepAndRelease('key', 'nobody', { value: Buffer.of(2), expiresAt: now + QUIET_MS + 20 });
    await until('the entry expires', async () => {
      const reply = await readEntry(store, 'key');
      if (reply.value !== undefined && reply.value[0] === 2) assert.ok(reply.now <= now + QUIET_MS + 20 + PRECISION_MS);
      return reply.value === undefined || reply.value[0] === 1;
    });
  },

  async 'returns its own time, which runs at the speed of a monotonic clock'(store) {
    const startedAt = performance.now();
    const first = await readEntry(store, 'key');
    const repliedAt = performance.now();
    await pause(QUIET_MS);
    const askedAt = performance.now();
    const elapsedMs = (await readEntry(store, 'other')).now - first.now;
    assert.ok(
      elapsedMs >= askedAt - repliedAt - PRECISION_MS,
      `the store counted ${elapsedMs} ms where at least ${askedAt - repliedAt} ms passed`,
    );
    const maxMs = performance.now() - startedAt;
    assert.ok(elapsedMs <= maxMs + PRECISION_MS, `the store counted ${elapsedMs} ms where at most ${maxMs} ms passed`);
  },

  async 'returns its own time to the millisecond'(store, { until }) {
    const { now } = await readEntry(store, 'key');
    await until('the time advances', async () => {
      const later = (await readEntry(store, 'key')).now;
      assert.ok(later >= now && later - now < 1000, `the store counted ${later - now} ms between two reads`);
      return later > now;
    });
  },

  async 'setIfAbsent stores a key once, until it expires'(store, { until }) {
    assert.equal(await store.setIfAbsent('key', LIFE_MS), true);
    assert.equal(await store.setIfAbsent('key', LIFE_MS), false);
    assert.equal(await store.setIfAbsent('short', 20), true);
    assert.equal(await store.setIfAbsent('short', LIFE_MS), false);
    await until('the key expires', () => store.setIfAbsent('short', LIFE_MS));
    assert.equal(await store.setIfAbsent('key', LIFE_MS), false);
  },

  async 'setIfAbsent accepts a time of one millisecond'(store, { until }) {
    assert.equal(await store.setIfAbsent('key', 1), true);
    await until('the key expires', () => store.setIfAbsent('key', 1));
  },

  async 'setIfAbsent succeeds for one of many concurrent calls'(store) {
    const results = await Promise.all([...Array(20)].map(() => store.setIfAbsent('key', LIFE_MS)));
    assert.equal(results.filter((isNew) => isNew).length, 1);
  },
};
