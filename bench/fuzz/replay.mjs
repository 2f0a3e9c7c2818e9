// Runs the committed inputs through the assertions, without Jazzer.js.
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { withoutGuard } from '../model/build.mjs';
import { inputsOf } from './corpus.mjs';
import { createExecution } from './harness.mjs';

const require = createRequire(import.meta.url);

/** Runs inputs of a target. Returns how many there were, how many of them the library admitted, and the first failure. */
export async function replay(target, built, inputs = inputsOf(target)) {
  const counts = { executions: 0, admitted: 0, failure: undefined };
  const execute = await createExecution(target, loadFrom(built), (isAdmitted) => {
    counts.executions++;
    if (isAdmitted) counts.admitted++;
  });
  for (const bytes of inputs) {
    try {
      await execute(bytes);
    } catch (failure) {
      return { ...counts, failure };
    }
  }
  return counts;
}

/** Removes each guard of a target from the library. Returns the guards, each with the failure of the first input that shows it. */
export async function replayWithoutGuards(target, built) {
  const results = [];
  for (const { file, from, to } of target.guards) {
    const guard = `${target.name}: ${from} in ${file}`;
    const { failure } = await withoutGuard(built, { guard, file, from, to }, () => replay(target, built));
    results.push({ guard, failure });
  }
  return results;
}

/** Loads the files of the library again, because a guard may have been removed since they were loaded. */
function loadFrom(built) {
  for (const path of Object.keys(require.cache)) if (path.startsWith(`${built}${sep}`)) delete require.cache[path];
  return (path) => require(join(built, path));
}
