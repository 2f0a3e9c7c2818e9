import assert from 'node:assert/strict';
import { LIFE_MS, readEntry, readText, storeText, type Test, takeLease } from './test-context.js';

export const LEASE_TESTS: Readonly<Record<string, Test>> = {
  async 'gives the lease to the first request that finds no entry, and to no other'(store) {
    assert.equal((await takeLease(store, 'key', 'one')).isLeased, true);
    assert.equal((await takeLease(store, 'key', 'two')).isLeased, false);
    assert.equal((await takeLease(store, 'other', 'two')).isLeased, true);
  },

  async 'gives the lease to one of many concurrent requests'(store) {
    const replies = await Promise.all([...Array(20).keys()].map((index) => takeLease(store, 'key', `lease ${index}`)));
    assert.equal(replies.filter(({ isLeased }) => isLeased).length, 1);
  },

  async 'gives no lease to a request that finds an entry'(store) {
    await storeText(store, 'key', '1');
    const { isLeased, value } = await takeLease(store, 'key', 'one');
    assert.deepEqual([isLeased, value && Buffer.from(value).toString()], [false, '1']);
  },

  async 'takes no lease for a request that only reads'(store) {
    assert.equal((await readEntry(store, 'key')).isLeased, false);
    assert.equal((await takeLease(store, 'key', 'one')).isLeased, true);
  },

  async 'stores an entry and releases the lease'(store) {
    const { now } = await takeLease(store, 'key', 'one');
    await store.keepAndRelease('key', 'one', { value: Buffer.from('1'), expiresAt: now + LIFE_MS });
    assert.equal(await readText(store, 'key'), '1');
    assert.equal((await takeLease(store, 'key', 'two', Buffer.from('1'))).isLeased, true);
  },

  async 'releases the lease without an entry to store, and leaves the one that is there'(store) {
    await storeText(store, 'key', '1');
    await takeLease(store, 'key', 'one', Buffer.from('1'));
    await store.keepAndRelease('key', 'one', undefined);
    assert.equal(await readText(store, 'key'), '1');
    assert.equal((await takeLease(store, 'key', 'two', Buffer.from('1'))).isLeased, true);
  },

  async 'releases a lease only under the name that holds it'(store) {
    const { now } = await takeLease(store, 'key', 'one');
    await store.keepAndRelease('key', 'two', undefined);
    assert.equal((await takeLease(store, 'key', 'two')).isLeased, false);
    await store.keepAndRelease('key', 'two', { value: Buffer.from('1'), expiresAt: now + LIFE_MS });
    assert.equal(await readText(store, 'key'), '1');
    assert.equal((await takeLease(store, 'key', 'two', Buffer.from('1'))).isLeased, false);
  },

  async 'ends a lease that is not released'(store, { until }) {
    assert.equal((await store.getOrLease('key', { leaseId: 'one', leaseMs: 20 })).isLeased, true);
    await until('the lease ends', async () => (await takeLease(store, 'key', 'two')).isLeased);
  },

  async 'treats an entry with exactly the bytes of `except` as missing, and no other entry'(store) {
    const value = Buffer.of(1, 0, 255);
    const { now } = await readEntry(store, 'key');
    await store.keepAndRelease('key', 'nobody', { value, expiresAt: now + LIFE_MS });
    for (const other of [Buffer.of(1, 0), Buffer.of(1, 0, 255, 0), Buffer.of(1, 0, 254), Buffer.of()]) {
      const reply = await takeLease(store, 'key', 'one', other);
      assert.deepEqual([[...(reply.value ?? [])], reply.isLeased], [[...value], false]);
    }
    assert.equal((await readEntry(store, 'key', Buffer.from(value))).value, undefined);
    const reply = await takeLease(store, 'key', 'one', Buffer.from(value));
    assert.deepEqual([reply.value, reply.isLeased], [undefined, true]);
    assert.equal((await takeLease(store, 'key', 'two', Buffer.from(value))).isLeased, false);
  },
};
