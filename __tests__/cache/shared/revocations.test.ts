import { createEntryCipher } from '../../../lib/cache/shared/entry-cipher.js';
import { openRevocationLog, UNCONFIRMED_MS } from '../../../lib/cache/shared/revocation-log.js';
import { createRevocations } from '../../../lib/cache/shared/revocations.js';
import { readClock } from '../../../lib/core/clock.js';
import type { ActiveRecord, TokenRecord } from '../../../lib/core/lookup.js';
import { tokenDigest } from '../../../lib/core/token-digest.js';
import type { CacheStore, LogReader } from '../../../lib/index.js';
import { createClock } from '../../support/clock.js';
import { createDeferred } from '../../support/deferred.js';
import { activeRecord, inactiveRecord } from '../../support/records.js';
import { createSharedMemory } from '../../support/shared-memory.js';
import { until } from '../../support/until.js';

const KEEP_MS = 60_000;
const TOKEN_DIGEST = tokenDigest('token');
const cipher = createEntryCipher(['s'.repeat(32)], 'scope');
const digest = (kind: string, value: string) => cipher.digestsOf(kind, value)[0] as string;

function start(timeoutMs = 0) {
  const clock = createClock();
  const readers: LogReader[] = [];
  const appended: { entry: string; keepMs: number; reply: ReturnType<typeof createDeferred<string>> }[] = [];
  let stopped = 0;
  const store: CacheStore = {
    ...createSharedMemory().connect(),
    append(entry, keepMs) {
      const reply = createDeferred<string>();
      appended.push({ entry, keepMs, reply });
      return reply.promise;
    },
    follow(reader) {
      readers.push(reader);
      return async () => void stopped++;
    },
  };
  const log = openRevocationLog(store, clock, KEEP_MS);
  const revocations = createRevocations({ store, log, cipher, keepMs: KEEP_MS, timeoutMs });
  const reader = readers[0] as LogReader;
  /** A record whose request is sent now. */
  const recordOfNow = (claims: Record<string, unknown> = {}, logPosition?: string): TokenRecord => ({
    ...activeRecord(claims, { askedAt: clock.now(), askedMonotonic: clock.monotonic() }),
    ...(logPosition !== undefined && { logPosition }),
  });
  const read = (position: string, entry: string) => reader.onEntries([{ position, entry }]);
  const allows = (record: TokenRecord) => revocations.allows(TOKEN_DIGEST, record, readClock(clock));
  return { clock, store, revocations, reader, readers, appended, recordOfNow, read, allows, stopped: () => stopped };
}

describe('a revocation that is read from the log', () => {
  it.each(['sub', 'sid', 'client_id', 'jti'] as const)(
    'revokes records with that %s whose requests were sent before it',
    (name) => {
      const { read, recordOfNow, revocations } = start();
      read('2', digest(name, 'x'));
      expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ [name]: 'x' }, '1'))).toBe(true);
      expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ [name]: 'x' }, '2'))).toBe(false);
      expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ [name]: 'y' }, '1'))).toBe(false);
      expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ username: 'x' }, '1'))).toBe(false);
      expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ [name]: ['x'] }, '1'))).toBe(false);
    },
  );

  it('revokes the active and the inactive record of its token, and no other', () => {
    const { read, revocations, recordOfNow } = start();
    read('2', digest('token', TOKEN_DIGEST));
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({}, '1'))).toBe(true);
    expect(revocations.revokes(TOKEN_DIGEST, { ...inactiveRecord(), logPosition: '1' })).toBe(true);
    expect(revocations.revokes(tokenDigest('other'), recordOfNow({}, '1'))).toBe(false);
  });

  it('revokes a record without a log position', () => {
    const { read, revocations, recordOfNow } = start();
    read('2', digest('sub', 'alice'));
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }))).toBe(true);
  });

  it('advances the position of the log', () => {
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

  it('counts at its latest position, even when an earlier entry is read again', () => {
    const { read, revocations, recordOfNow } = start();
    read('2', digest('sub', 'alice'));
    read('5', digest('sub', 'alice'));
    read('2', digest('sub', 'alice'));
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '4'))).toBe(true);
  });

  it('is kept for keepMs, while an earlier response may be in use, and then dropped', () => {
    const { read, reader, revocations, recordOfNow, clock } = start();
    const record = recordOfNow({ sub: 'alice' }, '1');
    read('2', digest('sub', 'alice'));
    clock.advance(KEEP_MS / 1000);
    reader.onCaughtUp(performance.now());
    expect(revocations.revokes(TOKEN_DIGEST, record)).toBe(true);
    clock.advance(0.001);
    reader.onCaughtUp(performance.now());
    expect(revocations.revokes(TOKEN_DIGEST, record)).toBe(false);
  });
});

