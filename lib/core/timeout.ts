import { EventEmitter } from 'node:events';
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

/** Time limit of some work, such as one lookup. All steps of the work share this limit. */
export interface Deadline {
  /** Milliseconds from the start of the work until the deadline. The value does not shrink while the work runs. */
  readonly timeoutMs: number;
  readonly passed: boolean;
  /**
   * Emits `abort` when the deadline passes. undici accepts such an emitter. It also accepts an `AbortSignal`, but that takes ten times as
   * long.
   */
  readonly signal: EventEmitter;
  /** Sets the code of the error with which {@link withDeadline} rejects when the deadline passes. Default: `timeout`. */
  endWith(code: 'timeout' | 'overloaded'): void;
}

/**
 * Settles like the promise of `work`, or rejects when the deadline passes, even if `work` does not listen to the signal. `onEnd` is
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
    let code: Parameters<Deadline['endWith']>[0] = 'timeout';
    const deadline = {
      timeoutMs,
      passed: false,
      signal: new EventEmitter(),
      endWith(other: typeof code) {
        code = other;
      },
    };
    const timer = setTimeout(() => {
      deadline.passed = true;
      deadline.signal.emit('abort');
      reject(new IntrospectionError(code));
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

/**
 * Settles like `work`, or rejects when the deadline passes, even if `work` does not listen to the signal. Call this function before the
 * deadline passes. If it is called later, the result only waits for `work`.
 *
 * @throws IntrospectionError `timeout`
 */
export function beforeDeadline<T>({ signal }: Deadline, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.on('abort', () => reject(new IntrospectionError('timeout')));
    work.then(resolve, reject);
  });
}
