/** Counts pending promises, so that `close()` of an introspector can wait until none is pending. */
export interface PendingWork {
  /** Counts a promise as pending until it settles. Returns the same promise. */
  add<T>(work: Promise<T>): Promise<T>;
  /** Resolves when no promise that was passed to `add()` is pending. */
  idle(): Promise<void>;
}

export function createPendingWork(): PendingWork {
  let count = 0;
  let whenIdle: (() => void)[] = [];

  function end(): void {
    count--;
    if (count > 0) return;
    for (const resolve of whenIdle) resolve();
    whenIdle = [];
  }

  return {
    add(work) {
      count++;
      work.then(end, end);
      return work;
    },
    idle: () =>
      new Promise((resolve) => {
        if (count === 0) resolve();
        else whenIdle.push(resolve);
      }),
  };
}
