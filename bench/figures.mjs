export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function round(value, digits) {
  return Number(value.toFixed(digits));
}

const RESAMPLES = 2000;
const TAIL = 0.025;

/**
 * The median of samples with its 95 % confidence interval, by the percentile bootstrap: many samples of the same size are drawn with
 * replacement, and the interval holds the middle 95 % of their medians.
 */
export function estimate(values, digits = 3) {
  const random = createRandom(values.length);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)])),
  ).sort((a, b) => a - b);
  return {
    median: round(median(values), digits),
    low: round(medians[Math.floor(RESAMPLES * TAIL)], digits),
    high: round(medians[Math.ceil(RESAMPLES * (1 - TAIL)) - 1], digits),
    samples: values.length,
  };
}

/** With fewer samples, the interval of the bootstrap is too narrow to decide anything. */
const MIN_SAMPLES = 6;

/**
 * Compares samples that were taken in pairs. `isResolved` is false if the interval of the ratio includes "no difference", or if there are
 * too few samples.
 */
export function compare(values, baseline, digits = 2) {
  const ratio = estimate(
    values.map((value, index) => value / baseline[index]),
    digits,
  );
  return { ...ratio, isResolved: ratio.samples >= MIN_SAMPLES && (ratio.low > 1 || ratio.high < 1) };
}

/** A small random number generator, so that the same samples give the same interval (mulberry32). */
function createRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns the list in random order. */
export function shuffle(list) {
  const shuffled = [...list];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
  }
  return shuffled;
}
