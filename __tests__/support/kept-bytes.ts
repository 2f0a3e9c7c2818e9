import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Runs `work`, and returns by how many bytes the heap is larger when it has ended. Garbage is not counted. */
export async function measureKeptBytes(work: () => void | Promise<void>): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heapBytes = () => {
    // What only weak references hold is collected the second time.
    for (let i = 0; i < 2; i++) collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = heapBytes();
  await work();
  return heapBytes() - before;
}
