// Reaches states for the search. It runs in a thread of its own, because it replaces the timers and the clocks of Node.
import { parentPort, workerData } from 'node:worker_threads';
import { withoutRepeated } from './independent.mjs';
import { loadLibrary } from './library.mjs';
import { STARTS } from './limits.mjs';
import { installMachine } from './machine.mjs';
import { describe } from './timeline.mjs';
import { startWorld } from './world.mjs';

const { folder, limits } = workerData;
const library = loadLibrary(folder);
installMachine();

async function reach(path) {
  const world = await startWorld(library, limits);
  const last = path.at(-1);
  for (const event of path.slice(0, -1)) await world.perform(event);
  const before = world.events();
  if (last !== undefined) await world.perform(last);
  const events = path.length < limits.events ? withoutRepeated(world.events(), last, before) : [];
  return { digest: world.digest(), events, violation: world.violation() };
}

/** Lets the events of a path happen, and describes each of them. */
async function tell(path) {
  const world = await startWorld(library, limits);
  const lines = STARTS[limits.start].length > 0 ? ['at the start, the response of token A is cached'] : [];
  for (const event of path) {
    const [name, , id] = event.split(' ');
    lines.push(describe(event, world.messageOf(name, id), world.now()));
    await world.perform(event);
  }
  if (world.violation() !== undefined) lines.push(`VIOLATION: ${world.violation()}`);
  return lines;
}

parentPort.on('message', async ({ paths, isTold }) => {
  const results = [];
  for (const path of paths) results.push(await (isTold ? tell(path) : reach(path)));
  parentPort.postMessage(results);
});
