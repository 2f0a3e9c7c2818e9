// Runs Stryker for one room. Its report is also what the next run begins with, so only changed code and changed tests are tested again.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { filesOf, ROOMS } from './rooms.mjs';
import { reusableResults } from './survivors.mjs';

const root = join(import.meta.dirname, '../..');
const FOLDER = 'bench/results/quick/mutation';

/** Folders and files that the tests read. */
const COPIED = ['lib', '__tests__', 'docs', 'README.md', 'package.json'];

export async function runRoom(name, { concurrency, force, testSeconds }) {
  const { mutate, stages } = filesOf(ROOMS[name]);
  const incrementalFile = `${FOLDER}/${name}.json`;
  const tempDirName = `${FOLDER}/sandbox-${name}`;
  process.chdir(root);
  const earlier = readReport(name);
  if (earlier !== undefined) writeFileSync(incrementalFile, JSON.stringify(reusableResults(earlier)));
  rmSync(tempDirName, { recursive: true, force: true });
  process.env.MUTATION_STAGES = JSON.stringify(stages);
  const stryker = new Stryker({
    mutate,
    plugins: [join(import.meta.dirname, 'runner.mjs')],
    testRunner: 'covering-tests',
    testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    jest: {
      enableFindRelatedTests: false,
      config: { testEnvironment: join(import.meta.dirname, 'environment.cjs'), testTimeout: testSeconds * 1000 },
    },
    coverageAnalysis: 'perTest',
    concurrency,
    // A test that waits for ever fails after its own timeout. Only a loop that never ends takes longer than this.
    timeoutMS: testSeconds * 3000,
    timeoutFactor: 4,
    // Jest keeps memory from run to run.
    maxTestRunnerReuse: 100,
    incremental: true,
    incrementalFile,
    force,
    ignorePatterns: ['/*', ...COPIED.map((path) => `!/${path}`)],
    tempDirName,
    reporters: ['progress-append-only', 'partial-report'],
    checkers: [],
    disableTypeChecks: false,
    allowConsoleColors: false,
    fileLogLevel: 'off',
    logLevel: 'info',
    thresholds: { high: 90, low: 80, break: null },
  });
  await stryker.runMutationTest();
  return readReport(name);
}

/** The report of the last run of a room, complete or not. */
export function readReport(name) {
  const file = join(root, FOLDER, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
