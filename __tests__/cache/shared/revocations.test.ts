import { createRevocations, UNCONFIRMED_MS } from '../../../lib/cache/shared/revocations.js';
import { createSeal } from '../../../lib/cache/shared/seal.js';
import type { CacheStore, LogReader } from '../../../lib/index.js';
import { tokenDigest } from '../../../lib/token-digest.js';
import { readClock, type TokenRecord } from '../../../lib/types.js';
import { createClock } from '../../support/clock.js';
import { createDeferred } from '../../support/deferred.js';
import { activeRecord, inactiveRecord } from '../../support/records.js';

const KEEP_MS = 60_000;
const KEY = tokenDigest('token');
const seal = createSeal(['s'.repeat(32)], 'scope');
const digest = (kind: string, value: string) => seal.digestsOf(kind, value)[0] as string;

function start() {
  const clock = createClock();
  const readers: LogReader[] = [];
  const appended: { entry: string; keepMs: number; at: ReturnType<typeof createDeferred<string>> }[] = [];
  let stopped = 0;
  const store: CacheStore = {
    get: async () => undefined,
    set: async () => true,
    append(entry, keepMs) {
      const at = createDeferred<string>();
      appended.push({ entry, keepMs, at });
      return at.promise;
    },
    tail(each) {
      readers.push(each);
      return async () => void stopped++;
    },
  };
  const revocations = createRevocations(store, seal, KEEP_MS, clock);
  const reader = readers[0] as LogReader;
  const dated = (claims: Record<string, unknown> = {}, mark?: string): TokenRecord => ({
    ...activeRecord(claims, { askedAt: clock.now(), askedMonotonic: clock.monotonic() }),
    ...(mark !== undefined && { mark }),
  });
  const read = (position: string, entry: string) => reader.read([{ position, entry }]);
  const allows = (record: TokenRecord) => revocations.allows(KEY, record, readClock(clock));
  return { clock, revocations, reader, appended, dated, read, allows, stopped: () => stopped };
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
    expect(revocations.revokes(KEY, { ...inactiveRecord(), mark: '1' })).toBe(true);
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
    reader.read([
      { position: '1', entry: 'a' },
      { position: '3', entry: 'b' },
    ]);
    expect(revocations.position()).toBe('3');
    reader.read([]);
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
    const { read, revocations, dated, clock } = start();
    const record = dated({ sub: 'alice' }, '1');
    read('2', digest('sub', 'alice'));
    clock.advance(KEEP_MS / 1000);
    read('3', 'other');
    expect(revocations.revokes(KEY, record)).toBe(true);
    clock.advance(0.001);
    read('4', 'other');
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

  it('rejects when the store fails, and counts here all the same', async () => {
    const { revocations, appended, dated } = start();
    const told = revocations.revoke('sub', 'alice');
    appended[0]?.at.reject(new Error('no connection'));
    await expect(told).rejects.toThrow('no connection');
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, '9'))).toBe(true);
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
      reader.confirm(performance.now());
      expect(allows(record)).toBe(true);
    }
    clock.advance(UNCONFIRMED_MS / 1000 + 0.5);
    expect(allows(record)).toBe(false);
  });

  it('counts a confirmation from when it was asked for, and none that is older than the last', () => {
    const { allows, dated, clock, reader } = start();
    const record = dated();
    clock.advance(20);
    reader.confirm(performance.now() - 4000);
    expect(allows(record)).toBe(true);
    reader.confirm(performance.now() - 60_000);
    expect(allows(record)).toBe(true);
    clock.advance(1.1);
    expect(allows(record)).toBe(false);
  });

  it('is not relied on for what is revoked, nor for a mark that was not read', () => {
    const { allows, dated, read, reader } = start();
    reader.confirm(performance.now());
    read('2', digest('sub', 'alice'));
    expect(allows(dated({ sub: 'alice' }, '1'))).toBe(false);
    expect(allows(dated({ sub: 'bob' }, '1'))).toBe(true);
    expect(allows(dated({ sub: 'bob' }, '3'))).toBe(false);
  });

  it('of before is not relied on once the log was lost; of after it is', () => {
    const { allows, dated, clock, reader, read, revocations } = start();
    read('5', 'other');
    const before = dated({}, '5');
    clock.advance(0.001);
    reader.lose();
    expect(revocations.position()).toBe('');
    const after = dated({}, '');
    reader.confirm(performance.now());
    expect([allows(before), allows(after)]).toEqual([false, true]);
  });

  it('keeps what was revoked though the log was lost', () => {
    const { revocations, dated, reader, read } = start();
    read('5', digest('sub', 'alice'));
    reader.lose();
    expect(revocations.revokes(KEY, dated({ sub: 'alice' }, ''))).toBe(true);
  });
});

describe('the log', () => {
  it('is current once it was read to its end, while that is confirmed, until it is lost', () => {
    const { revocations, reader, clock } = start();
    expect(revocations.isCurrent()).toBe(false);
    reader.confirm(performance.now());
    expect(revocations.isCurrent()).toBe(true);
    clock.advance(UNCONFIRMED_MS / 1000 + 0.001);
    expect(revocations.isCurrent()).toBe(false);
    reader.confirm(performance.now());
    expect(revocations.isCurrent()).toBe(true);
    reader.lose();
    expect(revocations.isCurrent()).toBe(false);
  });

  it('is read until it is closed', async () => {
    const { revocations, stopped } = start();
    expect(stopped()).toBe(0);
    await revocations.close();
    expect(stopped()).toBe(1);
  });
});
