/** Whether a copy of this package made a value: the claims of a request, a middleware, a socket. */
type Recognizer = (value: object) => boolean;

/** In the registry that all copies share, so that one can name what another made. Only errors look there. */
const KEY = Symbol.for('express-token-introspection.copies');

const ownRecognizers = new Set<Recognizer>();
const allRecognizers = sharedSet();

/** Tells other copies of this package what this one makes. */
export function addRecognizer(made: Recognizer): void {
  ownRecognizers.add(made);
  allRecognizers.add(made);
}

/** Whether another copy of this package made it. Then two are installed, and neither knows what the other does. */
export function isFromAnotherCopy(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return [...allRecognizers].some((made) => !ownRecognizers.has(made) && made(value) === true);
}

/** What to do about it. */
export const OTHER_COPY_REMEDY =
  'another copy of express-token-introspection made it; see `npm ls express-token-introspection`, and keep one copy';

function sharedSet(): Set<Recognizer> {
  const registry: Record<symbol, unknown> = Object(globalThis);
  if (!(registry[KEY] instanceof Set)) Reflect.defineProperty(registry, KEY, { value: new Set() });
  return registry[KEY] instanceof Set ? registry[KEY] : new Set();
}
