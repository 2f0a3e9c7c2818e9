/**
 * Finds the best number of concurrent calls to the endpoint by trials. A larger number is kept if clearly more calls end per second than
 * before. A smaller number is kept if almost as many calls end per second as before. Latency does not count, so tokens for which the
 * endpoint is slow cannot lower the number.
 */
export interface AdaptiveWidth {
  readonly current: number;
  /**
   * Must be called whenever a call ends before its deadline. `othersWait` tells whether other calls wait for a place. If none wait, the
   * current trial is undone: `current` gets the value before the trial back, and rises to at least `start`.
   */
  onEnd(othersWait: boolean): void;
}

/** A larger number of concurrent calls is kept if its throughput is at least this many times the throughput of the previous number. */
const MIN_GAIN = 1.15;

/** A smaller number of concurrent calls is kept if its throughput is at least this share of the throughput of the previous number. */
const MIN_SHARE = 0.97;

/** A measurement of the throughput lasts at least this many milliseconds. */
const MEASURED_MS = 250;
/** A measurement of the throughput counts at least this many ended calls for each allowed concurrent call. */
const CALLS_PER_PLACE = 2;

export interface AdaptiveWidthSettings {
  readonly start: number;
  readonly min: number;
  readonly max: number;
  readonly monotonic: () => number;
}

/** After two failed trials in a row, this many measurements start no new trial. */
const MEASUREMENTS_BETWEEN_TRIALS = 16;

export function createAdaptiveWidth({ start, min, max, monotonic }: AdaptiveWidthSettings): AdaptiveWidth {
  let width = start;
  let isWidening = true;
  /**
   * The previous number of concurrent calls and its throughput in calls per millisecond, while another number is tried. `undefined` while
   * no other number is tried.
   */
  let before: { readonly width: number; readonly rate: number } | undefined;
  let failedTrials = 0;
  let measurementsToSkip = 0;
  let ended = -start;
  let startedAt: number | undefined;

  /**
   * Starts a new measurement. The next calls that end, as many as `width`, are not counted, because they may have begun when `width` was
   * different.
   */
  function restartMeasurement(): void {
    startedAt = undefined;
    ended = -width;
  }

  function nextWidth(): number {
    return isWidening ? Math.min(max, width * 2) : Math.max(min, Math.floor(width / 2));
  }

  /**
   * Starts a trial of the next `width` in the current direction, which is larger or smaller. At `min` or `max`, the direction is reversed
   * first.
   */
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
