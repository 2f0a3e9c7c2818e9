/** Bounds how many run side by side; the others wait in order. */
export interface Lane {
  /** `undefined` where there is room. */
  enter(): Promise<void> | undefined;
  leave(): void;
}

export function createLane(width: number): Lane {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    enter() {
      if (running < width) {
        running++;
        return undefined;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    leave() {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    },
  };
}
