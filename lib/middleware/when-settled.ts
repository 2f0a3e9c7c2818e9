import * as timers from 'node:timers';

/** Read when this file is loaded, because tests may fake the timers later. */
const { setImmediate } = timers;

/**
 * Calls `onValue` with the value of a promise, then `onDone`. If the promise or `onValue` fails, it calls `onError`. Code of the app runs
 * in `onDone` and `onError`. An error that it throws there becomes an uncaught exception, and neither calls the other function nor
 * rejects a promise of ours.
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
