import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { openRevocationLog } from '../../../lib/cache/shared/revocation-log.js';
import { type Clock, readClock } from '../../../lib/core/clock.js';
import type { CacheStore, LogReader } from '../../../lib/index.js';
import { createClock } from '../../support/clock.js';
import { activeRecord } from '../../support/records.js';

const KEEP_MS = 60_000;
const CHANNEL = 'express-token-introspection:store';

const states: unknown[] = [];
const listener = (message: unknown) => void states.push((message as { state: unknown }).state);

beforeEach(() => {
  states.splice(0);
  subscribe(CHANNEL, listener);
});

afterEach(() => {
  unsubscribe(CHANNEL, listener);
  jest.useRealTimers();
});

/** A store whose readers a test calls. */
function createStore() {
  const readers: LogReader[] = [];
  let stopped = 0;
  const store = {
    follow(reader: LogReader) {
      readers.push(reader);
      return async () => void stopped++;
    },
  } as unknown as CacheStore;
  return { store, readers, stopped: () => stopped };
}

function open(clock: Clock = createClock(), keepMs = KEEP_MS) {
  const { store, readers, stopped } = createStore();
  const log = openRevocationLog(store, clock, keepMs);
  const reader = readers[0] as LogReader;
  const read = (position: string, ...entries: string[]) =>
    reader.onEntries(entries.map((entry) => ({ position, entry })));
  /** Whether the log revokes a record with this log position that has the digest `a`, and was requested at this time. */
  const revokes = (logPosition: string | undefined, askedMonotonic = 1000) =>
    log.revokes(() => ['a'], 'digest', { ...activeRecord({}, { askedAt: 0, askedMonotonic }), logPosition });
  return { ...{ store, readers, stopped, log, reader, read, revokes, clock } };
}

describe('the state of a store', () => {
  const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

  it('is failing when its log has not been read to its end for 5 seconds since the start', async () => {
    jest.useFakeTimers();
    // The process had been running before.
    jest.advanceTimersByTime(3000);
    const { log, reader } = open(clock);
    jest.advanceTimersByTime(4999);
    expect(states).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(states).toEqual(['failing']);
    reader.onCaughtUp(performance.now());
    expect(states).toEqual(['failing', 'ok']);
    jest.advanceTimersByTime(5000);
    expect(states).toEqual(['failing', 'ok']);
    jest.advanceTimersByTime(1000);
    expect(states).toEqual(['failing', 'ok', 'failing']);
    await log.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is failing when a reply of the log is older than 5 seconds', async () => {
    jest.useFakeTimers();
    const { log, reader } = open(clock);
    jest.advanceTimersByTime(6000);
    reader.onCaughtUp(0);
    expect([log.isCurrent(), states]).toEqual([false, ['failing']]);
    await log.close();
  });
});

describe('a revocation log', () => {
  it('is another one for another store, and for another clock', async () => {
    const { store, readers } = createStore();
    const clock = createClock();
    const logs = [clock, clock, createClock()].map((each) => openRevocationLog(store, each, KEEP_MS));
    expect(readers).toHaveLength(2);
    const other = createStore();
    logs.push(openRevocationLog(other.store, clock, KEEP_MS));
    expect(other.readers).toHaveLength(1);
    await Promise.all(logs.map(({ close }) => close()));
  });

  it('keeps revocations for the longest time that a user wants, whichever came first', () => {
    for (const times of [
      [1000, 5000],
      [5000, 1000],
    ] as const) {
      const { store, readers } = createStore();
      const clock = createClock();
      const [log] = times.map((keepMs) => openRevocationLog(store, clock, keepMs));
      readers[0]?.onEntries([{ position: '2', entry: 'a' }]);
      const revokes = () => {
        readers[0]?.onCaughtUp(performance.now());
        return log?.revokes(() => ['a'], 'digest', activeRecord());
      };
      clock.advance(5);
      expect(revokes()).toBe(true);
      clock.advance(0.001);
      expect(revokes()).toBe(false);
    }
  });

  it('forgets only revocations that are old enough', () => {
    const { log, clock, read, reader } = open(createClock());
    const { advance } = clock as ReturnType<typeof createClock>;
    const revokes = (digest: string) => log.revokes(() => [digest], 'digest', activeRecord());
    read('1', 'a');
    advance(1);
    read('2', 'b');
    advance(KEEP_MS / 1000 - 0.5);
    reader.onCaughtUp(performance.now());
    expect([revokes('a'), revokes('b')]).toEqual([false, true]);
  });

  it('keeps a revocation that is read again for the whole time again', () => {
    const { log, clock, read, reader } = open(createClock());
    const { advance } = clock as ReturnType<typeof createClock>;
    const revokes = (digest: string) => log.revokes(() => [digest], 'digest', activeRecord());
    read('1', 'a');
    read('2', 'b');
    advance(KEEP_MS / 1000);
    read('3', 'a');
    advance(1);
    reader.onCaughtUp(performance.now());
    expect([revokes('a'), revokes('b')]).toEqual([true, false]);
  });

  it('computes no digests while it knows no revocation', () => {
    const { log, read } = open();
    const digestsOf = jest.fn(() => ['a']);
    expect(log.revokes(digestsOf, 'digest', activeRecord())).toBe(false);
    expect(digestsOf).not.toHaveBeenCalled();
    read('1', 'b');
    expect(log.revokes(digestsOf, 'digest', activeRecord())).toBe(false);
    expect(digestsOf.mock.calls).toEqual([['digest', activeRecord()]]);
  });

  it('calls its listeners with every digest that is revoked', () => {
    const { log, read } = open();
    const digests: string[] = [];
    const stop = log.watch((digest) => void digests.push(digest));
    read('1', 'a', 'b');
    log.revokeHere('c')('2');
    stop();
    read('3', 'd');
    expect(digests).toEqual(['a', 'b', 'c', 'c']);
  });
});

