import * as timers from 'node:timers';

/** Taken when this file is loaded, because tests may fake the timers later. */
const { setImmediate } = timers;

/**
 * Uses the result of a promise and goes on. The app runs in `onDone` and `onError`. What it throws there becomes an uncaught exception,
 * and reaches neither the other of them nor a promise of ours.
 */
export function whenSettled<T>(
  outcome: Promise<T>,
  use: (value: T) => void,
  onDone: () => void,
  onError: (error: unknown) => void,
): void {
  outcome
    .then(use)
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
