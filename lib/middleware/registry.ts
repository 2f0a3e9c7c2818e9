import type { Authenticator } from '../authenticator.js';
import { optionError } from '../core/option-error.js';
import { introduce, isOfAnotherCopy, ONE_COPY } from './copies.js';

/** The authenticators behind each middleware. */
const authenticators = new WeakMap<object, readonly Authenticator[]>();
introduce((value) => authenticators.has(value));

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
  if (behind === undefined && isOfAnotherCopy(middleware)) throw optionError('authenticate', middleware, ONE_COPY);
  return behind ?? [];
}

/** Whether an authenticator belongs to this middleware. */
export function isAuthenticatorOf(middleware: object, authenticator: Authenticator): boolean {
  return authenticators.get(middleware)?.includes(authenticator) === true;
}
