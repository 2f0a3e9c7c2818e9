import * as timers from 'node:timers';

/** The real `setImmediate`, read when this file is loaded, because tests may fake the timers later. */
const { setImmediate } = timers;

/**
 * Calls `onValue` with the value of a promise, then `onDone`. If the promise rejects or `onValue` throws, it calls
 * `onError`. Code of the app runs in `onDone` and `onError`. An error that this code throws becomes an uncaught exception. It neither calls
 * the other function nor rejects a promise of ours.
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
