import type { EntryCipher } from '../../../lib/cache/shared/entry-cipher.js';
import { createEntryCipher } from '../../../lib/cache/shared/entry-cipher.js';
import { createSharedEntries } from '../../../lib/cache/shared/shared-entries.js';
import { createStoreHealth } from '../../../lib/cache/shared/store-health.js';
import type { Instant } from '../../../lib/core/clock.js';
import type { CacheStore, LeaseRequest, StoredEntry, StoreReply } from '../../../lib/index.js';
import { toRecord } from '../../../lib/introspection/response.js';
import { recordEvents } from '../../support/channels.js';
import { createClock } from '../../support/clock.js';
import { activeRecord, inactiveRecord } from '../../support/records.js';

const TOKEN = { token: 'token', digest: 'digest' };
const [NEW, OLD] = ['n'.repeat(32), 'o'.repeat(32)] as [string, string];

/** The store's own time. */
const STORE_NOW = 5_000_000;

/** Entries over a store whose replies a test sets by key, and everything that the store was told. */
function create(secrets: readonly string[] = [NEW]) {
  const clock = createClock();
  const cipher: EntryCipher = createEntryCipher(secrets, 'scope');
  const reads: (readonly [key: string, request: LeaseRequest])[] = [];
  const writes: (readonly [key: string, leaseId: string, entry: StoredEntry | undefined])[] = [];
  const replies = new Map<string, unknown>();
  const restored: Instant[] = [];
  const store = {
    async getOrLease(key: string, request: LeaseRequest) {
      reads.push([key, request]);
      return replies.has(key) ? replies.get(key) : { now: STORE_NOW, isLeased: false };
    },
    async keepAndRelease(...args: [string, string, StoredEntry | undefined]) {
      writes.push(args);
    },
  } as unknown as CacheStore;
  const entries = createSharedEntries({
    ...{ ttlMs: 60_000, inactiveTtlMs: 5000, store, cipher, clock, health: createStoreHealth() },
    restore(members: unknown, asked: Instant) {
      restored.push(asked);
      return toRecord(members, asked);
    },
  });
  const [key = '', oldKey = ''] = cipher.keysOf(TOKEN);
  const entryOf = (content: unknown, under = key) =>
    cipher.encrypt(TOKEN, under, typeof content === 'string' ? content : JSON.stringify(content));
  const reply = (content: unknown, under = key, more: Partial<StoreReply> = {}) =>
    replies.set(under, { now: STORE_NOW, isLeased: false, value: entryOf(content, under), ...more });
  return { ...entries, clock, cipher, reads, writes, replies, restored, key, oldKey, entryOf, reply };
}

const ALICE = { response: { active: true, sub: 'alice' }, asked: STORE_NOW - 1500, logPosition: '7' };

describe('a read from the store', () => {
  it('returns the record with its age and its log position', async () => {
    const { read, reply, clock, key, replies } = create();
    reply(ALICE);
    const stored = await read(TOKEN);
    expect(stored).toEqual({
      ...{ now: STORE_NOW, repliedAt: clock.monotonic(), isLeased: false },
      value: (replies.get(key) as StoreReply).value,
      record: {
        ...toRecord(ALICE.response, { at: clock.now() - 1500, monotonic: clock.monotonic() - 1500 }),
        logPosition: '7',
      },
    });
  });

  it.each<[string, unknown]>([
    ['dated in the future', { ...ALICE, asked: STORE_NOW + 1 }],
    ['without a date', { ...ALICE, asked: undefined }],
    ['without a log position', { ...ALICE, logPosition: undefined }],
    ['with a number as log position', { ...ALICE, logPosition: 7 }],
    ['without a response', { ...ALICE, response: undefined }],
    ['that is null', 'null'],
    ['that is not JSON', '{'],
  ])('finds no record in an entry %s, and publishes it as unusable', async (_name, content) => {
    const { read, reply, key, replies } = create();
    const events = recordEvents('cache');
    reply(content);
    const stored = await read(TOKEN);
    expect([stored?.record, stored?.value]).toEqual([undefined, (replies.get(key) as StoreReply).value]);
    expect(events).toEqual([{ outcome: 'unusable', tokenDigest: TOKEN.digest }]);
  });

  it.each([STORE_NOW + 1, undefined])('restores no response if the date of the entry is %j', async (asked) => {
    const { read, reply, restored } = create();
    reply({ ...ALICE, asked });
    await read(TOKEN);
    expect(restored).toHaveLength(0);
  });

  it('finds no record in bytes that were not encrypted for the token', async () => {
    const { read, replies, key, cipher } = create();
    const value = cipher.encrypt({ token: 'other' }, key, JSON.stringify(ALICE));
    replies.set(key, { now: STORE_NOW, isLeased: false, value });
    expect(await read(TOKEN)).toMatchObject({ record: undefined, value });
  });

  it.each([undefined, null])('finds nothing if the value is %j, and publishes nothing', async (value) => {
    const { read, replies, key } = create();
    const events = recordEvents('cache');
    replies.set(key, { now: STORE_NOW, isLeased: true, value });
    const stored = await read(TOKEN);
    expect([stored?.record, stored?.value, stored?.isLeased, events]).toEqual([undefined, undefined, true, []]);
  });

  it.each<[string, Parameters<ReturnType<typeof create>['read']>[1], LeaseRequest]>([
    ['nothing', undefined, { leaseId: '', leaseMs: 0 }],
    ['a name for the lease', { leaseId: 'lease' }, { leaseId: 'lease', leaseMs: 1000 }],
    ['bytes to ignore', { except: Buffer.of(1) }, { leaseId: '', leaseMs: 0, except: Buffer.of(1) }],
  ])('asks the store with %s', async (_name, options, request) => {
    const { read, reads, key } = create();
    await read(TOKEN, options);
    expect(reads).toEqual([[key, request]]);
  });

  it('takes no lease whose name another package added to Object.prototype', async () => {
    const { read, reads } = create();
    Object.defineProperty(Object.prototype, 'leaseId', { value: 'lease', configurable: true });
    try {
      await read(TOKEN);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'leaseId');
    }
    expect(reads).toMatchObject([[expect.anything(), { leaseId: '', leaseMs: 0 }]]);
  });

  it('takes a lease only under the key of the first secret', async () => {
    const { read, reads, key, oldKey } = create([NEW, OLD]);
    await read(TOKEN, { leaseId: 'lease', except: Buffer.of(1) });
    expect(reads).toEqual([
      [key, { leaseId: 'lease', leaseMs: 1000, except: Buffer.of(1) }],
      [oldKey, { leaseId: '', leaseMs: 0 }],
    ]);
  });

  it('finds a record under the key of an older secret, but not its bytes', async () => {
    const { read, reply, oldKey, replies, key } = create([NEW, OLD]);
    reply(ALICE, oldKey);
    replies.set(key, { now: STORE_NOW, isLeased: true });
    expect(await read(TOKEN)).toMatchObject({
      ...{ now: STORE_NOW, isLeased: true, value: undefined },
      record: { claims: { sub: 'alice' } },
    });
  });

  it('prefers the record under the key of the first secret', async () => {
    const { read, reply, oldKey } = create([NEW, OLD]);
    reply({ ...ALICE, response: { active: true, sub: 'bob' } }, oldKey);
    reply(ALICE);
    expect((await read(TOKEN))?.record).toMatchObject({ claims: { sub: 'alice' } });
  });

  it.each([undefined, null, 'text', 7])(
    'fails if the store returns %j, and the store gets no commands then',
    async (bad) => {
      const { read, replies, reads, oldKey } = create([NEW, OLD]);
      replies.set(oldKey, bad);
      expect(await read(TOKEN)).toBeUndefined();
      expect(await read(TOKEN)).toBeUndefined();
      expect(reads).toHaveLength(2);
    },
  );
});

