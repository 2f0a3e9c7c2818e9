/**
 * The value that a function of the app returned.
 *
 * @throws TypeError for a promise
 */
export function requireSynchronous<T>(name: string, value: T): T {
  if (value instanceof Promise) {
    value.catch(() => {});
    throw new TypeError(`"${name}" returned a promise; it has to be synchronous`);
  }
  return value;
}
