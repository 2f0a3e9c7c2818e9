/**
 * npm run model [-- --processes=2 --tokens=1 --events=12 ...]    explores the orders of events; exits with code 1 on a violation
 * npm run model -- --guards                                      removes each guard, and finds a counterexample
 * npm run model -- --replay                                      repeats the counterexamples of the last run with --guards
 *
 * All limits are in model/limits.mjs. With --write, the result goes to results/model/ and docs/quality.md.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { withLibrary } from './model/build.mjs';
import { explore } from './model/explore.mjs';
import { findCounterexamples, replayCounterexamples } from './model/guards.mjs';
import { DEFAULTS } from './model/limits.mjs';
import { writeExploration, writeGuards } from './model/report.mjs';

const names = Object.keys(DEFAULTS);
const { values } = parseArgs({
  options: {
    ...Object.fromEntries([...names, 'workers'].map((name) => [name, { type: 'string' }])),
    ...Object.fromEntries(['guards', 'replay', 'write'].map((name) => [name, { type: 'boolean', default: false }])),
  },
});
const numberOr = (text) => (Number.isNaN(Number(text)) ? text : Number(text));
const given = names.filter((name) => values[name] !== undefined).map((name) => [name, numberOr(values[name])]);
const limits = { ...DEFAULTS, ...Object.fromEntries(given) };
const workers = Number(values.workers ?? availableParallelism());
const command = `npm run model${process.argv
  .slice(2)
  .filter((word) => word !== '--write')
  .map((word, index) => `${index === 0 ? ' --' : ''} ${word}`)
  .join('')}`;

await withLibrary(values.guards ? removeGuards : values.replay ? replayGuards : exploreAll);

async function exploreAll(built) {
  const report = ({ depth, states, seconds }) =>
    console.log(`${depth} events: ${states} states in ${seconds.toFixed(1)} s`);
  const found = await explore(built, limits, { workers, report });
  const perSecond = Math.round(found.states / found.seconds);
  const extent = found.isComplete ? 'all' : 'stopped at a limit';
  console.log(`${found.states} states, ${found.paths} paths, ${perSecond} states a second, ${extent}`);
  console.log(
    `${found.cpuSeconds.toFixed(0)} s of CPU time, ${Math.round(found.states / found.cpuSeconds)} states for each`,
  );
  if (found.violation !== undefined) console.log(found.violation.timeline.join('\n'));
  if (found.violation !== undefined) process.exitCode = 1;
  if (values.write) writeExploration({ command, limits, workers, ...found });
}

async function removeGuards(built) {
  const guards = await findCounterexamples(built, limits.seconds, workers, ({ guard, timeline, states, seconds }) => {
    console.log(`\n${guard}: ${states} states, ${seconds.toFixed(1)} s`);
    console.log(timeline === undefined ? 'NO COUNTEREXAMPLE' : timeline.join('\n'));
  });
  if (guards.some(({ timeline }) => timeline === undefined)) process.exitCode = 1;
  if (values.write) writeGuards(guards);
}

async function replayGuards(built) {
  for (const { guard, violation } of await replayCounterexamples(built)) {
    console.log(`${violation === undefined ? 'NO VIOLATION' : 'violation'}: ${guard}`);
    if (violation === undefined) process.exitCode = 1;
  }
}
