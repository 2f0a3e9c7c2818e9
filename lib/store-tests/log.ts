import assert from 'node:assert/strict';
import { LIFE_MS, pause, QUIET_MS, readText, storeText, type Test } from './test-context.js';

export const LOG_TESTS: Readonly<Record<string, Test>> = {
  async 'returns positions that sort as strings in the order of the log'(store) {
    const positions: string[] = [];
    for (let index = 0; index < 20; index++) positions.push(await store.append(`entry ${index}`, LIFE_MS));
    assert.deepEqual([...positions].sort(), positions);
    assert.equal(new Set(positions).size, positions.length);
    assert.ok(positions.every((position) => position > ''));
  },

  async 'passes the stored entries to the reader in order and at their positions, then the appended ones'(
    store,
    { follow, until },
  ) {
    const positions = [await store.append('a', LIFE_MS), await store.append('b', LIFE_MS)];
    const { read, entries } = follow();
    await until('the reader receives the stored entries', () => entries().length >= 2);
    positions.push(await store.append('c', LIFE_MS), await store.append('a', LIFE_MS));
    await until('the reader receives the appended entries', () => entries().length >= 4);
    await pause(QUIET_MS);
    assert.deepEqual(entries(), ['a', 'b', 'c', 'a']);
    assert.deepEqual(
      read.map(({ position }) => position),
      positions,
    );
  },

  async 'calls onStart first, with a position before all entries'(store, { follow, until }) {
    const { read, start, caughtUp } = follow();
    await until('onCaughtUp is called for an empty log', () => caughtUp() > 0);
    const beginning = start() ?? '';
    assert.ok(beginning > '');
    assert.ok(beginning < (await store.append('a', LIFE_MS)));
    await until('the reader receives the entry', () => read.length === 1);
    const later = follow();
    await until('the second reader receives the entry', () => later.read.length === 1);
    assert.equal(later.start(), beginning);
  },

  async 'passes the same entries to all readers, whenever they begin'(store, { follow, until }) {
    const first = follow();
    await Promise.all([...Array(20).keys()].map((index) => store.append(`entry ${index}`, LIFE_MS)));
    const second = follow();
    await until('both readers receive all entries', () => first.read.length >= 20 && second.read.length >= 20);
    assert.deepEqual(second.read, first.read);
  },

  async 'reads a long log to its end'(store, { follow, until }) {
    const many = 2500;
    for (let index = 0; index < many; index += 50) {
      await Promise.all([...Array(50).keys()].map((offset) => store.append(`entry ${index + offset}`, LIFE_MS)));
    }
    const { entries, caughtUp } = follow();
    await until('onCaughtUp is called', () => caughtUp() > 0);
    assert.equal(new Set(entries()).size, many);
  },

  async 'calls onCaughtUp repeatedly, even when the log is empty'(_store, { follow, until }) {
    const { entries, caughtUp } = follow();
    await until('onCaughtUp is called', () => caughtUp() >= 1);
    await until('onCaughtUp is called again', () => caughtUp() >= 2);
    assert.deepEqual(entries(), []);
  },

  async 'calls onCaughtUp only after the reader has received all entries that were appended before `askedAt`'(
    store,
    { until },
  ) {
    const appendedAt: number[] = [];
    let read = 0;
    let confirmations = 0;
    const tooEarly: number[] = [];
    const stop = store.follow({
      onStart() {},
      onEntries: (entries) => {
        read += entries.length;
      },
      onCaughtUp(askedAt) {
        confirmations++;
        assert.ok(askedAt <= performance.now(), '`askedAt` is in the future');
        if (appendedAt.filter((time) => time < askedAt).length > read) tooEarly.push(askedAt);
      },
    });
    try {
      for (let index = 0; index < 50; index++) {
        await store.append(`entry ${index}`, LIFE_MS);
        appendedAt.push(performance.now());
      }
      await until('the reader receives all entries', () => read === 50);
      const before = confirmations;
      await until('onCaughtUp is called again', () => confirmations > before);
      assert.deepEqual(tooEarly, []);
    } finally {
      await stop();
    }
  },

  async 'keeps a log entry for its `keepMs`, even when later ones expire sooner'(store, { follow, until }) {
    await store.append('long', LIFE_MS);
    for (let index = 0; index < 300; index++) await store.append(`short ${index}`, 1);
    const { entries, caughtUp } = follow();
    await until('onCaughtUp is called', () => caughtUp() > 0);
    assert.ok(entries().includes('long'));
  },

  async 'keeps the log apart from the entries'(store, { follow, until }) {
    await storeText(store, 'key', '1');
    await store.append('key', LIFE_MS);
    const { entries, caughtUp } = follow();
    await until('onCaughtUp is called', () => caughtUp() > 0);
    assert.deepEqual([await readText(store, 'key'), entries()], ['1', ['key']]);
  },

  async 'calls the reader no more once it has been stopped, and can be stopped at once and twice'(
    store,
    { follow, until },
  ) {
    const { read, stop, caughtUp } = follow();
    await until('onCaughtUp is called', () => caughtUp() > 0);
    await Promise.all([stop(), stop()]);
    const before = caughtUp();
    await store.append('late', LIFE_MS);
    await pause(QUIET_MS);
    assert.deepEqual([read, caughtUp()], [[], before]);
    await follow().stop();
  },
};
