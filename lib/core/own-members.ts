/**
 * Copies the own members of an object to one without a prototype, so members that another package adds to `Object.prototype`
 * are never read from it. Nested values are not copied.
 */
export function ownMembers<T extends object>(given: T): T {
  return Object.assign(Object.create(null), given);
}

/** Reads one own member; `undefined` when the object does not have it itself, or when the value is not an object. */
export function ownMember(given: unknown, name: string): unknown {
  return typeof given === 'object' && given !== null && Object.hasOwn(given, name)
    ? (given as Readonly<Record<string, unknown>>)[name]
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
