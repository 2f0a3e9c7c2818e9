// Keeps the results of an unfinished run, in the format that Stryker reads at the beginning of the next one.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';

const INTERVAL_MS = 10_000;

export class PartialReport {
  tests = [];
  mutants = [];
  writtenAt = 0;

  constructor(options) {
    this.options = options;
  }

  onDryRunCompleted({ result }) {
    this.tests = result.tests;
  }

  onMutantTested(mutant) {
    this.mutants.push(mutant);
    if (Date.now() - this.writtenAt < INTERVAL_MS) return;
    this.write();
    this.writtenAt = Date.now();
  }

  /** Stryker writes the complete report itself. An interrupted write must not leave half a file. */
  write() {
    const file = this.options.incrementalFile;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.part`, JSON.stringify(toReport(this.mutants, this.tests)));
    renameSync(`${file}.part`, file);
  }
}
PartialReport.inject = ['options'];

function toReport(mutants, tests) {
  const files = {};
  for (const { fileName, ...mutant } of mutants) {
    entry(files, fileName, () => ({ language: 'typescript', mutants: [] })).mutants.push(mutant);
  }
  const testFiles = {};
  for (const { fileName, id, name, startPosition } of tests) {
    const start = { line: startPosition.line + 1, column: startPosition.column + 1 };
    entry(testFiles, fileName, () => ({ tests: [] })).tests.push({ id, name, location: { start } });
  }
  return { schemaVersion: '1.0', thresholds: { high: 90, low: 80 }, files, testFiles };
}

function entry(entries, fileName, create) {
  const name = relative(process.cwd(), fileName);
  entries[name] ??= { source: readFileSync(fileName, 'utf8'), ...create() };
  return entries[name];
}
