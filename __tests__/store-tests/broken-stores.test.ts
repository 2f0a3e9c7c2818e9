import type { CacheStore } from '../../lib/index.js';
import { storeTests } from '../../lib/store-tests/index.js';
import { createSharedMemory } from '../support/shared-memory.js';

const createMemory = () => ({ store: createSharedMemory().connect(), close() {} });

/** Stores that do something otherwise than they must. */
const BROKEN: Readonly<Record<string, (store: CacheStore) => Partial<CacheStore>>> = {
  'ends nothing': (store) => ({ set: (key, value, how) => store.set(key, value, { ...how, ttlMs: 1e9 }) }),
  'knows no condition': (store) => ({
    set: (key, value, how) => store.set(key, value, { ...how, expected: 'any' }),
  }),
  'compares with nothing': (store) => ({
    set: (key, value, how) =>
      store.set(key, value, { ...how, expected: typeof how.expected === 'string' ? how.expected : 'any' }),
  }),
  'keeps texts': (store) => ({
    set: (key, value, how) => store.set(key, Buffer.from(Buffer.from(value).toString('utf8')), how),
  }),
  'has null for nothing': (store) => ({ get: async (key) => (await store.get(key)) ?? (null as never) }),
  'gives bytes alone': (store) => ({ get: async (key) => (await store.get(key))?.value as never }),
  'tells the whole life as what is left': (store) => {
    const set = new Map<string, number>();
    return {
      async set(key, value, how) {
        const isKept = await store.set(key, value, how);
        if (isKept) set.set(key, how.ttlMs);
        return isKept;
      },
      get: (key) => left(store, key, () => set.get(key) ?? 0),
    };
  },
  'tells what is left of the last life that was asked for, though it was refused': (store) => {
    const ends = new Map<string, number>();
    return {
      set(key, value, how) {
        ends.set(key, performance.now() + how.ttlMs);
        return store.set(key, value, how);
      },
      get: (key) => left(store, key, () => (ends.get(key) ?? 0) - performance.now()),
    };
  },
  'tells more than is left': (store) => ({ get: (key) => left(store, key, (ms) => ms + 20) }),
  'tells seconds': (store) => ({ get: (key) => left(store, key, (ms) => ms / 1000) }),
  'counts time at half its pace': (store) => ({ get: (key) => left(store, key, (ms) => 30_000 + ms / 2) }),
  'tells what ends that it never ends': (store) => ({ get: (key) => left(store, key, () => Number.POSITIVE_INFINITY) }),
  'checks first and sets then': (store) => ({
    async set(key, value, how) {
      const there = (await store.get(key))?.value;
      if (how.expected === 'absent' && there !== undefined) return false;
      if (typeof how.expected !== 'string' && !(there && Buffer.from(there).equals(how.expected))) return false;
      return store.set(key, value, { ...how, expected: 'any' });
    },
  }),
  'says nothing of what it kept': (store) => ({
    set: async (key, value, how) => void (await store.set(key, value, how)) as never,
  }),
  'counts positions as numbers': (store) => {
    let position = 0;
    return { append: async (entry, keepMs) => (await store.append(entry, keepMs)) && String(position++) };
  },
  'never confirms': (store) => ({ tail: (reader) => store.tail({ ...reader, confirm() {} }) }),
  'confirms first and reads then': (store) => ({
    tail(reader) {
      return store.tail({ ...reader, read: (entries) => void setTimeout(() => reader.read(entries), 30) });
    },
  }),
  'reads backwards': (store) => ({
    tail: (reader) => store.tail({ ...reader, read: (entries) => reader.read([...entries].reverse()) }),
  }),
  'goes on after it was stopped': (store) => ({
    tail(reader) {
      store.tail(reader);
      return async () => {};
    },
  }),
  'drops what others no longer need': (store) => {
    let appended = 0;
    return {
      append: (entry, keepMs) => store.append(entry, appended++ === 0 ? 1 : keepMs),
    };
  },
};

async function left(store: CacheStore, key: string, change: (ms: number) => number): ReturnType<CacheStore['get']> {
  const stored = await store.get(key);
  return stored && { ...stored, ttlMs: change(stored.ttlMs) };
}

describe('the tests of a store', () => {
  it.each(Object.entries(BROKEN))(
    'notice one that %s',
    async (_, change) => {
      const create = () => {
        const store = createSharedMemory().connect();
        return { store: { ...store, ...change(store) }, close() {} };
      };
      const failures = await Promise.all(
        storeTests(create, { patienceMs: 150 }).map(({ run }) =>
          run().then(
            () => 0,
            () => 1,
          ),
        ),
      );
      expect(failures).toContain(1);
    },
    15_000,
  );

  it('close what they have opened, whether they fail or not', async () => {
    let open = 0;
    const create = () => {
      open++;
      return {
        store: { ...createMemory().store, get: async () => ({ value: Buffer.of(1), ttlMs: 1 }) },
        close: () => open--,
      };
    };
    await Promise.allSettled(storeTests(create, { patienceMs: 150 }).map(({ run }) => run()));
    expect(open).toBe(0);
  });
});
