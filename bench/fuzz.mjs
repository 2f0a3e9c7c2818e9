/**
 * npm run fuzz -- [--seconds=60]                 fuzzes all targets, one after the other; exits with code 1 on a finding
 * npm run fuzz -- dpop-proof --seconds=600       fuzzes one target
 * npm run fuzz -- dpop-proof --input=FILE        runs one input, such as that of a finding
 * npm run fuzz -- --replay                       runs the committed inputs, without the fuzzer
 * npm run fuzz -- --guards                       removes guards of the library, and runs the committed inputs
 * npm run fuzz -- --planted                      plants a fault, and fuzzes with and without knowledge of the code that runs
 *
 * With --minimize, the committed inputs are replaced after the run. With --write, the result goes to results/fuzz/ and docs/quality.md. With
 * --verbose, the output of the fuzzer is shown.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { commit, committed, emptyFolder, writeInputs } from './fuzz/corpus.mjs';
import { fuzz, installJazzer, minimize } from './fuzz/jazzer.mjs';
import { fuzzPlanted } from './fuzz/planted.mjs';
import { replay, replayWithoutGuards } from './fuzz/replay.mjs';
import { writeResults } from './fuzz/report.mjs';
import { TARGETS } from './fuzz/targets/index.mjs';
import { withLibrary } from './model/build.mjs';

/** The fuzzer keeps the inputs that it has found here, so that the next run goes on with them. */
const WORK = join(import.meta.dirname, 'results/quick/fuzz');

const flag = { type: 'boolean', default: false };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{
      seconds: { type: 'string', default: '60' },
      input: { type: 'string' },
      replay: flag,
      guards: flag,
      planted: flag,
    },
    ...{ minimize: flag, write: flag, verbose: flag },
  },
});
const targets = positionals.length === 0 ? TARGETS : positionals.map(targetOf);
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error('--seconds is a number above 0');

await withLibrary(workOf(values));

function workOf({ input, replay, guards, planted }) {
  if (input !== undefined) return runInput;
  if (planted) return findPlanted;
  if (guards) return removeGuards;
  return replay ? replayAll : fuzzAll;
}

async function fuzzAll(built) {
  const jazzer = installJazzer();
  for (const target of targets) {
    const folder = join(WORK, target.name);
    const [corpus, minimal, findings] = ['corpus', 'minimal', 'findings'].map((name) => join(folder, name));
    writeInputs(target, corpus);
    const counts = await fuzz(jazzer, target, { built, corpus, findings, seconds, isVerbose: values.verbose });
    if (values.minimize) {
      emptyFolder(minimal);
      await minimize(jazzer, target, { built, corpus, minimal });
      commit(target, minimal);
    }
    print(target, counts);
    if (values.write) writeResults(target, { ...counts, seconds, inputs: committed(target).length });
  }
}

function print({ name }, { executions, admitted, cpuSeconds, finding, problem }) {
  const perSecond = Math.round(executions / cpuSeconds);
  console.log(
    `${name}: ${executions} executions, ${admitted} admitted, ${cpuSeconds.toFixed(0)} s of CPU time, ${perSecond} executions for each`,
  );
  if (finding === undefined) return;
  process.exitCode = 1;
  console.log(
    `FINDING: ${problem}\nRepeat it: npm run fuzz -- ${name} --input=${relative(join(import.meta.dirname, '..'), finding)}`,
  );
}

async function findPlanted(built) {
  const jazzer = installJazzer();
  for (const isGuided of [true, false]) {
    const folder = join(WORK, 'planted');
    const { executions, cpuSeconds, finding } = await fuzzPlanted(jazzer, built, { folder, seconds, isGuided });
    const result = finding === undefined ? 'not found' : 'found';
    const how = isGuided ? 'guided' : 'not guided';
    console.log(`${how}: ${result} in ${executions} executions, ${cpuSeconds.toFixed(0)} s of CPU time`);
    if (isGuided !== (finding !== undefined)) process.exitCode = 1;
  }
}

async function runInput(built) {
  if (positionals.length !== 1) throw new Error('--input needs the name of one target');
  const { failure } = await replay(targets[0], built, [readFileSync(values.input)]);
  console.log(failure?.stack ?? 'no finding');
  if (failure !== undefined) process.exitCode = 1;
}

async function replayAll(built) {
  for (const target of targets) {
    const { executions, admitted, failure } = await replay(target, built);
    console.log(
      `${target.name}: ${executions} inputs, ${admitted} admitted${failure ? `\nFINDING: ${failure.stack}` : ''}`,
    );
    if (failure !== undefined) process.exitCode = 1;
  }
}

async function removeGuards(built) {
  for (const target of targets) {
    for (const { guard, failure } of await replayWithoutGuards(target, built)) {
      console.log(`${failure === undefined ? 'NO FAILURE' : 'failure'}: ${guard}`);
      if (values.verbose) console.log(failure?.message);
      if (failure === undefined) process.exitCode = 1;
    }
  }
}

function targetOf(name) {
  const target = TARGETS.find((candidate) => candidate.name === name);
  if (target === undefined)
    throw new Error(`There is no target ${name}; write one of ${TARGETS.map((each) => each.name).join(', ')}`);
  return target;
}
