/** Holds listeners by the name of the event for which they listen. */
export interface NamedListeners<Listener extends object> {
  add(name: string, listener: Listener): void;
  remove(name: string, listener: Listener): void;
  /** Returns a list of the listeners that a name has at the moment of the call, in the order in which they were added. */
  of(name: string): readonly Listener[];
  /** Returns a list of the listeners that all names have at the moment of the call. */
  all(): readonly Listener[];
}

/**
 * Creates an empty collection of listeners. Unlike an `EventEmitter`, it removes a listener in constant time, even if many listeners share
 * a name. Most names have only one listener. No set is created for such a name, because a set would take five times the memory.
 */
export function createNamedListeners<Listener extends object>(): NamedListeners<Listener> {
  const byName = new Map<string, Listener | Set<Listener>>();

  return {
    add(name, listener) {
      const known = byName.get(name);
      if (known === undefined) byName.set(name, listener);
      else if (known instanceof Set) known.add(listener);
      else if (known !== listener) byName.set(name, new Set([known, listener]));
    },
    remove(name, listener) {
      const known = byName.get(name);
      if (known === listener || (known instanceof Set && known.delete(listener) && known.size === 0)) {
        byName.delete(name);
      }
    },
    of(name) {
      const known = byName.get(name);
      if (known === undefined) return [];
      return known instanceof Set ? [...known] : [known];
    },
    all: () => [...byName.values()].flatMap((known) => (known instanceof Set ? [...known] : [known])),
  };
}
