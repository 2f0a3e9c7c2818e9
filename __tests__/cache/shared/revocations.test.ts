import { createEntryCipher } from '../../../lib/cache/shared/entry-cipher.js';
import { openRevocationLog, UNCONFIRMED_MS } from '../../../lib/cache/shared/revocation-log.js';
import { createRevocations } from '../../../lib/cache/shared/revocations.js';
import { readClock } from '../../../lib/core/clock.js';
import type { TokenRecord } from '../../../lib/core/lookup.js';
import { tokenDigest } from '../../../lib/core/token-digest.js';
import type { CacheStore, LogReader } from '../../../lib/index.js';
import { createClock } from '../../support/clock.js';
import { createDeferred } from '../../support/deferred.js';
import { activeRecord, inactiveRecord } from '../../support/records.js';
import { createSharedMemory } from '../../support/shared-memory.js';
import { until } from '../../support/until.js';

const KEEP_MS = 60_000;
const KEY = tokenDigest('token');
const seal = createEntryCipher(['s'.repeat(32)], 'scope');
const digest = (kind: string, value: string) => seal.digestsOf(kind, value)[0] as string;

function start(timeoutMs = 0) {
  const clock = createClock();
  const readers: LogReader[] = [];
  const appended: { entry: string; keepMs: number; at: ReturnType<typeof createDeferred<string>> }[] = [];
  let stopped = 0;
  const store: CacheStore = {
    ...createSharedMemory().connect(),
    append(entry, keepMs) {
      const at = createDeferred<string>();
      appended.push({ entry, keepMs, at });
      return at.promise;
    },
    follow(each) {
      readers.push(each);
      return async () => void stopped++;
    },
  };
  const log = openRevocationLog(store, clock, KEEP_MS);
  const revocations = createRevocations({ store, log, cipher: seal, keepMs: KEEP_MS, timeoutMs });
  const reader = readers[0] as LogReader;
  const dated = (claims: Record<string, unknown> = {}, mark?: string): TokenRecord => ({
    ...activeRecord(claims, { askedAt: clock.now(), askedMonotonic: clock.monotonic() }),
    ...(mark !== undefined && { logPosition: mark }),
  });
  const read = (position: string, entry: string) => reader.onEntries([{ position, entry }]);
  const allows = (record: TokenRecord) => revocations.allows(KEY, record, readClock(clock));
  return { clock, store, revocations, reader, readers, appended, dated, read, allows, stopped: () => stopped };
}

describe('what is read from the log', () => {
  it.each(['sub', 'sid', 'client_id', 'jti'] as const)('revokes what was asked before and has that %s', (name) => {
    const { read, dated, revocations } = start();
    read('2', digest(name, 'x'));
    expect(revocations.revokes(KEY, dated({ [name]: 'x' }, '1'))).toBe(true);
    expect(revocations.revokes(KEY, dated({ [name]: 'x' }, '2'))).toBe(false);
    expect(revocations.revokes(KEY, dated({ [name]: 'y' }, '1'))).toBe(false);
    expect(revocations.revokes(KEY, dated({ username: 'x' }, '1'))).toBe(false);
    expect(revocations.revokes(KEY, dated({ [name]: ['x'] }, '1'))).toBe(false);
  });

  it('revokes a token, be its answer active or not, and no other', () => {
    const { read, revocations, dated } = start();
    read('2', digest('token', KEY));
    expect(revocations.revokes(KEY, dated({}, '1'))).toBe(true);
    expect(revocations.revokes(KEY, { ...inactiveRecord(), logPosition: '1' })).toBe(true);
    expect(revocations.revokes(tokenDigest('other'), dated({}, '1'))).toBe(false);
  });

  it('revokes what bears no mark', () => {
    const { read, revocations, dated } = start();
    read('2', digest('sub', 'alice'));
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }))).toBe(true);
  });

  it('moves the position, which marks what is asked next', () => {
    const { revocations, reader } = start();
    expect(revocations.position()).toBe('');
    reader.onEntries([
      { position: '1', entry: 'a' },
      { position: '3', entry: 'b' },
    ]);
    expect(revocations.position()).toBe('3');
    reader.onEntries([]);
    expect(revocations.position()).toBe('3');
  });

  it('counts by the last time it was revoked, though an earlier one be read again', () => {
    const { read, revocations, dated } = start();
    read('2', digest('sub', 'alice'));
    read('5', digest('sub', 'alice'));
    read('2', digest('sub', 'alice'));
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '4'))).toBe(true);
  });

  it('is forgotten once no answer of before can be in use, and not sooner', () => {
    const { read, reader, revocations, dated, clock } = start();
    const record = dated({ sub: 'alice' }, '1');
    read('2', digest('sub', 'alice'));
    clock.advance(KEEP_MS / 1000);
    reader.onCaughtUp(performance.now());
    expect(revocations.revokes(KEY, record)).toBe(true);
    clock.advance(0.001);
    reader.onCaughtUp(performance.now());
    expect(revocations.revokes(KEY, record)).toBe(false);
  });
});

