import type { Authenticator } from '../authenticator.js';
import { optionError } from '../core/option-error.js';
import { addRecognizer, isFromAnotherCopy, OTHER_COPY_REMEDY } from './package-copies.js';
import type { SessionSource } from './session.js';

/** Maps each middleware to its authenticator. A middleware of `selectServer()` is mapped to a list, even if it has only one server. */
const registered = new WeakMap<object, Authenticator | readonly Authenticator[]>();
addRecognizer((value) => registered.has(value));

/** Stores the authenticator of a middleware, or the list of authenticators from which `selectServer()` chooses. Returns the middleware. */
export function register<T extends object>(middleware: T, authenticators: Authenticator | readonly Authenticator[]): T {
  registered.set(middleware, authenticators);
  return middleware;
}

/**
 * Returns the authenticator of a middleware of one server. Returns `undefined` for a middleware of `selectServer()`, and for any other
 * value.
 *
 * @throws TypeError for a middleware that another copy of this package created
 */
export function authenticatorOf(middleware: unknown): Authenticator | undefined {
  const found = lookUp(middleware);
  return found !== undefined && 'introspector' in found ? found : undefined;
}

/**
 * Returns all authenticators of a middleware of one or several servers, or an empty list for any other value.
 *
 * @throws TypeError for a middleware that another copy of this package created
 */
export function authenticatorsOf(middleware: unknown): readonly Authenticator[] {
  return listOf(lookUp(middleware));
}

/**
 * True if this middleware started the session of a request: with one of its authenticators, or because `selectServer()` chose this
 * middleware for the request.
 */
export function hasStarted(middleware: object, { authenticator, selected }: SessionSource): boolean {
  const own = listOf(registered.get(middleware));
  return own.includes(authenticator) || (selected?.original !== undefined && own.includes(selected.original));
}

function lookUp(middleware: unknown): Authenticator | readonly Authenticator[] | undefined {
  const found = typeof middleware === 'function' ? registered.get(middleware) : undefined;
  if (found === undefined && isFromAnotherCopy(middleware))
    throw optionError('authenticate', middleware, OTHER_COPY_REMEDY);
  return found;
}

function listOf(found: Authenticator | readonly Authenticator[] | undefined): readonly Authenticator[] {
  if (found === undefined) return [];
  return 'introspector' in found ? [found] : found;
}
