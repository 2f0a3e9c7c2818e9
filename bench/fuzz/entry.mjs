// Jazzer.js loads this file. The environment names the target, the folder of the compiled library, and a file for the counts.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createExecution } from './harness.mjs';
import { TARGETS } from './targets/index.mjs';

const { FUZZ_TARGET, FUZZ_LIBRARY, FUZZ_COUNTS } = process.env;
const require = createRequire(import.meta.url);
const counts = { executions: 0, admitted: 0 };

const target = TARGETS.find(({ name }) => name === FUZZ_TARGET);
const execute = await createExecution(
  target,
  (path) => require(join(FUZZ_LIBRARY, path)),
  (isAdmitted) => {
    counts.executions++;
    if (isAdmitted) counts.admitted++;
  },
);

export function fuzz(bytes) {
  return execute(bytes);
}

process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  writeFileSync(FUZZ_COUNTS, JSON.stringify({ ...counts, cpuSeconds: (user + system) / 1e6 }));
});
