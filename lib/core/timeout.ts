import { EventEmitter } from 'node:events';
import { IntrospectionError } from './errors.js';

/**
 * Settles like `work`, or rejects when it takes longer than `ms` milliseconds. A later result or failure is ignored.
 *
 * @throws Error `too late`
 */
export function withTimeout<T>(work: () => Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    // If the event loop was blocked, replies that arrived meanwhile are handled before the timeout.
    const timer = setTimeout(() => setImmediate(() => reject(new Error('too late'))), ms);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** Time limit of one lookup, shared by every step of it. */
export interface Deadline {
  /** Milliseconds from the start to the end. */
  readonly timeoutMs: number;
  readonly passed: boolean;
  /** Emits `abort` at the end. undici accepts an emitter as well as an `AbortSignal`, and an emitter costs a tenth. */
  readonly signal: EventEmitter;
  /** Sets the code of the error that a passed deadline throws. Default `timeout`. */
  endWith(code: 'timeout' | 'overloaded'): void;
}

/**
 * Runs `work` until its deadline, even if `work` does not listen to the signal. `onEnd` is called once, when `work` has
 * ended or the deadline has passed.
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
 * The outcome of `work`, or a rejection once the deadline has passed, even if `work` does not listen to the signal.
 *
 * @throws IntrospectionError `timeout`
 */
export function beforeDeadline<T>({ signal }: Deadline, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.once('abort', () => reject(new IntrospectionError('timeout')));
    work.then(resolve, reject);
  });
}
