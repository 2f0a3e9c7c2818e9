import assert from 'node:assert/strict';
import { keep, LIFE_MS, lease, look, type Test, textOf } from './test-context.js';

export const LEASE_TESTS: Readonly<Record<string, Test>> = {
  async 'gives the lease to whoever finds no entry first, and to nobody else'(store) {
    assert.equal((await lease(store, 'key', 'one')).isLeased, true);
    assert.equal((await lease(store, 'key', 'two')).isLeased, false);
    assert.equal((await lease(store, 'other', 'two')).isLeased, true);
  },

  async 'gives the lease to one of many'(store) {
    const replies = await Promise.all([...Array(20).keys()].map((each) => lease(store, 'key', `lease ${each}`)));
    assert.equal(replies.filter(({ isLeased }) => isLeased).length, 1);
  },

  async 'gives no lease to whoever finds an entry'(store) {
    await keep(store, 'key', '1');
    const { isLeased, value } = await lease(store, 'key', 'one');
    assert.deepEqual([isLeased, value && Buffer.from(value).toString()], [false, '1']);
  },

  async 'takes no lease when it only reads'(store) {
    assert.equal((await look(store, 'key')).isLeased, false);
    assert.equal((await lease(store, 'key', 'one')).isLeased, true);
  },

  async 'keeps an entry and gives the lease back'(store) {
    const { now } = await lease(store, 'key', 'one');
    await store.keepAndRelease('key', 'one', { value: Buffer.from('1'), expiresAt: now + LIFE_MS });
    assert.equal(await textOf(store, 'key'), '1');
    assert.equal((await lease(store, 'key', 'two', Buffer.from('1'))).isLeased, true);
  },

  async 'gives the lease back without an entry, and leaves the one that is there'(store) {
    await keep(store, 'key', '1');
    await lease(store, 'key', 'one', Buffer.from('1'));
    await store.keepAndRelease('key', 'one', undefined);
    assert.equal(await textOf(store, 'key'), '1');
    assert.equal((await lease(store, 'key', 'two', Buffer.from('1'))).isLeased, true);
  },

  async 'gives back a lease of that name only'(store) {
    const { now } = await lease(store, 'key', 'one');
    await store.keepAndRelease('key', 'two', undefined);
    assert.equal((await lease(store, 'key', 'two')).isLeased, false);
    await store.keepAndRelease('key', 'two', { value: Buffer.from('1'), expiresAt: now + LIFE_MS });
    assert.equal(await textOf(store, 'key'), '1');
    assert.equal((await lease(store, 'key', 'two', Buffer.from('1'))).isLeased, false);
  },

  async 'ends a lease that nobody gives back'(store, { until }) {
    assert.equal((await store.getOrLease('key', { leaseId: 'one', leaseMs: 20 })).isLeased, true);
    await until('the lease to end', async () => (await lease(store, 'key', 'two')).isLeased);
  },

  async 'counts an entry with exactly the bytes that cannot be used as none'(store) {
    const value = Buffer.of(1, 0, 255);
    const { now } = await look(store, 'key');
    await store.keepAndRelease('key', 'nobody', { value, expiresAt: now + LIFE_MS });
    for (const other of [Buffer.of(1, 0), Buffer.of(1, 0, 255, 0), Buffer.of(1, 0, 254), Buffer.of()]) {
      const reply = await lease(store, 'key', 'one', other);
      assert.deepEqual([[...(reply.value ?? [])], reply.isLeased], [[...value], false]);
    }
    assert.equal((await look(store, 'key', Buffer.from(value))).value, undefined);
    const reply = await lease(store, 'key', 'one', Buffer.from(value));
    assert.deepEqual([reply.value, reply.isLeased], [undefined, true]);
    assert.equal((await lease(store, 'key', 'two', Buffer.from(value))).isLeased, false);
  },
};
