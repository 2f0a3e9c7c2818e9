import { createReplayGuard, createReplayMemory } from '../../../lib/verification/sender/replay.js';
import { createClock } from '../../support/clock.js';
import { measureKeptBytes } from '../../support/kept-bytes.js';

describe('createReplayMemory', () => {
  it('accepts an identifier once until its time is over', async () => {
    const clock = createClock();
    const use = createReplayMemory(clock);
    expect(await use('a', 1000)).toBe(true);
    expect(await use('a', 1000)).toBe(false);
    expect(await use('b', 1000)).toBe(true);
    clock.advance(0.999);
    expect(await use('a', 1000)).toBe(false);
    clock.advance(0.001);
    expect(await use('a', 1000)).toBe(true);
    expect(await use('a', 1000)).toBe(false);
  });

  it('accepts all identifiers again whose time is over', async () => {
    const clock = createClock();
    const use = createReplayMemory(clock, 3);
    const ids = ['a', 'b', 'c'];
    for (const id of ids) expect(await use(id, 1000)).toBe(true);
    clock.advance(1);
    for (const id of ids) expect(await use(id, 1000)).toBe(true);
    for (const id of ids) expect(await use(id, 1000)).toBe(false);
  });

  it('keeps no memory for identifiers whose time is over', async () => {
    const clock = createClock();
    const use = createReplayMemory(clock);
    const keptBytes = await measureKeptBytes(async () => {
      for (let i = 0; i < 100_000; i++) {
        await use(String(i), 1);
        clock.advance(1);
      }
    });
    expect(await use('0', 1)).toBe(true);
    expect(keptBytes).toBeLessThan(3_000_000);
  });

  it('remembers an identifier until both clocks have passed its end', async () => {
    const clock = createClock();
    const use = createReplayMemory(clock);
    await use('a', 1000);
    clock.step(3600);
    expect(await use('a', 1000)).toBe(false);
    clock.step(-7200);
    clock.advance(1);
    expect(await use('a', 1000)).toBe(false);
    clock.advance(3600);
    expect(await use('a', 1000)).toBe(true);
  });

  it('remembers an identifier whose end the wall clock has not reached, because it was set back', async () => {
    const clock = createClock();
    const use = createReplayMemory(clock);
    await use('a', 1000);
    clock.step(-0.5);
    clock.advance(1);
    expect(await use('a', 1000)).toBe(false);
    clock.advance(0.5);
    expect(await use('a', 1000)).toBe(true);
  });

  it('accepts an identifier only once when 100 requests use it at the same time', async () => {
    const use = createReplayMemory(createClock());
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => use('a', 1000)));
    expect(verdicts.filter((verdict) => verdict)).toHaveLength(1);
  });

  it('rejects new identifiers when it is full, instead of forgetting one early', async () => {
    const clock = createClock();
    const use = createReplayMemory(clock, 3);
    for (let i = 0; i < 3; i++) expect(await use(String(i), 1000)).toBe(true);
    await expect(use('new', 1000)).rejects.toThrow('full');
    expect(await use('0', 1000)).toBe(false);
    clock.advance(1);
    expect(await use('new', 1000)).toBe(true);
  });
});

describe('createReplayGuard', () => {
  it('has a memory of its own: another guard still accepts proofs when it is full', async () => {
    const clock = createClock();
    const [one, other] = [createReplayGuard(clock, undefined, 3), createReplayGuard(clock, undefined, 3)];
    for (const guard of [one, other]) guard.keepFor(1000);
    const request = {};
    for (let i = 0; i < 3; i++) expect(await one.use(String(i), request)).toBe(true);
    await expect(one.use('new', {})).rejects.toThrow('full');
    expect(await other.use('new', {})).toBe(true);
  });

  it('accepts a proof again from the same request, in each memory by itself', async () => {
    const clock = createClock();
    const [one, other] = [createReplayGuard(clock, undefined), createReplayGuard(clock, undefined)];
    for (const guard of [one, other]) guard.keepFor(1000);
    const request = {};
    for (const guard of [one, one, other, other]) expect(await guard.use('a', request)).toBe(true);
    for (const guard of [one, other]) expect(await guard.use('a', {})).toBe(false);
  });

  it('accepts a proof again from the same request when another guard of the store has accepted it', async () => {
    const keys: string[] = [];
    const store = { setIfAbsent: async (key: string) => keys.push(key) === 1 };
    const request = {};
    for (let i = 0; i < 2; i++) expect(await createReplayGuard(createClock(), store).use('a', request)).toBe(true);
    expect(await createReplayGuard(createClock(), store).use('a', {})).toBe(false);
    expect(keys).toEqual(['dpop.a', 'dpop.a']);
  });

  it('remembers for the longest time that was asked for, so that no proof keeps another in its memory', async () => {
    const clock = createClock();
    const guard = createReplayGuard(clock, undefined);
    for (const ms of [2000, 1000]) guard.keepFor(ms);
    expect(await guard.use('a', {})).toBe(true);
    clock.advance(1.999);
    expect(await guard.use('a', {})).toBe(false);
    clock.advance(0.001);
    expect(await guard.use('a', {})).toBe(true);
  });
});

describe('createSharedReplay', () => {
  it('stores an identifier with a prefix for the given time', async () => {
    const setIfAbsent = jest.fn(async () => true);
    const guard = createReplayGuard(createClock(), { setIfAbsent });
    for (const ms of [60_000, 70_000, 50_000]) guard.keepFor(ms);
    expect(await guard.use('abc', {})).toBe(true);
    expect(setIfAbsent.mock.calls).toEqual([['dpop.abc', 70_000]]);
  });

  it('returns the result of the store, and passes its errors on', async () => {
    expect(await createReplayGuard(createClock(), { setIfAbsent: async () => false }).use('abc', {})).toBe(false);
    const broken = createReplayGuard(createClock(), { setIfAbsent: () => Promise.reject(new Error('down')) });
    await expect(broken.use('abc', {})).rejects.toThrow('down');
  });
});