describe('a write to the store', () => {
  const TIME = { now: STORE_NOW, repliedAt: 1000 };

  it.each([
    ['active', activeRecord({ sub: 'alice' }), { active: true, scope: '', sub: 'alice' }, 60_000],
    ['inactive', inactiveRecord(), { active: false }, 5000],
  ])('has an encrypted entry that expires with a record that is %s', async (_name, record, response, lifetimeMs) => {
    const { save, writes, key, cipher } = create();
    await save(TOKEN, { ...record, logPosition: '7' }, TIME);
    const [[writtenKey, leaseId, entry]] = writes as [[string, string, StoredEntry]];
    expect([writtenKey, leaseId, entry.expiresAt]).toEqual([key, '', STORE_NOW + lifetimeMs]);
    expect(JSON.parse(cipher.decrypt(TOKEN, key, entry.value) ?? '')).toEqual({
      ...{ response, asked: STORE_NOW, logPosition: '7' },
    });
  });

  it('is dated by the clock of the store, and never too late', async () => {
    const { save, writes, clock, key, cipher } = create();
    clock.advance(2);
    await save(TOKEN, activeRecord(), { now: STORE_NOW, repliedAt: 1500.5 });
    const [[, , entry]] = writes as [[string, string, StoredEntry]];
    const { asked, logPosition } = JSON.parse(cipher.decrypt(TOKEN, key, entry.value) ?? '');
    expect([asked, logPosition, entry.expiresAt]).toEqual([STORE_NOW - 501, '', STORE_NOW - 501 + 60_000]);
  });

  it.each<[string, number, boolean]>([
    ['1 millisecond', 59.999, true],
    ['less than 1 millisecond', 59.9991, false],
    ['no time', 60, false],
  ])('needs a record that has %s left', async (_name, seconds, isWritten) => {
    const { save, writes, clock } = create();
    clock.advance(seconds);
    await save(TOKEN, activeRecord(), TIME);
    expect(writes).toHaveLength(isWritten ? 1 : 0);
  });

  it.each<[string, Parameters<ReturnType<typeof create>['save']>]>([
    ['no record', [TOKEN, undefined, TIME]],
    ['no time of the store', [TOKEN, activeRecord(), undefined]],
    ['a claim that is not JSON', [TOKEN, activeRecord({ big: 1n }), TIME]],
  ])('is not sent with %s, unless there is a lease to release', async (_name, [token, record, time]) => {
    const { save, writes, key } = create();
    await save(token, record, time);
    expect(writes).toEqual([]);
    await save(token, record, time, 'lease');
    expect(writes).toEqual([[key, 'lease', undefined]]);
  });

  it('goes only to the key of the first secret', async () => {
    const { save, writes, key } = create([NEW, OLD]);
    await save(TOKEN, activeRecord(), TIME, 'lease');
    expect(writes.map(([writtenKey, leaseId]) => [writtenKey, leaseId])).toEqual([[key, 'lease']]);
  });
});
