// Keeps the results of an unfinished run, in the format that Stryker reads at the beginning of the next one.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { readStages } from './stages.mjs';

const INTERVAL_MS = 10_000;

export class PartialReport {
  tests = [];
  mutants = [];
  writtenAt = 0;

  constructor(options) {
    this.file = options.incrementalFile;
    // The run uses copies of the files, so changes during the run must not get into the report.
    const names = [...options.mutate, ...readStages().flat()];
    this.sources = new Map(names.map((name) => [name, readFileSync(name, 'utf8')]));
  }

  onDryRunCompleted({ result }) {
    this.tests = result.tests;
  }

  onMutantTested(mutant) {
    this.mutants.push(mutant);
    if (Date.now() - this.writtenAt < INTERVAL_MS) return;
    this.write(toReport(this.mutants, this.tests));
    this.writtenAt = Date.now();
  }

  onMutationTestReportReady(report) {
    this.complete = report;
  }

  wrapUp() {
    if (this.complete !== undefined) this.write(structuredClone(this.complete));
  }

  /** An interrupted write must not leave half a file. */
  write(report) {
    for (const files of [report.files, report.testFiles]) {
      for (const [name, file] of Object.entries(files)) file.source = this.sources.get(name);
    }
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileSync(`${this.file}.part`, JSON.stringify(report));
    renameSync(`${this.file}.part`, this.file);
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
  entries[name] ??= create();
  return entries[name];
}
