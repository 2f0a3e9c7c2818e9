/** A map with a maximum size. When it is full, a new entry removes the entry that was not read or set for the longest time. */
export interface LruMap<T> {
  get(name: string): T | undefined;
  set(name: string, value: T): void;
}

export function createLruMap<T>(max: number): LruMap<T> {
  /** Entries in the order of their last use. The entry that was not used for the longest time comes first. */
  const values = new Map<string, T>();

  function set(name: string, value: T): void {
    values.delete(name);
    values.set(name, value);
    for (const oldest of values.keys()) {
      if (values.size <= max) return;
      values.delete(oldest);
    }
  }

  return {
    get(name) {
      const value = values.get(name);
      if (value !== undefined) set(name, value);
      return value;
    },
    set,
  };
}
