import type { Authenticator } from '../authenticator.js';
import { optionError } from '../core/option-error.js';
import { addRecognizer, isFromAnotherCopy, OTHER_COPY_REMEDY } from './package-copies.js';
import type { SessionSource } from './session.js';

/** The authenticators of each middleware. */
const authenticators = new WeakMap<object, readonly Authenticator[]>();
addRecognizer((value) => authenticators.has(value));

/** Records the authenticators of a middleware: one, or all that `selectServer()` chooses from. Returns the middleware. */
export function register<T extends object>(middleware: T, itsAuthenticators: readonly Authenticator[]): T {
  authenticators.set(middleware, itsAuthenticators);
  return middleware;
}

/**
 * The authenticators of a middleware; an empty list for any other value.
 *
 * @throws TypeError for a middleware that another copy of this package created
 */
export function authenticatorsOf(middleware: unknown): readonly Authenticator[] {
  const found = typeof middleware === 'function' ? authenticators.get(middleware) : undefined;
  if (found === undefined && isFromAnotherCopy(middleware))
    throw optionError('authenticate', middleware, OTHER_COPY_REMEDY);
  return found ?? [];
}

/** Whether this middleware started a session: itself, or as the server that `selectServer()` chose. */
export function hasStarted(middleware: object, { authenticator, selected }: SessionSource): boolean {
  const own = authenticators.get(middleware) ?? [];
  return own.includes(authenticator) || (selected?.original !== undefined && own.includes(selected.original));
}
