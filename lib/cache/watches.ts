/** Who wants to be told, by the names of what they want to be told of. It costs nothing where nobody does. */
export interface Watches {
  /** @returns stops it */
  watch(names: readonly string[], tell: () => void): () => void;
  tell(name: string): void;
}

export function createWatches(): Watches {
  const watchers = new Map<string, Set<() => void>>();

  return {
    watch(names, tell) {
      // Of its own, so that the same function can watch twice.
      const watcher = () => tell();
      for (const name of names) {
        const others = watchers.get(name);
        if (others === undefined) watchers.set(name, new Set([watcher]));
        else others.add(watcher);
      }
      return () => {
        for (const name of names) {
          const others = watchers.get(name);
          if (others?.delete(watcher) && others.size === 0) watchers.delete(name);
        }
      };
    },
    tell(name) {
      for (const watcher of [...(watchers.get(name) ?? [])]) watcher();
    },
  };
}
