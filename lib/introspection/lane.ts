import { IntrospectionError } from '../errors.js';
import type { Deadline } from './deadline.js';

/** Bounds how many run side by side; the others wait in order. */
export interface Lane {
  /**
   * Runs `work` as soon as there is room. Its place is free again when it has ended, or when the deadline has passed: what does
   * not heed that keeps nobody else waiting.
   *
   * @throws IntrospectionError `timeout`
   */
  run<T>(work: () => Promise<T>, deadline: Deadline): Promise<T>;
}

export function createLane(width: number): Lane {
  const waiting: (() => void)[] = [];
  let running = 0;

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }

  /** Waits in line; who gives up leaves it. */
  function room({ signal }: Deadline): Promise<void> {
    return new Promise((resolve, reject) => {
      waiting.push(resolve);
      signal.once('abort', () => {
        const place = waiting.indexOf(resolve);
        if (place === -1) return;
        waiting.splice(place, 1);
        reject(new IntrospectionError('timeout'));
      });
    });
  }

  return {
    async run(work, deadline) {
      if (deadline.passed) throw new IntrospectionError('timeout');
      if (running >= width) await room(deadline);
      else running++;
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