describe('revoke', () => {
  it('revokes records at once in this process, before the store has replied', async () => {
    const { revocations, appended, recordOfNow, read } = start();
    read('7', 'other');
    const revoking = revocations.revoke('sub', 'alice');
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '7'))).toBe(true);
    expect(appended.map(({ entry, keepMs }) => [entry, keepMs])).toEqual([[digest('sub', 'alice'), KEEP_MS]]);
    appended[0]?.reply.resolve('8');
    await revoking;
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '7'))).toBe(true);
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '8'))).toBe(false);
  });

  it('rejects when the store fails, and still revokes earlier records in this process', async () => {
    const { revocations, appended, recordOfNow, clock } = start();
    const before = recordOfNow({ sub: 'alice' }, '9');
    const revoking = revocations.revoke('sub', 'alice');
    appended[0]?.reply.reject(new Error('no connection'));
    await expect(revoking).rejects.toThrow('no connection');
    expect(revocations.revokes(TOKEN_DIGEST, before)).toBe(true);
    clock.advance(0.001);
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '9'))).toBe(false);
  });

  it.each([undefined, null, '', 8])('rejects when the store returns %p as its position', async (position) => {
    const { revocations, appended, recordOfNow } = start();
    const before = recordOfNow({ sub: 'alice' }, '9');
    const revoking = revocations.revoke('sub', 'alice');
    appended[0]?.reply.resolve(position as string);
    await expect(revoking).rejects.toThrow('no position');
    expect(revocations.revokes(TOKEN_DIGEST, before)).toBe(true);
  });

  it('retries until the deadline', async () => {
    const { revocations, appended, recordOfNow } = start(10_000);
    const revoking = revocations.revoke('sub', 'alice');
    appended[0]?.reply.reject(new Error('no connection'));
    await until(() => appended.length === 2);
    appended[1]?.reply.reject(new Error('no connection'));
    await until(() => appended.length === 3);
    appended[2]?.reply.resolve('8');
    await revoking;
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '7'))).toBe(true);
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '8'))).toBe(false);
  });

  it('counts at its position in the log when the store has appended it and failed to reply', async () => {
    const { revocations, appended, recordOfNow, read, clock } = start();
    const revoking = revocations.revoke('sub', 'alice');
    appended[0]?.reply.reject(new Error('too late'));
    await expect(revoking).rejects.toThrow('too late');
    clock.advance(1);
    const between = recordOfNow({ sub: 'alice' }, '7');
    read('8', digest('sub', 'alice'));
    expect(revocations.revokes(TOKEN_DIGEST, between)).toBe(true);
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '8'))).toBe(false);
  });

  it('does not undo a later revocation of the same claim that is not appended yet', async () => {
    const { revocations, appended, recordOfNow, clock } = start();
    const first = revocations.revoke('sub', 'alice');
    clock.advance(1);
    const between = recordOfNow({ sub: 'alice' }, '8');
    revocations.revoke('sub', 'alice');
    appended[0]?.reply.resolve('8');
    await first;
    expect(revocations.revokes(TOKEN_DIGEST, between)).toBe(true);
    appended[1]?.reply.resolve('9');
  });
});

describe('a revocation that was appended before the log was first read', () => {
  it('applies to records of before, and to no later ones of this log', async () => {
    const { revocations, appended, recordOfNow, reader, read, clock } = start();
    const revoking = revocations.revoke('sub', 'alice');
    appended[0]?.reply.resolve('2');
    await revoking;
    reader.onStart('0');
    read('2', digest('sub', 'alice'));
    read('3', 'other');
    clock.advance(1);
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '0\n1'))).toBe(true);
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '0\n3'))).toBe(false);
  });
});

