import { IntrospectionError } from '../core/errors.js';
import type { Deadline } from '../core/timeout.js';

/**
 * Limits how many calls to the endpoint run at the same time. Further calls wait in order of arrival, but calls about tokens that were
 * active lately start before calls about unknown tokens.
 */
export interface ConcurrencyLimit {
  /**
   * Runs `work` as soon as fewer calls run than the limit allows. `work` counts as running until it ends or its deadline passes. So work
   * that ignores its deadline does not delay other calls. If the wait took more than 10 percent of the deadline, the error at the deadline
   * is `overloaded` instead of `timeout`.
   *
   * @param isKnown the token was active lately
   * @throws IntrospectionError `timeout` when the deadline has passed already, `overloaded` when the call waited more than half of the
   * deadline, or the failure of `work`
   */
  run<T>(work: () => Promise<T>, deadline: Deadline, isKnown: boolean): Promise<T>;
}

export interface ConcurrencySettings {
  /** `current` is the number of calls about any token that may run at the same time. */
  readonly width: {
    readonly current: number;
    /** Is called when a call ends before its deadline. `othersWait` tells whether other calls wait. */
    onEnd?(othersWait: boolean): void;
  };
  /** Number of additional calls that may run at the same time, only about tokens that were active lately. */
  readonly reserved: number;
}

/**
 * If a call waited longer than this share of its deadline, and the deadline then passes, the error is `overloaded` instead of `timeout`.
 * The reason: the endpoint is not the cause.
 */
const MAX_WAIT_SHARE = 0.1;

/**
 * A call that waited longer than this share of its deadline is not sent, and fails with `overloaded`. Most such calls would time out if
 * they were sent.
 */
const MAX_WAIT_TO_START = 0.5;

interface Waiter {
  readonly since: number;
  readonly maxWaitMs: number;
  start(): void;
  giveUp(): void;
}

export function createConcurrencyLimit({ width, reserved }: ConcurrencySettings): ConcurrencyLimit {
  const running = { known: 0, unknown: 0 };
  const waiting: Record<keyof typeof running, Waiter[]> = { known: [], unknown: [] };

  function hasPlace(kind: keyof typeof running): boolean {
    if (running.known + running.unknown >= width.current + reserved) return false;
    return kind === 'known' || running.unknown < width.current;
  }

  function leave(kind: keyof typeof running, isLate: boolean): void {
    // A call that hung says nothing about the throughput of the endpoint.
    if (!isLate) width.onEnd?.(waiting.known.length + waiting.unknown.length > 0);
    running[kind]--;
    startWaiters('known');
    startWaiters('unknown');
  }

  function startWaiters(kind: keyof typeof running): void {
    if (waiting[kind].length === 0) return;
    const now = performance.now();
    while (hasPlace(kind)) {
      const next = waiting[kind].shift();
      if (next === undefined) return;
      if (now - next.since > next.maxWaitMs) {
        next.giveUp();
      } else {
        running[kind]++;
        next.start();
      }
    }
  }

  /**
   * Waits in the queue until the call may run.
   *
   * @throws IntrospectionError `overloaded` if the deadline passes while the call waits. Also throws it when a place becomes free for the
   * call, but the call has waited longer than half of `deadline.timeoutMs`
   */
  async function waitForPlace(kind: keyof typeof running, deadline: Deadline): Promise<void> {
    const { timeoutMs } = deadline;
    const since = performance.now();
    deadline.endWith('overloaded');
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => reject(new IntrospectionError('overloaded'));
      const waiter = { since, maxWaitMs: timeoutMs * MAX_WAIT_TO_START, start: resolve, giveUp };
      waiting[kind].push(waiter);
      deadline.onAbort(() => {
        const position = waiting[kind].indexOf(waiter);
        if (position === -1) return;
        waiting[kind].splice(position, 1);
        giveUp();
      });
    });
    if (performance.now() - since <= timeoutMs * MAX_WAIT_SHARE) deadline.endWith('timeout');
  }

  return {
    async run(work, deadline, isKnown) {
      if (deadline.passed) throw new IntrospectionError('timeout');
      const kind = isKnown ? 'known' : 'unknown';
      if (hasPlace(kind)) running[kind]++;
      else await waitForPlace(kind, deadline);
      let isInside = true;
      const leaveOnce = (): void => {
        if (isInside) leave(kind, deadline.passed);
        isInside = false;
      };
      deadline.onAbort(leaveOnce);
      try {
        if (deadline.passed) throw new IntrospectionError('timeout');
        return await work();
      } finally {
        leaveOnce();
      }
    },
  };
}
