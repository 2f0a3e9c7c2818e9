/**
 * Whether `result`, which a predicate of the app returned, is exactly `true`.
 *
 * @throws TypeError for a promise
 */
export function isTrue(guard: string, result: unknown): boolean {
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new TypeError(`The predicate of ${guard}() returned a promise; it must be synchronous`);
  }
  return result === true;
}
