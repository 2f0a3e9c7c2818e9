/**
 * Finds the best number of concurrent calls by trying. The number grows while more calls bring more responses a second, and
 * shrinks while fewer calls bring as many. It measures throughput and not latency, so that tokens for which the endpoint is slow
 * cannot lower it.
 */
export interface AdaptiveWidth {
  readonly current: number;
  /** Call this after each response. Measurements count only while other calls wait. */
  onEnd(othersWait: boolean): void;
}

/** A wider limit is kept if its throughput is at least this many times that of the limit before. */
const MIN_GAIN = 1.15;

/** A narrower limit is kept if its throughput is at least this share of that of the limit before. */
const MIN_SHARE = 0.97;

/** Shortest duration of a measurement, and its number of calls for each place. */
const MEASURED_MS = 250;
const CALLS_PER_PLACE = 2;

export interface AdaptiveWidthSettings {
  readonly start: number;
  readonly min: number;
  readonly max: number;
  readonly monotonic: () => number;
}

/** Measurements without a new trial, after the wider and the narrower limit were both worse. */
const MEASUREMENTS_BETWEEN_TRIALS = 16;

export function createAdaptiveWidth({ start, min, max, monotonic }: AdaptiveWidthSettings): AdaptiveWidth {
  let width = start;
  let isWidening = true;
  /** Width and throughput before the current trial; `undefined` when there is no trial. */
  let before: { readonly width: number; readonly rate: number } | undefined;
  let failedTrials = 0;
  let measurementsToSkip = 0;
  let ended = -start;
  let startedAt: number | undefined;

  /** Starts a new measurement. It skips the calls that began before the change. */
  function restartMeasurement(): void {
    startedAt = undefined;
    ended = -width;
  }

  function nextWidth(): number {
    return isWidening ? Math.min(max, width * 2) : Math.max(min, Math.floor(width / 2));
  }

  /** Tries the next width in the current direction, or in the other one at `min` and `max`. */
  function tryNext(rate: number): void {
    if (nextWidth() === width) isWidening = !isWidening;
    before = { width, rate };
    width = nextWidth();
  }

  function evaluate(rate: number): void {
    if (measurementsToSkip > 0) {
      measurementsToSkip--;
      return;
    }
    if (before === undefined) {
      tryNext(rate);
      return;
    }
    if (rate >= before.rate * (width > before.width ? MIN_GAIN : MIN_SHARE)) {
      failedTrials = 0;
      tryNext(rate);
      return;
    }
    width = before.width;
    before = undefined;
    isWidening = !isWidening;
    failedTrials++;
    if (failedTrials < 2) return;
    failedTrials = 0;
    measurementsToSkip = MEASUREMENTS_BETWEEN_TRIALS;
  }

  return {
    get current() {
      return width;
    },
    onEnd(othersWait) {
      if (!othersWait) {
        width = Math.max(before?.width ?? width, start);
        isWidening = true;
        before = undefined;
        restartMeasurement();
        return;
      }
      if (ended === 0) startedAt = monotonic();
      ended++;
      if (startedAt === undefined || ended <= width * CALLS_PER_PLACE) return;
      const elapsedMs = monotonic() - startedAt;
      if (elapsedMs < MEASURED_MS) return;
      evaluate((ended - 1) / elapsedMs);
      restartMeasurement();
    },
  };
}