describe('allows', () => {
  it('is true for 5 seconds after the request when the log was never read to its end', () => {
    const { allows, recordOfNow, clock } = start();
    const record = recordOfNow();
    clock.advance(UNCONFIRMED_MS / 1000);
    expect(allows(record)).toBe(true);
    clock.advance(0.001);
    expect(allows(record)).toBe(false);
  });

  it('is true for 5 seconds after the log was last read to its end', () => {
    const { allows, recordOfNow, clock, reader } = start();
    const record = recordOfNow();
    for (let times = 0; times < 5; times++) {
      clock.advance(4);
      reader.onCaughtUp(performance.now());
      expect(allows(record)).toBe(true);
    }
    clock.advance(UNCONFIRMED_MS / 1000 + 0.5);
    expect(allows(record)).toBe(false);
  });

  it('counts those 5 seconds from `askedAt`, and ignores an earlier `askedAt` than before', () => {
    const { allows, recordOfNow, clock, reader } = start();
    reader.onCaughtUp(performance.now());
    const record = recordOfNow();
    clock.advance(20);
    reader.onCaughtUp(performance.now() - 4000);
    expect(allows(record)).toBe(true);
    reader.onCaughtUp(performance.now() - 60_000);
    expect(allows(record)).toBe(true);
    clock.advance(1.1);
    expect(allows(record)).toBe(false);
  });

  it('is false for a revoked record, and for a log position that was not read yet', () => {
    const { allows, recordOfNow, read, reader } = start();
    reader.onCaughtUp(performance.now());
    read('2', digest('sub', 'alice'));
    expect(allows(recordOfNow({ sub: 'alice' }, '1'))).toBe(false);
    expect(allows(recordOfNow({ sub: 'bob' }, '1'))).toBe(true);
    expect(allows(recordOfNow({ sub: 'bob' }, '3'))).toBe(false);
  });

  it('is false for records from before a log was lost, and true for later ones', () => {
    const { allows, recordOfNow, clock, reader, read, revocations } = start();
    reader.onStart('1');
    read('5', 'other');
    const before = recordOfNow({}, '1\n5');
    clock.advance(0.001);
    reader.onStart('3');
    expect(revocations.position()).toBe('3\n3');
    const after = recordOfNow({}, '3\n3');
    reader.onCaughtUp(performance.now());
    expect([allows(before), allows(after)]).toEqual([false, true]);
  });

  it('is false for a record with a position of a log that was lost, however far the new log has come', () => {
    const { allows, recordOfNow, clock, reader, read, revocations } = start();
    reader.onStart('100');
    read('200', 'other');
    const lostPosition = revocations.position();
    // The store of the new log has an earlier clock.
    reader.onStart('150');
    reader.onCaughtUp(performance.now());
    clock.advance(1);
    // Another process has not noticed the loss when it asks the endpoint.
    const record = recordOfNow({ sub: 'alice' }, lostPosition);
    expect(allows(record)).toBe(false);
    read('160', digest('sub', 'alice'));
    for (const position of ['201', '301']) {
      read(position, 'other');
      reader.onCaughtUp(performance.now());
      expect(allows(record)).toBe(false);
    }
    expect(allows(recordOfNow({ sub: 'alice' }, revocations.position()))).toBe(true);
  });

  it('still revokes what was revoked before the log was lost', () => {
    const { revocations, recordOfNow, reader, read } = start();
    reader.onStart('1');
    read('5', digest('sub', 'alice'));
    reader.onStart('6');
    expect(revocations.revokes(TOKEN_DIGEST, recordOfNow({ sub: 'alice' }, '1\n4'))).toBe(true);
  });
});

