// Runs seeds in a thread of its own, because the simulation replaces the timers and the clocks of Node.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { installSimulation } from './machine.mjs';
import { runSeed } from './run.mjs';

const library = createRequire(import.meta.url)(join(workerData.folder, 'index.js'));
installSimulation();
// The rules compare codes only, and traces of calls take time.
Error.stackTraceLimit = 0;

parentPort.on('message', async ({ seeds, isTold }) => {
  const results = [];
  for (const seed of seeds) {
    const { lines, ...result } = await runSeed(library, seed);
    results.push(isTold || result.violation !== undefined ? { ...result, lines } : result);
    if (result.violation !== undefined) break;
  }
  parentPort.postMessage(results);
});
