import type { CacheStore, StoreReply } from '../../lib/index.js';
import { storeTests } from '../../lib/store-tests/index.js';
import { createSharedMemory } from '../support/shared-memory.js';

const createMemory = () => ({ store: createSharedMemory().connect(), close() {} });

/** Stores that do one thing wrong. */
const BROKEN: Readonly<Record<string, (store: CacheStore) => Partial<CacheStore>>> = {
  'ends nothing': (store) => ({
    keepAndRelease: (key, leaseId, entry) =>
      store.keepAndRelease(key, leaseId, entry && { ...entry, expiresAt: entry.expiresAt + 1e9 }),
  }),
  'keeps what is over': (store) => ({
    async keepAndRelease(key, leaseId, entry) {
      const { now } = await store.getOrLease(key, { leaseId: '', leaseMs: 0 });
      const expiresAt = Math.max(entry?.expiresAt ?? 0, now + 10);
      await store.keepAndRelease(key, leaseId, entry && { ...entry, expiresAt });
    },
  }),
  'keeps texts': (store) => ({
    keepAndRelease: (key, leaseId, entry) =>
      store.keepAndRelease(
        key,
        leaseId,
        entry && { ...entry, value: Buffer.from(Buffer.from(entry.value).toString('utf8')) },
      ),
  }),
  'keeps the first entry': (store) => ({
    async keepAndRelease(key, leaseId, entry) {
      const { value } = await store.getOrLease(key, { leaseId: '', leaseMs: 0 });
      await store.keepAndRelease(key, leaseId, value === undefined ? entry : undefined);
    },
  }),
  'tells no time': (store) => ({ getOrLease: changed(store, (reply) => ({ ...reply, now: 0 })) }),
  'tells seconds': (store) => ({ getOrLease: changed(store, (reply) => ({ ...reply, now: reply.now / 1000 })) }),
  'tells whole seconds': (store) => ({
    getOrLease: changed(store, (reply) => ({ ...reply, now: Math.floor(reply.now / 1000) * 1000 })),
  }),
  'counts time at half its pace': (store) => ({
    getOrLease: changed(store, (reply) => ({ ...reply, now: reply.now / 2 })),
  }),
  'gives everybody the lease': (store) => ({
    getOrLease: changed(store, (reply) => ({ ...reply, isLeased: reply.value === undefined })),
  }),
  'gives nobody the lease': (store) => ({ getOrLease: changed(store, (reply) => ({ ...reply, isLeased: false })) }),
  'keeps leases for ever': (store) => ({
    getOrLease: (key, request) => store.getOrLease(key, { ...request, leaseMs: request.leaseMs && 1e9 }),
  }),
  'takes a lease where it should only read': (store) => ({
    getOrLease: (key, request) => store.getOrLease(key, { ...request, leaseMs: request.leaseMs || 1000 }),
  }),
  'never gives a lease back': (store) => ({
    keepAndRelease: (key, _leaseId, entry) => store.keepAndRelease(key, 'none', entry),
  }),
  'gives back the lease of another': (store) => {
    const held = new Map<string, string>();
    return {
      async getOrLease(key, request) {
        const reply = await store.getOrLease(key, request);
        if (reply.isLeased) held.set(key, request.leaseId);
        return reply;
      },
      keepAndRelease: (key, _leaseId, entry) => store.keepAndRelease(key, held.get(key) ?? '', entry),
    };
  },
  'gives the lease beside an entry': (store) => ({
    getOrLease: changed(store, (reply) => ({ ...reply, isLeased: true })),
  }),
  'does not look at what cannot be used': (store) => ({
    getOrLease: (key, { leaseId, leaseMs }) => store.getOrLease(key, { leaseId, leaseMs }),
  }),
  'counts every entry as none when one cannot be used': (store) => ({
    async getOrLease(key, request) {
      const { value } = await store.getOrLease(key, { leaseId: '', leaseMs: 0 });
      return store.getOrLease(key, request.except && value ? { ...request, except: value } : request);
    },
  }),
  'looks first and leases then': (store) => {
    const leased = new Set<string>();
    return {
      async getOrLease(key, request) {
        const reply = await store.getOrLease(key, { ...request, leaseMs: 0 });
        if (reply.value !== undefined || request.leaseMs === 0) return reply;
        const isLeased = !leased.has(key);
        await new Promise((resolve) => setImmediate(resolve));
        leased.add(key);
        return { ...reply, isLeased };
      },
    };
  },
  'remembers nothing': () => ({ setIfAbsent: async () => true }),
  'remembers for ever': (store) => ({ setIfAbsent: (key) => store.setIfAbsent(key, 1e9) }),
  'says nothing of what it remembered': (store) => ({
    setIfAbsent: async (key, ttlMs) => void (await store.setIfAbsent(key, ttlMs)) as never,
  }),
  'counts positions as numbers': (store) => {
    let position = 0;
    return { append: async (entry, keepMs) => (await store.append(entry, keepMs)) && String(position++) };
  },
  'never catches up': (store) => ({ follow: (reader) => store.follow({ ...reader, onCaughtUp() {} }) }),
  'says that it has caught up, and reads then': (store) => ({
    follow(reader) {
      return store.follow({ ...reader, onEntries: (entries) => void setTimeout(() => reader.onEntries(entries), 30) });
    },
  }),
  'reads backwards': (store) => ({
    follow: (reader) => store.follow({ ...reader, onEntries: (entries) => reader.onEntries([...entries].reverse()) }),
  }),
  'goes on after it was stopped': (store) => ({
    follow(reader) {
      store.follow(reader);
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

function changed(store: CacheStore, change: (reply: StoreReply) => StoreReply): CacheStore['getOrLease'] {
  return async (key, request) => change(await store.getOrLease(key, request));
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
        storeTests(create, { timeoutMs: 150 }).map(({ run }) =>
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
        store: { ...createMemory().store, setIfAbsent: async () => false },
        close: () => open--,
      };
    };
    await Promise.allSettled(storeTests(create, { timeoutMs: 150 }).map(({ run }) => run()));
    expect(open).toBe(0);
  });
});
