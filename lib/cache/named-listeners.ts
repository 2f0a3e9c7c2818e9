/** Listeners for events with names. */
export interface NamedListeners<Listener extends object> {
  add(name: string, listener: Listener): void;
  remove(name: string, listener: Listener): void;
  /** The listeners of a name when this method is called, in the order in which they were added. */
  of(name: string): readonly Listener[];
  /** The listeners of all names when this method is called. */
  all(): readonly Listener[];
}

/**
 * Unlike an emitter, this removes a listener in constant time, however many share a name. Most names have one listener: then no set is
 * created, which would take five times the memory.
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
