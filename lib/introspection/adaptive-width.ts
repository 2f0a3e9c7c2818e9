/**
 * Finds how many calls an endpoint bears side by side, by trying. More are allowed while more bring more answers a second;
 * fewer while fewer bring as many. It goes by throughput and not by latency, so that tokens for which the endpoint is slow
 * cannot lower it.
 */
export interface AdaptiveWidth {
  readonly current: number;
  /** To be called when a call has been answered. Only an endpoint for which others wait shows what it bears. */
  onEnd(othersWait: boolean): void;
}

/** A wider limit must bring this much more, and a narrower one may cost this much, to be kept. */
const WORTHWHILE = 1.15;
const AS_GOOD = 0.97;

/** How long a measurement takes, and how many calls for each that is allowed side by side. */
const MEASURED_MS = 250;
const CALLS_PER_PLACE = 2;

export interface AdaptiveWidthSettings {
  readonly start: number;
  readonly min: number;
  readonly max: number;
  readonly monotonic: () => number;
}

/** Measurements for which a width is kept after both of its neighbours were worse. */
const REST = 16;

export function createAdaptiveWidth({ start, min, max, monotonic }: AdaptiveWidthSettings): AdaptiveWidth {
  let width = start;
  let isWidening = true;
  /** The width before this trial, and what it brought; `undefined` while there is no trial. */
  let before: { readonly width: number; readonly rate: number } | undefined;
  let rejected = 0;
  let resting = 0;
  let ended = -start;
  let startedAt: number | undefined;

  /** Calls from before a change end first, and tell nothing about the new width. */
  function measureAfresh(): void {
    startedAt = undefined;
    ended = -width;
  }

  function neighbour(): number {
    return isWidening ? Math.min(max, width * 2) : Math.max(min, Math.floor(width / 2));
  }

  /** Tries the next width in this direction, or the other way where this is the end. */
  function tryNext(rate: number): void {
    if (neighbour() === width) isWidening = !isWidening;
    before = { width, rate };
    width = neighbour();
  }

  function judge(rate: number): void {
    if (resting > 0) {
      resting--;
      return;
    }
    if (before === undefined) {
      tryNext(rate);
      return;
    }
    if (rate >= before.rate * (width > before.width ? WORTHWHILE : AS_GOOD)) {
      rejected = 0;
      tryNext(rate);
      return;
    }
    width = before.width;
    before = undefined;
    isWidening = !isWidening;
    rejected++;
    if (rejected < 2) return;
    rejected = 0;
    resting = REST;
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
        measureAfresh();
        return;
      }
      if (ended === 0) startedAt = monotonic();
      ended++;
      if (startedAt === undefined || ended <= width * CALLS_PER_PLACE) return;
      const elapsedMs = monotonic() - startedAt;
      if (elapsedMs < MEASURED_MS) return;
      judge((ended - 1) / elapsedMs);
      measureAfresh();
    },
  };
}
