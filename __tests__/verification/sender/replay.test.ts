import { createReplayGuard, createReplayMemory } from '../../../lib/verification/sender/replay.js';
import { createClock } from '../../support/clock.js';

describe('what is remembered in this process', () => {
  it('can be used once, until its time is over', async () => {
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

  it('is not used for longer when the clock on the wall is set', async () => {
    const clock = createClock();
    const use = createReplayMemory(clock);
    await use('a', 1000);
    clock.step(3600);
    expect(await use('a', 1000)).toBe(false);
  });

  it('can be used once by all that try at the same time', async () => {
    const use = createReplayMemory(createClock());
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => use('a', 1000)));
    expect(verdicts.filter((verdict) => verdict)).toHaveLength(1);
  });

  it('is never forgotten early: when there is no room, nothing new can be used until there is', async () => {
    const clock = createClock();
    const use = createReplayMemory(clock);
    for (let i = 0; i < 500_000; i++) void use(String(i), 1000);
    await expect(use('new', 1000)).rejects.toThrow('full');
    expect(await use('0', 1000)).toBe(false);
    clock.advance(1);
    expect(await use('new', 1000)).toBe(true);
  });
});

describe('what several processes remember', () => {
  it('is kept under a name of its own for as long as told, unless it is there', async () => {
    const setIfAbsent = jest.fn(async () => true);
    expect(await createReplayGuard(createClock(), { setIfAbsent }).use('abc', 70_000, {})).toBe(true);
    expect(setIfAbsent.mock.calls).toEqual([['dpop.abc', 70_000]]);
  });

  it('is what the store says', async () => {
    expect(await createReplayGuard(createClock(), { setIfAbsent: async () => false }).use('abc', 1, {})).toBe(false);
    const broken = createReplayGuard(createClock(), { setIfAbsent: () => Promise.reject(new Error('down')) });
    await expect(broken.use('abc', 1, {})).rejects.toThrow('down');
  });
});