describe('openRevocationLog', () => {
  it('is current for 5 seconds after it was read to its end, until it is lost', () => {
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

  it('follows the log until it is closed', async () => {
    const { revocations, stopped } = start();
    expect(stopped()).toBe(0);
    await revocations.close();
    expect(stopped()).toBe(1);
  });

  it('follows the log once for all users of a store, until the last has closed it', async () => {
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

  it('does not cover a record whose request was sent before the log was first read', () => {
    const { allows, recordOfNow, revocations, reader } = start();
    const unread = recordOfNow({}, revocations.position());
    expect(allows(unread)).toBe(true);
    reader.onStart('1');
    reader.onCaughtUp(performance.now());
    expect([allows(unread), allows(recordOfNow({}, revocations.position()))]).toEqual([false, true]);
  });

  it('does not cover a record of another process whose request was sent before this log began', () => {
    const { allows, recordOfNow, reader, read } = start();
    reader.onStart('3');
    read('5', 'other');
    reader.onCaughtUp(performance.now());
    const isAllowed = (position: string) => allows(recordOfNow({}, position));
    expect(['3\n3', '3\n5', '3\n6'].map(isAllowed)).toEqual([true, true, false]);
    expect(['', '4', '2\n4', '1\n3\n4'].map(isAllowed)).toEqual([false, false, false, false]);
  });
});

describe('RevocationLog.watch', () => {
  it('calls a listener once for each time it was added, and removes each separately', async () => {
    const { store, clock, read } = start();
    const log = openRevocationLog(store, clock, KEEP_MS);
    const revoked: string[] = [];
    const listener = (digest: string) => void revoked.push(digest);
    const stops = [log.watch(listener), log.watch(listener)];
    read('1', 'a');
    expect(revoked).toEqual(['a', 'a']);
    stops[1]?.();
    stops[1]?.();
    read('2', 'b');
    expect(revoked).toEqual(['a', 'a', 'b']);
    stops[0]?.();
    read('3', 'a');
    expect(revoked).toHaveLength(3);
    await log.close();
  });
});

describe('Revocations.watch', () => {
  function createWatcher(record: TokenRecord) {
    const reasons: string[] = [];
    return {
      digest: TOKEN_DIGEST,
      record: record as ActiveRecord,
      reasons,
      onInvalidated: (reason: string) => void reasons.push(reason),
      calls: () => reasons.length,
    };
  }

  it('calls every watcher of a revoked claim, and no others, until it is removed', () => {
    const { revocations, recordOfNow, read } = start();
    const [one, two, other] = ['alice', 'alice', 'bob'].map((sub) => createWatcher(recordOfNow({ sub })));
    if (one === undefined || two === undefined || other === undefined) throw new Error('There are three');
    for (const watcher of [one, two, other]) revocations.watch(watcher);
    read('1', digest('sub', 'alice'));
    expect([one.reasons, two.reasons, other.reasons]).toEqual([['forgotten'], ['forgotten'], []]);
    revocations.unwatch(one);
    read('2', digest('sub', 'alice'));
    expect([one.calls(), two.calls(), other.calls()]).toEqual([1, 2, 0]);
  });

  it('calls no watcher for a revocation that came before its record and is read again', () => {
    const { revocations, recordOfNow, read, reader } = start();
    reader.onStart('0');
    read('5', digest('sub', 'alice'));
    const watcher = createWatcher(recordOfNow({ sub: 'alice' }, revocations.position()));
    revocations.watch(watcher);
    read('5', digest('sub', 'alice'));
    expect(watcher.calls()).toBe(0);
    read('6', digest('sub', 'alice'));
    expect(watcher.calls()).toBe(1);
  });

  it.each(['error', 'newListener', 'removeListener', '__proto__'])(
    'reads the log although another program wrote %p to it',
    (entry) => {
      const { revocations, recordOfNow, read } = start();
      const watcher = createWatcher(recordOfNow());
      revocations.watch(watcher);
      read('1', entry);
      expect([revocations.position(), watcher.calls()]).toEqual(['1', 0]);
    },
  );
});

it('accepts a store that calls the reader before `follow` returns', async () => {
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

describe('a reply of the log', () => {
  it('that arrives after the machine was suspended does not confirm that the log was read since then', () => {
    const { reader, revocations, clock } = start();
    reader.onStart('1');
    reader.onCaughtUp(performance.now());
    expect(revocations.isCurrent()).toBe(true);
    clock.advance(1);
    const askedAt = performance.now();
    // The wall clock continues while a machine is suspended, and the monotonic clock does not.
    clock.step(60);
    reader.onCaughtUp(askedAt);
    expect(revocations.isCurrent()).toBe(false);
    clock.advance(1);
    reader.onCaughtUp(performance.now());
    expect(revocations.isCurrent()).toBe(true);
  });
});
