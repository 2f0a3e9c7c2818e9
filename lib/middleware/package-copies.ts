/** Returns `true` for a value that the copy with this recognizer created: the claims of a request, a middleware or a socket. */
type Recognizer = (value: object) => boolean;

/** Key of the set of recognizers that all copies of this package share. The set is read only to explain errors. */
const KEY = Symbol.for('express-token-introspection.copies');

const ownRecognizers = new Set<Recognizer>();
const allRecognizers = sharedSet();

/** Lets other copies of this package recognize the values that this copy creates. */
export function addRecognizer(recognizes: Recognizer): void {
  ownRecognizers.add(recognizes);
  allRecognizers.add(recognizes);
}

/** Whether another copy of this package created a value. Two copies cannot use each other's values. */
export function isFromAnotherCopy(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return [...allRecognizers].some((recognizes) => !ownRecognizers.has(recognizes) && recognizes(value) === true);
}

/** The cause and the remedy for a value from another copy, for error messages. */
export const OTHER_COPY_REMEDY =
  'another copy of express-token-introspection made it; see `npm ls express-token-introspection`, and keep one copy';

function sharedSet(): Set<Recognizer> {
  const registry: Record<symbol, unknown> = Object(globalThis);
  if (!(registry[KEY] instanceof Set)) Reflect.defineProperty(registry, KEY, { value: new Set() });
  return registry[KEY] instanceof Set ? registry[KEY] : new Set();
}
