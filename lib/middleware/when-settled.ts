import * as timers from 'node:timers';

/** The real `setImmediate`. It is read when this file is loaded, because tests may replace the timers later. */
const { setImmediate } = timers;

/**
 * Calls `onValue` with the value of a promise, then `onDone`. If the promise rejects or `onValue` throws, calls only `onError`. `onDone`
 * and `onError` may run code of the app. If such code throws, the error becomes an uncaught exception: `onError` is not called for an error
 * of `onDone`, and no promise rejects.
 */
export function whenSettled<T>(
  promise: Promise<T>,
  onValue: (value: T) => void,
  onDone: () => void,
  onError: (error: unknown) => void,
): void {
  promise
    .then(onValue)
    .then(
      () => void onDone(),
      (error: unknown) => void onError(error),
    )
    .catch(throwUncaught);
}

export function throwUncaught(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
