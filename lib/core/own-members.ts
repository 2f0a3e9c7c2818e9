/**
 * Copies the own members of an object to one without a prototype, so members that another package adds to `Object.prototype`
 * are never read from it. Nested values are not copied.
 */
export function ownMembers<T extends object>(source: T): T {
  return Object.assign(Object.create(null), source);
}

/** Reads one own member; `undefined` when the object does not have it itself, or when the value is not an object. */
export function ownMember(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** Sets own members on an object. It works even if `Object.prototype` is frozen and has members of the same names. */
export function setMembers<T extends object, Members extends object>(target: T, members: Members): T & Members {
  try {
    return Object.assign(target, members);
  } catch {
    // Assigning a name that a frozen prototype has, such as `constructor`, throws. Defining it does not.
    for (const [name, value] of Object.entries(members)) {
      Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
    }
    return target as T & Members;
  }
}
