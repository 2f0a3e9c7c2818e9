import assert from 'node:assert/strict';
import { keep, LIFE_MS, pause, QUIET_MS, type Test, textOf } from './test-context.js';

export const LOG_TESTS: Readonly<Record<string, Test>> = {
  async 'gives positions that sort as texts in the order of the log'(store) {
    const positions: string[] = [];
    for (let each = 0; each < 20; each++) positions.push(await store.append(`entry ${each}`, LIFE_MS));
    assert.deepEqual([...positions].sort(), positions);
    assert.equal(new Set(positions).size, positions.length);
    assert.ok(positions.every((position) => position > ''));
  },

  async 'reads what was kept in its order, at the positions it was told, then what is added'(store, { follow, until }) {
    const before = [await store.append('a', LIFE_MS), await store.append('b', LIFE_MS)];
    const { read, entries } = follow();
    await until('what was kept', () => entries().length >= 2);
    before.push(await store.append('c', LIFE_MS), await store.append('a', LIFE_MS));
    await until('what is added', () => entries().length >= 4);
    await pause(QUIET_MS);
    assert.deepEqual(entries(), ['a', 'b', 'c', 'a']);
    assert.deepEqual(
      read.map(({ position }) => position),
      before,
    );
  },

  async 'tells a position where the log begins, before all else'(store, { follow, until }) {
    const { read, start, caughtUp } = follow();
    await until('the end of an empty log', () => caughtUp() > 0);
    const begin = start() ?? '';
    assert.ok(begin > '');
    assert.ok(begin < (await store.append('a', LIFE_MS)));
    await until('the entry', () => read.length === 1);
    const later = follow();
    await until('the entry once more', () => later.read.length === 1);
    assert.equal(later.start(), begin);
  },

  async 'tells the same to all who read, whenever they begin'(store, { follow, until }) {
    const first = follow();
    await Promise.all([...Array(20).keys()].map((each) => store.append(`entry ${each}`, LIFE_MS)));
    const second = follow();
    await until('both', () => first.read.length >= 20 && second.read.length >= 20);
    assert.deepEqual(second.read, first.read);
  },

  async 'reads a long log to its end'(store, { follow, until }) {
    const many = 2500;
    for (let each = 0; each < many; each += 50) {
      await Promise.all([...Array(50).keys()].map((more) => store.append(`entry ${each + more}`, LIFE_MS)));
    }
    const { entries, caughtUp } = follow();
    await until('the end', () => caughtUp() > 0);
    assert.equal(new Set(entries()).size, many);
  },

  async 'tells again and again that it has caught up, also with an empty log'(_store, { follow, until }) {
    const { entries, caughtUp } = follow();
    await until('the first time', () => caughtUp() >= 1);
    await until('another time', () => caughtUp() >= 2);
    assert.deepEqual(entries(), []);
  },

  async 'has caught up with all entries that had been added when it asked, once they were read'(store, { until }) {
    const added: number[] = [];
    let read = 0;
    let confirmed = 0;
    const early: number[] = [];
    const stop = store.follow({
      onStart() {},
      onEntries: (entries) => {
        read += entries.length;
      },
      onCaughtUp(askedAt) {
        confirmed++;
        assert.ok(askedAt <= performance.now(), 'caught up with a time to come');
        if (added.filter((at) => at < askedAt).length > read) early.push(askedAt);
      },
    });
    try {
      for (let each = 0; each < 50; each++) {
        await store.append(`entry ${each}`, LIFE_MS);
        added.push(performance.now());
      }
      await until('all to be read', () => read === 50);
      const before = confirmed;
      await until('the next time', () => confirmed > before);
      assert.deepEqual(early, []);
    } finally {
      await stop();
    }
  },

  async 'keeps an entry for as long as it was to be kept, though others end sooner'(store, { follow, until }) {
    await store.append('long', LIFE_MS);
    for (let each = 0; each < 300; each++) await store.append(`short ${each}`, 1);
    const { entries, caughtUp } = follow();
    await until('the end', () => caughtUp() > 0);
    assert.ok(entries().includes('long'));
  },

  async 'keeps the log apart from the entries'(store, { follow, until }) {
    await keep(store, 'key', '1');
    await store.append('key', LIFE_MS);
    const { entries, caughtUp } = follow();
    await until('the end', () => caughtUp() > 0);
    assert.deepEqual([await textOf(store, 'key'), entries()], ['1', ['key']]);
  },

  async 'tells nothing any more once it has been stopped, and can be stopped at once and twice'(
    store,
    { follow, until },
  ) {
    const { read, stop, caughtUp } = follow();
    await until('the end', () => caughtUp() > 0);
    await Promise.all([stop(), stop()]);
    const confirmed = caughtUp();
    await store.append('late', LIFE_MS);
    await pause(QUIET_MS);
    assert.deepEqual([read, caughtUp()], [[], confirmed]);
    await follow().stop();
  },
};
