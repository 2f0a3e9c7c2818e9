const MAX_DEPTH = 32;

/**
 * Maximum number of members and list items in one JSON value, counted over all levels. There is a limit, because a parsed value takes up to
 * 20 times as much memory as its text.
 */
export const MAX_VALUES = 10_000;

/**
 * Freezes everything below the top level and removes own `__proto__` members, so that requests can share the nested values.
 *
 * The function uses no recursion, because the sender of the object chooses the depth.
 *
 * @returns `false`, perhaps after freezing some of the values, for an object that
 * - holds anything except plain objects, lists and primitives (a `Map` or `Date` stays mutable when frozen),
 * - contains a reference to the top level, which stays mutable,
 * - is nested deeper than 32 levels,
 * - or holds more than 10,000 values.
 */
export function freezeNested(top: object): boolean {
  let level: object[] = [top];
  let seen: Set<object> | undefined;
  let count = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return false;
    const next: object[] = [];
    for (const parent of level) {
      if (!isPlain(parent)) return false;
      if (Object.hasOwn(parent, '__proto__')) Reflect.deleteProperty(parent, '__proto__');
      for (const value of Object.values(parent)) {
        if (value === top || ++count > MAX_VALUES) return false;
        if (typeof value !== 'object' || value === null || seen?.has(value)) continue;
        seen ??= new Set();
        seen.add(value);
        next.push(value);
      }
      if (parent !== top) Object.freeze(parent);
    }
    level = next;
  }
  return true;
}

/**
 * Whether the value is a list or a plain object. A plain object has no prototype, or a prototype that has none itself. A comparison with
 * `Object.prototype` would exclude plain objects of other realms.
 */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
