/**
 * A copy with only an object's own members, and without a prototype: what another package adds to `Object.prototype`
 * is never read from it. Nested values are not copied.
 */
export function ownMembers<T extends object>(given: T): T {
  return Object.assign(Object.create(null), given);
}

/** One own member of an object; `undefined` when the object does not have it itself, or is no object. */
export function ownMember(given: unknown, name: string): unknown {
  return typeof given === 'object' && given !== null && Object.hasOwn(given, name)
    ? (given as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** Copies members onto an object as its own, even where `Object.prototype` is frozen and has members of these names. */
export function setMembers<T extends object, Members extends object>(target: T, members: Members): T & Members {
  try {
    return Object.assign(target, members);
  } catch {
    // Assignment throws for a name that a frozen prototype has, such as `constructor`; a definition does not.
    for (const [name, value] of Object.entries(members)) {
      Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
    }
    return target as T & Members;
  }
}
