const MAX_DEPTH = 32;

/** Maximum of members and list items in total. As an object, a value takes up to 20 times the memory of its text. */
export const MAX_VALUES = 10_000;

/**
 * Freezes everything below the top level and removes own `__proto__` members, so that requests can share the nested values.
 *
 * It works without recursion, because the sender chooses the depth.
 *
 * @returns `false` for an object that
 * - holds anything except plain objects, lists and primitives (a `Map` or `Date` stays mutable when frozen),
 * - contains a reference to the top level, which stays mutable,
 * - is nested deeper than 32 levels,
 * - or holds more than 10,000 values.
 */
export function freezeNested(top: object): boolean {
  let level: object[] = [top];
  const seen = new Set<object>(level);
  let count = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return false;
    const next: object[] = [];
    for (const parent of level) {
      if (!isPlain(parent)) return false;
      if (Object.hasOwn(parent, '__proto__')) Reflect.deleteProperty(parent, '__proto__');
      for (const value of Object.values(parent)) {
        if (value === top || ++count > MAX_VALUES) return false;
        if (typeof value !== 'object' || value === null || seen.has(value)) continue;
        seen.add(value);
        next.push(value);
      }
      if (parent !== top) Object.freeze(parent);
    }
    level = next;
  }
  return true;
}

/** Whether the value is a list or a plain object. The end of the prototype chain decides, so objects of other realms count too. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