describe('a revocation of one’s own', () => {
  it('counts at once, before the store knows, for all that was asked so far', async () => {
    const { revocations, appended, dated, read } = start();
    read('7', 'other');
    const told = revocations.revoke('sub', 'alice');
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '7'))).toBe(true);
    expect(appended.map(({ entry, keepMs }) => [entry, keepMs])).toEqual([[digest('sub', 'alice'), KEEP_MS]]);
    appended[0]?.at.resolve('8');
    await told;
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '7'))).toBe(true);
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '8'))).toBe(false);
  });

  it('rejects when the store fails, and counts in this process for all that was asked before it', async () => {
    const { revocations, appended, dated, clock } = start();
    const before = dated({ sub: 'alice' }, '9');
    const told = revocations.revoke('sub', 'alice');
    appended[0]?.at.reject(new Error('no connection'));
    await expect(told).rejects.toThrow('no connection');
    expect(revocations.revokes(KEY, before)).toBe(true);
    clock.advance(0.001);
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '9'))).toBe(false);
  });

  it('that fails is tried again until the deadline', async () => {
    const { revocations, appended, dated } = start(10_000);
    const told = revocations.revoke('sub', 'alice');
    appended[0]?.at.reject(new Error('no connection'));
    await until(() => appended.length === 2);
    appended[1]?.at.reject(new Error('no connection'));
    await until(() => appended.length === 3);
    appended[2]?.at.resolve('8');
    await told;
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '7'))).toBe(true);
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '8'))).toBe(false);
  });

  it('that did arrive though it failed counts at its position once that is read', async () => {
    const { revocations, appended, dated, read, clock } = start();
    const told = revocations.revoke('sub', 'alice');
    appended[0]?.at.reject(new Error('too late'));
    await expect(told).rejects.toThrow('too late');
    clock.advance(1);
    const between = dated({ sub: 'alice' }, '7');
    read('8', digest('sub', 'alice'));
    expect(revocations.revokes(KEY, between)).toBe(true);
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '8'))).toBe(false);
  });

  it('does not undo a later one of the same that has not arrived yet', async () => {
    const { revocations, appended, dated, clock } = start();
    const first = revocations.revoke('sub', 'alice');
    clock.advance(1);
    const between = dated({ sub: 'alice' }, '8');
    revocations.revoke('sub', 'alice');
    appended[0]?.at.resolve('8');
    await first;
    expect(revocations.revokes(KEY, between)).toBe(true);
    appended[1]?.at.resolve('9');
  });
});

describe('memory', () => {
  it('is relied on for as long after the question as the log may be unconfirmed', () => {
    const { allows, dated, clock } = start();
    const record = dated();
    clock.advance(UNCONFIRMED_MS / 1000);
    expect(allows(record)).toBe(true);
    clock.advance(0.001);
    expect(allows(record)).toBe(false);
  });

  it('is relied on for as long after each confirmation', () => {
    const { allows, dated, clock, reader } = start();
    const record = dated();
    for (let times = 0; times < 5; times++) {
      clock.advance(4);
      reader.onCaughtUp(performance.now());
      expect(allows(record)).toBe(true);
    }
    clock.advance(UNCONFIRMED_MS / 1000 + 0.5);
    expect(allows(record)).toBe(false);
  });

  it('counts a confirmation from when it was asked for, and none that is older than the last', () => {
    const { allows, dated, clock, reader } = start();
    reader.onCaughtUp(performance.now());
    const record = dated();
    clock.advance(20);
    reader.onCaughtUp(performance.now() - 4000);
    expect(allows(record)).toBe(true);
    reader.onCaughtUp(performance.now() - 60_000);
    expect(allows(record)).toBe(true);
    clock.advance(1.1);
    expect(allows(record)).toBe(false);
  });

  it('is not relied on for what is revoked, nor for a mark that was not read', () => {
    const { allows, dated, read, reader } = start();
    reader.onCaughtUp(performance.now());
    read('2', digest('sub', 'alice'));
    expect(allows(dated({ sub: 'alice' }, '1'))).toBe(false);
    expect(allows(dated({ sub: 'bob' }, '1'))).toBe(true);
    expect(allows(dated({ sub: 'bob' }, '3'))).toBe(false);
  });

  it('of before is not relied on once the log was lost; of after it is', () => {
    const { allows, dated, clock, reader, read, revocations } = start();
    reader.onStart('1');
    read('5', 'other');
    const before = dated({}, '5');
    clock.advance(0.001);
    reader.onStart('3');
    expect(revocations.position()).toBe('3');
    const after = dated({}, '3');
    reader.onCaughtUp(performance.now());
    expect([allows(before), allows(after)]).toEqual([false, true]);
  });

  it('keeps what was revoked though the log was lost', () => {
    const { revocations, dated, reader, read } = start();
    reader.onStart('1');
    read('5', digest('sub', 'alice'));
    reader.onStart('6');
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '4'))).toBe(true);
  });
});

