import { readResults } from '../quality-page.mjs';
import { withoutGuard } from './build.mjs';
import { explore, startWorker } from './explore.mjs';
import { MUTANTS } from './mutants.mjs';

/** Removes each guard, and explores until a counterexample is found. */
export async function findCounterexamples(built, seconds, workers, report) {
  const found = [];
  for (const mutant of MUTANTS) {
    const limits = { ...mutant.limits, seconds };
    const result = await withoutGuard(built, mutant, () => explore(built, limits, { workers }));
    const { path, timeline } = result.violation ?? {};
    const file = `lib/${mutant.file.replace(/js$/, 'ts')}`;
    found.push({ guard: mutant.guard, file, path, timeline, states: result.states, seconds: result.seconds });
    report(found.at(-1));
  }
  return found;
}

/** Repeats the counterexamples of the last run. */
export async function replayCounterexamples(built) {
  const { guards } = readResults('model');
  const replayed = [];
  for (const mutant of MUTANTS) {
    const { guard, limits } = mutant;
    const { path } = guards.find((known) => known.guard === guard) ?? {};
    if (path === undefined) throw new Error(`${guard}: run npm run model -- --guards --write`);
    replayed.push({ guard, violation: await withoutGuard(built, mutant, () => replay(built, limits, path)) });
  }
  return replayed;
}

async function replay(built, limits, path) {
  const worker = startWorker(built, limits);
  const [{ violation }] = await worker.reach([path]);
  await worker.stop();
  return violation;
}
