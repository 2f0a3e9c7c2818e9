import { EventEmitter } from 'node:events';
import type { Clock, Instant } from './clock.js';
import { IntrospectionError } from './errors.js';

/**
 * Settles like the promise of `work`, or rejects after `ms` milliseconds. Such a rejection does not stop `work`, but its outcome is
 * ignored.
 *
 * @throws Error `too late` after `ms` milliseconds, or the error of `work`
 */
export function withTimeout<T>(work: () => Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    // `setImmediate` lets replies go first that arrived while the event loop was blocked.
    const timer = setTimeout(() => setImmediate(() => reject(new Error('too late'))), ms);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** Returns how many milliseconds are left until the time limit of a request that arrived at `arrivedAt`. The result is at least 1. */
export function requestTimeLeft(timeoutMs: number, arrivedAt: Instant, clock: Clock): number {
  return Math.max(1, timeoutMs - (clock.monotonic() - arrivedAt.monotonic));
}

/** Time limit of some work, such as one lookup. All steps of the work share this limit. */
export interface Deadline {
  /** Milliseconds from the start of the work until the deadline. The value does not shrink while the work runs. */
  readonly timeoutMs: number;
  readonly passed: boolean;
  /** Calls `listener` when the deadline passes or {@link Deadline.abort} is called. It is not called if that has already happened. */
  onAbort(listener: () => void): void;
  /** Emits `abort` when the listeners of {@link Deadline.onAbort} are called. The function `request` of undici accepts this emitter. */
  readonly signal: EventEmitter;
  /** Stops the work before the deadline passes: calls the listeners of {@link Deadline.onAbort}. */
  abort(): void;
  /** Sets the code of the error with which {@link withDeadline} rejects when the deadline passes. Default: `timeout`. */
  endWith(code: 'timeout' | 'overloaded'): void;
}

/**
 * Settles like the promise of `work`, or rejects when the deadline passes, even if `work` does not listen to the deadline. `onEnd` is
 * called once: when `work` has settled, or when the deadline passes.
 *
 * @throws IntrospectionError `timeout`, or the code that {@link Deadline.endWith} has set
 */
export function withDeadline<T>(
  timeoutMs: number,
  work: (deadline: Deadline) => Promise<T>,
  onEnd: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = new RunningDeadline(timeoutMs);
    const timer = setTimeout(() => {
      deadline.passed = true;
      deadline.abort();
      reject(new IntrospectionError(deadline.code));
      onEnd();
    }, timeoutMs);
    const end = (): void => {
      if (deadline.passed) return;
      clearTimeout(timer);
      onEnd();
    };
    work(deadline).then(
      (value) => {
        end();
        resolve(value);
      },
      (error) => {
        end();
        reject(error);
      },
    );
  });
}

/** The emitter is created only when it is read, because few requests need it. A list of listeners is faster. */
class RunningDeadline implements Deadline {
  passed = false;
  code: Parameters<Deadline['endWith']>[0] = 'timeout';
  readonly #listeners: (() => void)[] = [];
  #signal: EventEmitter | undefined;

  constructor(readonly timeoutMs: number) {}

  onAbort(listener: () => void): void {
    this.#listeners.push(listener);
  }

  get signal(): EventEmitter {
    if (this.#signal === undefined) {
      const signal = new EventEmitter();
      this.#signal = signal;
      this.onAbort(() => signal.emit('abort'));
    }
    return this.#signal;
  }

  abort(): void {
    for (const listener of this.#listeners) listener();
  }

  endWith(code: typeof this.code): void {
    this.code = code;
  }
}

/**
 * Settles like `work`, or rejects when the deadline passes, even if `work` does not listen to the deadline. Call this function before the
 * deadline passes. If it is called later, the result only waits for `work`.
 *
 * @throws IntrospectionError `timeout`
 */
export function beforeDeadline<T>(deadline: Deadline, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    deadline.onAbort(() => reject(new IntrospectionError('timeout')));
    work.then(resolve, reject);
  });
}