describe('the log', () => {
  it('is current once it was read to its end, while that is confirmed, until it is lost', () => {
    const { revocations, reader, clock } = start();
    expect(revocations.isCurrent()).toBe(false);
    reader.onCaughtUp(performance.now());
    expect(revocations.isCurrent()).toBe(true);
    clock.advance(UNCONFIRMED_MS / 1000 + 0.001);
    expect(revocations.isCurrent()).toBe(false);
    reader.onCaughtUp(performance.now());
    expect(revocations.isCurrent()).toBe(true);
    reader.onStart('0');
    expect(revocations.isCurrent()).toBe(false);
  });

  it('is read until it is closed', async () => {
    const { revocations, stopped } = start();
    expect(stopped()).toBe(0);
    await revocations.close();
    expect(stopped()).toBe(1);
  });

  it('is followed once for all that use one store, until the last has closed it', async () => {
    const { revocations, stopped, store, clock, read, readers } = start();
    const log = openRevocationLog(store, clock, KEEP_MS);
    expect(readers).toHaveLength(1);
    read('3', 'a');
    expect(log.position()).toBe('3');
    await Promise.all([revocations.close(), revocations.close()]);
    expect(stopped()).toBe(0);
    await log.close();
    expect(stopped()).toBe(1);
    await openRevocationLog(store, clock, KEEP_MS).close();
    expect([readers.length, stopped()]).toEqual([2, 2]);
  });

  it('is not known to cover what this process asked for before it read the log first', () => {
    const { allows, dated, revocations, reader } = start();
    const unread = dated({}, revocations.position());
    expect(allows(unread)).toBe(true);
    reader.onStart('1');
    reader.onCaughtUp(performance.now());
    expect([allows(unread), allows(dated({}, revocations.position()))]).toEqual([false, true]);
  });

  it('covers no response of another process that asked before this log began', () => {
    const { allows, dated, reader, read } = start();
    reader.onStart('3');
    read('5', 'other');
    reader.onCaughtUp(performance.now());
    expect(['2', '3', '5', '6'].map((mark) => allows(dated({}, mark)))).toEqual([false, true, true, false]);
  });
});

describe('RevocationLog.watch', () => {
  it('calls a listener once for each time it was added, and removes each separately, however often', async () => {
    const { store, clock, read } = start();
    const log = openRevocationLog(store, clock, KEEP_MS);
    let calls = 0;
    const listener = () => void calls++;
    const stops = [log.watch(['a', 'a', 'b'], listener), log.watch(['a'], listener)];
    read('1', 'a');
    expect(calls).toBe(2);
    stops[1]?.();
    stops[1]?.();
    read('2', 'a');
    read('3', 'b');
    expect(calls).toBe(4);
    stops[0]?.();
    read('4', 'a');
    expect(calls).toBe(4);
    await log.close();
  });

  it.each(['error', 'newListener', 'removeListener', '__proto__'])(
    'reads the log although somebody wrote %p to it, and tells only those who watch it',
    async (entry) => {
      const { store, clock, read } = start();
      const log = openRevocationLog(store, clock, KEEP_MS);
      let calls = 0;
      const stop = log.watch(['a'], () => void calls++);
      read('1', entry);
      expect([log.position(), calls]).toEqual(['1', 0]);
      log.watch([entry], () => void calls++);
      read('2', entry);
      expect(calls).toBe(1);
      stop();
      expect(calls).toBe(1);
      await log.close();
    },
  );

  it('takes hundreds of listeners for one digest without a warning', async () => {
    const { store, clock, read } = start();
    const log = openRevocationLog(store, clock, KEEP_MS);
    const warn = jest.spyOn(process, 'emitWarning');
    let calls = 0;
    for (let count = 0; count < 500; count++) log.watch(['a'], () => void calls++);
    read('1', 'a');
    expect([calls, warn.mock.calls]).toEqual([500, []]);
    warn.mockRestore();
    await log.close();
  });
});

it('follows a store that reports at once that its log has been read', async () => {
  const store = {
    follow(reader: LogReader) {
      reader.onEntries([]);
      reader.onCaughtUp(performance.now());
      return async () => {};
    },
  } as unknown as CacheStore;
  const log = openRevocationLog(store, createClock(), KEEP_MS);
  expect(log.isCurrent()).toBe(true);
  await log.close();
});
