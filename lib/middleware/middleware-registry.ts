import type { Authenticator } from '../authenticator.js';
import { optionError } from '../core/option-error.js';
import { addRecognizer, isFromAnotherCopy, OTHER_COPY_REMEDY } from './package-copies.js';

/** The authenticators behind each middleware. */
const authenticators = new WeakMap<object, readonly Authenticator[]>();
addRecognizer((value) => authenticators.has(value));

/** Notes which authenticators a middleware uses: one, or those that `selectServer()` chooses among. */
export function register<T extends object>(middleware: T, behind: readonly Authenticator[]): T {
  authenticators.set(middleware, behind);
  return middleware;
}

/**
 * The authenticators of a middleware; none for anything else.
 *
 * @throws TypeError for a middleware that another copy of this package made
 */
export function authenticatorsOf(middleware: unknown): readonly Authenticator[] {
  const behind = typeof middleware === 'function' ? authenticators.get(middleware) : undefined;
  if (behind === undefined && isFromAnotherCopy(middleware))
    throw optionError('authenticate', middleware, OTHER_COPY_REMEDY);
  return behind ?? [];
}

/** Whether an authenticator belongs to this middleware. */
export function isAuthenticatorOf(middleware: object, authenticator: Authenticator): boolean {
  return authenticators.get(middleware)?.includes(authenticator) === true;
}
