import { IntrospectionError } from '../core/errors.js';
import type { Deadline } from '../core/timeout.js';

/** Limits concurrent calls. Further calls wait in order of arrival, but calls for known tokens start before calls for unknown tokens. */
export interface ConcurrencyLimit {
  /**
   * Runs `work` as soon as there is a place. The place is free again when `work` ends or the deadline passes. So work that ignores its
   * deadline does not delay other calls. After a long wait, it also changes the code of the deadline to `overloaded`.
   *
   * @param isKnown the token was active lately
   * @throws IntrospectionError `timeout` when the deadline has passed, `overloaded` when the call waited too long, or the failure of
   * `work`
   */
  run<T>(work: () => Promise<T>, deadline: Deadline, isKnown: boolean): Promise<T>;
}

export interface ConcurrencySettings {
  /** Places for calls about any token. */
  readonly width: {
    readonly current: number;
    /** Is called when a call ends before its deadline. */
    onEnd?(othersWait: boolean): void;
  };
  /** Additional places, only for calls about known tokens. */
  readonly reserved: number;
}

/**
 * If the deadline passes after a wait of more than this share, the error is `overloaded` and not `timeout`: the endpoint is not the cause.
 */
const MAX_WAIT_SHARE = 0.1;

/** A call that waited longer than this share of its deadline is not sent, and fails with `overloaded`. Most such calls would time out. */
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
   * Waits in the queue for a place.
   *
   * @throws IntrospectionError `overloaded` when the deadline passes, or when the place comes too late
   */
  async function waitForPlace(kind: keyof typeof running, deadline: Deadline): Promise<void> {
    const { signal, timeoutMs } = deadline;
    const since = performance.now();
    deadline.endWith('overloaded');
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => reject(new IntrospectionError('overloaded'));
      const waiter = { since, maxWaitMs: timeoutMs * MAX_WAIT_TO_START, start: resolve, giveUp };
      waiting[kind].push(waiter);
      signal.once('abort', () => {
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
