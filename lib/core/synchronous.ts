/**
 * Returns `value`, the result of the app's function `name`.
 *
 * @throws TypeError if the result is a promise
 */
export function requireSynchronous<T>(name: string, value: T): T {
  if (value instanceof Promise) {
    value.catch(() => {});
    throw new TypeError(`"${name}" returned a promise; it has to be synchronous`);
  }
  return value;
}