describe('a revocation of this process', () => {
  it('revokes records that were requested before it, until its position is known', () => {
    const { log, clock, revokes } = open();
    const setPosition = log.revokeHere('a');
    const now = clock.monotonic();
    expect([revokes('9', now), revokes('9', now + 0.001)]).toEqual([true, false]);
    setPosition('5');
    expect([revokes('4', now), revokes('5', now)]).toEqual([true, false]);
  });

  it('does not end an earlier one at a later position', () => {
    const { log, read, revokes, clock } = open();
    read('7', 'a');
    log.revokeHere('a')('5');
    const now = clock.monotonic();
    expect([revokes('6', now), revokes('7', now)]).toEqual([true, false]);
  });

  it('keeps the later time of two that are not appended yet', () => {
    const { log, clock, revokes, read } = open(createClock());
    log.revokeHere('a');
    (clock as ReturnType<typeof createClock>).advance(1);
    log.revokeHere('a');
    const now = clock.monotonic();
    read('1', 'a');
    expect([revokes('9', now), revokes('9', now + 0.001)]).toEqual([true, false]);
  });

  it('from before the log was first read has a position of this log later', () => {
    const { log, reader, revokes, clock } = open();
    log.revokeHere('a')('5');
    log.revokeHere('b');
    reader.onStart('1');
    const now = clock.monotonic() + 1;
    expect([revokes('1\n4', now), revokes('1\n5', now)]).toEqual([true, false]);
    const hasB = (logPosition: string, askedMonotonic: number) =>
      log.revokes(() => ['b'], 'digest', { ...activeRecord({}, { askedAt: 0, askedMonotonic }), logPosition });
    expect([hasB('', now), hasB('', now - 1)]).toEqual([false, true]);
  });

  it('after the log was lost has a position of the new log', () => {
    const { log, reader, revokes } = open();
    reader.onStart('1');
    reader.onStart('3');
    log.revokeHere('a')('5');
    expect([revokes('1\n9'), revokes('3\n4'), revokes('3\n5')]).toEqual([true, true, false]);
  });
});

describe('a record', () => {
  it('that was requested when the log was lost is covered, and an earlier one is not', () => {
    const { log, reader, clock } = open(createClock());
    const now = () => readClock(clock);
    reader.onStart('1');
    reader.onStart('3');
    reader.onCaughtUp(performance.now());
    const at = (askedMonotonic: number) => ({
      ...activeRecord({}, { askedAt: clock.now(), askedMonotonic }),
      logPosition: '3\n3',
    });
    expect([at(clock.monotonic()), at(clock.monotonic() - 1)].map((record) => log.covers(record, now()))).toEqual([
      true,
      false,
    ]);
  });

  it('is covered for 5 seconds after its request although the log was never read to its end', () => {
    const { log, clock } = open(createClock());
    const record = activeRecord({}, { askedAt: clock.now(), askedMonotonic: clock.monotonic() });
    const { advance, step } = clock as ReturnType<typeof createClock>;
    advance(5);
    expect(log.covers(record, readClock(clock))).toBe(true);
    step(0.001);
    expect(log.covers(record, readClock(clock))).toBe(false);
  });
});

it('a reply that was sent later than the present one does not confirm a later time than now', () => {
  const { log, reader, clock } = open(createClock());
  reader.onCaughtUp(performance.now() + 60_000);
  (clock as ReturnType<typeof createClock>).advance(5.001);
  expect(log.isCurrent()).toBe(false);
});

it('a revocation counts at its position while the same log is read again from its beginning', () => {
  const { reader, read, revokes } = open();
  reader.onStart('1');
  read('5', 'a');
  reader.onStart('1');
  expect([revokes('1\n4'), revokes('1\n5')]).toEqual([true, false]);
});

describe('the time when the log was read to its end', () => {
  it('counts on the wall clock from the question, after the wall clock was set back', () => {
    const { log, reader, clock } = open(createClock());
    const { advance, step } = clock as ReturnType<typeof createClock>;
    reader.onCaughtUp(performance.now());
    advance(10);
    step(-60);
    reader.onCaughtUp(performance.now() - 4000);
    expect(log.isCurrent()).toBe(true);
    // The machine was suspended for 3 seconds.
    step(3);
    expect(log.isCurrent()).toBe(false);
  });

  it('is not later than the reply before, plus the time that the machine was awake since then', () => {
    const { log, reader, clock } = open(createClock());
    const { advance, step } = clock as ReturnType<typeof createClock>;
    reader.onCaughtUp(performance.now() + 1000);
    advance(1);
    step(5);
    reader.onCaughtUp(performance.now() + 1000);
    expect(log.isCurrent()).toBe(true);
    reader.onStart('1');
    advance(1);
    step(5.001);
    reader.onCaughtUp(performance.now() + 1000);
    expect(log.isCurrent()).toBe(false);
  });

  it('stays when another reply comes at the same moment', () => {
    const { log, reader, clock } = open(createClock());
    const { step } = clock as ReturnType<typeof createClock>;
    reader.onCaughtUp(performance.now() + 1000);
    step(-3);
    reader.onCaughtUp(performance.now() + 1000);
    step(8);
    expect(log.isCurrent()).toBe(true);
    step(0.001);
    expect(log.isCurrent()).toBe(false);
  });
});
