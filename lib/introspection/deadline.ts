import { EventEmitter } from 'node:events';
import { IntrospectionError } from '../core/errors.js';

export interface Deadline {
  /** Milliseconds from the start to the end. */
  readonly timeoutMs: number;
  readonly passed: boolean;
  /** Emits `abort` at the end: undici takes an emitter as well as an `AbortSignal`, and it costs a tenth. */
  readonly signal: EventEmitter;
  /** Sets the code of the error with which it ends. `timeout` until this is called. */
  endWith(code: 'timeout' | 'overloaded'): void;
}

/**
 * Runs `work` within a deadline, whether or not it listens to the signal. `onEnd` is called when either has ended.
 *
 * @throws IntrospectionError `timeout`, or as {@link Deadline.endWith} says
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
 * The outcome of `work`, or a rejection once the deadline has passed: `work` may not listen to its signal.
 *
 * @throws IntrospectionError `timeout`
 */
export function until<T>({ signal }: Deadline, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.once('abort', () => reject(new IntrospectionError('timeout')));
    work.then(resolve, reject);
  });
}
