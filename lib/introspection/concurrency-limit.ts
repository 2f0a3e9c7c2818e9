import { IntrospectionError } from '../errors.js';
import type { Deadline } from './deadline.js';

/** Bounds how many calls run side by side. The others wait in the order in which they came. */
export interface ConcurrencyLimit {
  /**
   * Runs `work` as soon as there is a place. The place is free again when `work` has ended, or when the deadline has passed:
   * work that ignores its deadline does not keep others waiting.
   *
   * @throws IntrospectionError `timeout`, or `overloaded` when much of the deadline was spent waiting
   */
  run<T>(work: () => Promise<T>, deadline: Deadline): Promise<T>;
}

export interface Width {
  /** Calls allowed side by side now. */
  readonly current: number;
  /** Is told when a call ends, and whether others wait for its place. */
  onEnd?(othersWait: boolean): void;
}

/** A wait of more than this share of the deadline is our own doing: a timeout that follows is none of the endpoint's. */
const MAX_WAIT_SHARE = 0.1;

export function createConcurrencyLimit(width: Width): ConcurrencyLimit {
  const waiting: (() => void)[] = [];
  let running = 0;

  function leave(): void {
    width.onEnd?.(waiting.length > 0);
    running--;
    while (running < width.current && waiting.length > 0) {
      running++;
      waiting.shift()?.();
    }
  }

  /** Waits for a place. A caller whose deadline passes leaves the queue. */
  function turn({ signal }: Deadline): Promise<void> {
    return new Promise((resolve, reject) => {
      waiting.push(resolve);
      signal.once('abort', () => {
        const place = waiting.indexOf(resolve);
        if (place === -1) return;
        waiting.splice(place, 1);
        reject(new IntrospectionError('overloaded'));
      });
    });
  }

  async function waitForPlace(deadline: Deadline): Promise<void> {
    const since = performance.now();
    deadline.endWith('overloaded');
    await turn(deadline);
    if (performance.now() - since <= deadline.timeoutMs * MAX_WAIT_SHARE) deadline.endWith('timeout');
  }

  return {
    async run(work, deadline) {
      if (deadline.passed) throw new IntrospectionError('timeout');
      if (running < width.current) running++;
      else await waitForPlace(deadline);
      let isInside = true;
      const leaveOnce = (): void => {
        if (isInside) leave();
        isInside = false;
      };
      deadline.signal.once('abort', leaveOnce);
      try {
        if (deadline.passed) throw new IntrospectionError('timeout');
        return await work();
      } finally {
        leaveOnce();
      }
    },
  };
}
