/**
 * Copies the own members of an object to a new object without a prototype. If another package has added members to `Object.prototype`, the
 * copy does not have them. Nested values are not copied.
 */
export function ownMembers<T extends object>(source: T): T {
  return Object.assign(Object.create(null), source);
}

/** Reads one own member of an object. Returns `undefined` for a missing or inherited member, and for a value that is no object. */
export function ownMember(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/**
 * Sets the `members` as own members of `target`, and returns `target`. Unlike `Object.assign`, this works even if a frozen
 * `Object.prototype` has members of the same names.
 */
export function setMembers<T extends object, Members extends object>(target: T, members: Members): T & Members {
  try {
    return Object.assign(target, members);
  } catch {
    // An assignment throws for a name that a frozen prototype has, such as `constructor`. `defineProperty` does not throw.
    for (const [name, value] of Object.entries(members)) {
      Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
    }
    return target as T & Members;
  }
}
