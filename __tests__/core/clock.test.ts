import { ageOf } from '../../lib/core/clock.js';

describe('ageOf', () => {
  const since = { at: 1_800_000_000_000, monotonic: 1000 };

  it.each([
    ['both clocks agree', 5000, 5000, 5000],
    ['the wall clock was set back', -3_600_000, 5000, 5000],
    ['the machine was suspended, so that the monotonic clock stood still', 60_000, 0, 60_000],
    ['the wall clock returns NaN', Number.NaN, 5000, Number.NaN],
    ['the monotonic clock returns NaN', 5000, Number.NaN, Number.NaN],
  ])('tells the larger of both ages when %s', (_, wallMs, monotonicMs, age) => {
    expect(ageOf(since, { at: since.at + wallMs, monotonic: since.monotonic + monotonicMs })).toBe(age);
  });
});
