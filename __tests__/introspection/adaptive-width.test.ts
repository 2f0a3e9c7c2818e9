import { createAdaptiveWidth } from '../../lib/introspection/adaptive-width.js';

const SETTINGS = { start: 10, min: 1, max: 56 };
const MAX = SETTINGS.max;

/** End time of a call that is sent now, together with this many others. */
type End = (now: number, beside: number, index: number) => number;

/**
 * Runs calls against an endpoint in simulated time, while more calls wait than are allowed. Returns the widths of the second half
 * of the run.
 */
function run(seconds: number, end: End): number[] {
  let now = 0;
  const width = createAdaptiveWidth({ ...SETTINGS, monotonic: () => now });
  const ends: number[] = [];
  const widths: number[] = [];
  let started = 0;
  while (now < seconds * 1000) {
    while (ends.length < width.current) {
      ends.push(end(now, ends.length + 1, started++));
      ends.sort((a, b) => a - b);
    }
    now = ends.shift() as number;
    width.onEnd(true);
    if (now > seconds * 500) widths.push(width.current);
  }
  return widths;
}

/** An endpoint with a number of workers and a fixed time for each call. */
function workers(count: number, ms: number): End {
  const freeAt: number[] = Array(count).fill(0);
  return (now) => {
    const worker = freeAt.indexOf(Math.min(...freeAt));
    freeAt[worker] = Math.max(now, freeAt[worker] as number) + ms;
    return freeAt[worker] as number;
  };
}

const most = (widths: readonly number[]): number => widths.toSorted((a, b) => a - b)[widths.length >> 1] as number;

describe('createAdaptiveWidth', () => {
  it('grows to the maximum for an endpoint with enough workers', () => {
    expect(most(run(30, workers(100, 20)))).toBe(MAX);
  });

  it('stays small for an endpoint with one worker', () => {
    expect(most(run(60, workers(1, 20)))).toBeLessThanOrEqual(2);
  });

  it('stays near the number of workers', () => {
    const widths = run(60, workers(5, 20));
    expect(most(widths)).toBeGreaterThanOrEqual(4);
    expect(most(widths)).toBeLessThanOrEqual(16);
  });

  it('shrinks for an endpoint whose throughput falls as more calls are sent', () => {
    expect(most(run(60, (now, beside) => now + (beside <= 2 ? 20 : beside * beside * 10)))).toBeLessThanOrEqual(2);
  });

  it('grows while some tokens make the endpoint hang, so that other tokens are not delayed', () => {
    expect(most(run(120, (now, _beside, index) => now + (index % 2 === 0 ? 3000 : 20)))).toBe(MAX);
  });

  it('shrinks no further than its minimum', () => {
    let now = 0;
    const width = createAdaptiveWidth({ start: 8, min: 8, max: 56, monotonic: () => now });
    const seen = new Set<number>();
    for (let call = 0; call < 5000; call++) {
      now += width.current * 5;
      width.onEnd(true);
      seen.add(width.current);
    }
    expect(Math.min(...seen)).toBe(8);
  });

  it('undoes a trial when the queue becomes empty during it', () => {
    let now = 0;
    const width = createAdaptiveWidth({ ...SETTINGS, monotonic: () => now });
    while (width.current === SETTINGS.start) {
      now += 10;
      width.onEnd(true);
    }
    expect(width.current).toBe(2 * SETTINGS.start);
    width.onEnd(false);
    expect(width.current).toBe(SETTINGS.start);
  });

  it('does not change while no call waits', () => {
    const width = createAdaptiveWidth({ ...SETTINGS, monotonic: () => performance.now() });
    for (let call = 0; call < 10_000; call++) width.onEnd(false);
    expect(width.current).toBe(10);
  });

  it('returns to at least its start value when no call waits', () => {
    let now = 0;
    const width = createAdaptiveWidth({ ...SETTINGS, monotonic: () => now });
    for (let call = 0; call < 2000; call++) {
      now += width.current > 1 ? 200 : 20;
      width.onEnd(true);
    }
    expect(width.current).toBeLessThan(10);
    width.onEnd(false);
    expect(width.current).toBe(10);
  });
});
