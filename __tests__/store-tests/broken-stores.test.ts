import type { CacheStore, StoreReply } from '../../lib/index.js';
import { storeTests } from '../../lib/store-tests/index.js';
import { createSharedMemory } from '../support/shared-memory.js';

const createMemory = () => ({ store: createSharedMemory().connect(), close() {} });

/** Stores with one defect each. */
const BROKEN: Readonly<Record<string, (store: CacheStore) => Partial<CacheStore>>> = {
  'lets no entry expire': (store) => ({
    keepAndRelease: (key, leaseId, entry) =>
      store.keepAndRelease(key, leaseId, entry && { ...entry, expiresAt: entry.expiresAt + 1e9 }),
  }),
  'stores expired entries': (store) => ({
    async keepAndRelease(key, leaseId, entry) {
      const { now } = await store.getOrLease(key, { leaseId: '', leaseMs: 0 });
      const expiresAt = Math.max(entry?.expiresAt ?? 0, now + 10);
      await store.keepAndRelease(key, leaseId, entry && { ...entry, expiresAt });
    },
  }),
  'stores text instead of bytes': (store) => ({
    keepAndRelease: (key, leaseId, entry) =>
      store.keepAndRelease(
        key,
        leaseId,
        entry && { ...entry, value: Buffer.from(Buffer.from(entry.value).toString('utf8')) },
      ),
  }),
  'never replaces an entry': (store) => ({
    async keepAndRelease(key, leaseId, entry) {
      const { value } = await store.getOrLease(key, { leaseId: '', leaseMs: 0 });
      await store.keepAndRelease(key, leaseId, value === undefined ? entry : undefined);
    },
  }),
  'returns no time': (store) => ({ getOrLease: changed(store, (reply) => ({ ...reply, now: 0 })) }),
  'returns seconds': (store) => ({ getOrLease: changed(store, (reply) => ({ ...reply, now: reply.now / 1000 })) }),
  'returns whole seconds': (store) => ({
    getOrLease: changed(store, (reply) => ({ ...reply, now: Math.floor(reply.now / 1000) * 1000 })),
  }),
  'counts time at half its speed': (store) => ({
    getOrLease: changed(store, (reply) => ({ ...reply, now: reply.now / 2 })),
  }),
  'gives the lease to every request': (store) => ({
    getOrLease: changed(store, (reply) => ({ ...reply, isLeased: reply.value === undefined })),
  }),
  'gives the lease to no request': (store) => ({
    getOrLease: changed(store, (reply) => ({ ...reply, isLeased: false })),
  }),
  'lets no lease end': (store) => ({
    getOrLease: (key, request) => store.getOrLease(key, { ...request, leaseMs: request.leaseMs && 1e9 }),
  }),
  'takes a lease for a request that only reads': (store) => ({
    getOrLease: (key, request) => store.getOrLease(key, { ...request, leaseMs: request.leaseMs || 1000 }),
  }),
  'never releases a lease': (store) => ({
    keepAndRelease: (key, _leaseId, entry) => store.keepAndRelease(key, 'none', entry),
  }),
  'releases the lease of another request': (store) => {
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
  'gives the lease although there is an entry': (store) => ({
    getOrLease: changed(store, (reply) => ({ ...reply, isLeased: true })),
  }),
  'ignores `except`': (store) => ({
    getOrLease: (key, { leaseId, leaseMs }) => store.getOrLease(key, { leaseId, leaseMs }),
  }),
  'treats every entry as missing when there is an `except`': (store) => ({
    async getOrLease(key, request) {
      const { value } = await store.getOrLease(key, { leaseId: '', leaseMs: 0 });
      return store.getOrLease(key, request.except && value ? { ...request, except: value } : request);
    },
  }),
  'reads and leases in two steps': (store) => {
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
  'stores no keys': () => ({ setIfAbsent: async () => true }),
  'lets no key expire': (store) => ({ setIfAbsent: (key) => store.setIfAbsent(key, 1e9) }),
  'does not return whether a key was new': (store) => ({
    setIfAbsent: async (key, ttlMs) => void (await store.setIfAbsent(key, ttlMs)) as never,
  }),
  'returns positions that do not sort as strings': (store) => {
    let position = 0;
    return { append: async (entry, keepMs) => (await store.append(entry, keepMs)) && String(position++) };
  },
  'never calls onCaughtUp': (store) => ({ follow: (reader) => store.follow({ ...reader, onCaughtUp() {} }) }),
  'calls onCaughtUp before onEntries': (store) => ({
    follow(reader) {
      return store.follow({ ...reader, onEntries: (entries) => void setTimeout(() => reader.onEntries(entries), 30) });
    },
  }),
  'passes entries in reverse order': (store) => ({
    follow: (reader) => store.follow({ ...reader, onEntries: (entries) => reader.onEntries([...entries].reverse()) }),
  }),
  'calls the reader after it was stopped': (store) => ({
    follow(reader) {
      store.follow(reader);
      return async () => {};
    },
  }),
  'drops log entries too early': (store) => {
    let appended = 0;
    return {
      append: (entry, keepMs) => store.append(entry, appended++ === 0 ? 1 : keepMs),
    };
  },
};

function changed(store: CacheStore, change: (reply: StoreReply) => StoreReply): CacheStore['getOrLease'] {
  return async (key, request) => change(await store.getOrLease(key, request));
}

describe('storeTests', () => {
  it.each(Object.entries(BROKEN))(
    'detect a store that %s',
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

  it('close every store, whether they fail or not', async () => {
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
