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
  'checks first and sets then': (store) => ({
    async set(key, value, how) {
      const there = await store.get(key);
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
      return { store: { ...createMemory().store, get: async () => Buffer.of(1) }, close: () => open-- };
    };
    await Promise.allSettled(storeTests(create, { patienceMs: 150 }).map(({ run }) => run()));
    expect(open).toBe(0);
  });
});
