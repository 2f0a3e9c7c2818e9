/** Counts what is under way, so that closing can wait for it. */
export interface PendingWork {
  /** Counts a promise until it ends, and returns the same promise. */
  add<T>(work: Promise<T>): Promise<T>;
  /** Ends once nothing is under way. */
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
