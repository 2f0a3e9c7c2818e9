import { EventEmitter } from 'node:events';
import { IntrospectionError } from '../errors.js';

export interface Deadline {
  readonly passed: boolean;
  /** Emits `abort`: undici takes an emitter as well as an `AbortSignal`, and it costs a tenth. */
  readonly signal: EventEmitter;
}

/**
 * One deadline over everything `work` does, whether or not it heeds the signal; `onEnd` is called when either has ended.
 *
 * @throws IntrospectionError `timeout`
 */
export function withDeadline<T>(
  timeoutMs: number,
  work: (deadline: Deadline) => Promise<T>,
  onEnd: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = { passed: false, signal: new EventEmitter() };
    const timer = setTimeout(() => {
      deadline.passed = true;
      deadline.signal.emit('abort');
      reject(new IntrospectionError('timeout'));
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
 * What comes of `work`, or that the deadline has passed, where work does not heed it.
 *
 * @throws IntrospectionError `timeout`
 */
export function until<T>({ signal }: Deadline, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.once('abort', () => reject(new IntrospectionError('timeout')));
    work.then(resolve, reject);
  });
}
