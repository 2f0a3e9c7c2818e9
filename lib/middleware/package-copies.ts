/**
 * Returns `true` for a value that belongs to one copy of this package: a middleware, the claims of a request, or a socket that the copy
 * watches. Each copy has its own recognizers.
 */
type Recognizer = (value: object) => boolean;

/** Key of the set of recognizers, which all copies of this package in the process share. The set is only used to explain errors. */
const KEY = Symbol.for('express-token-introspection.copies');

const ownRecognizers = new Set<Recognizer>();
const allRecognizers = sharedSet();

/** Adds a recognizer, so that other copies of this package recognize the values that this copy creates. */
export function addRecognizer(recognizes: Recognizer): void {
  ownRecognizers.add(recognizes);
  allRecognizers.add(recognizes);
}

/** Whether another copy of this package created the value. A copy cannot use the values of another copy. */
export function isFromAnotherCopy(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return [...allRecognizers].some((recognizes) => !ownRecognizers.has(recognizes) && recognizes(value) === true);
}

/** Part of error messages about a value that another copy of this package created: the cause and the remedy. */
export const OTHER_COPY_REMEDY =
  'another copy of express-token-introspection made it; see `npm ls express-token-introspection`, and keep one copy';

function sharedSet(): Set<Recognizer> {
  const registry: Record<symbol, unknown> = Object(globalThis);
  if (!(registry[KEY] instanceof Set)) Reflect.defineProperty(registry, KEY, { value: new Set() });
  return registry[KEY] instanceof Set ? registry[KEY] : new Set();
}
