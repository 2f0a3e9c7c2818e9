// Reads a report of Stryker: counts the mutants, and compares those that survived with the list of equivalent mutants.

const FATES = { Killed: 'killed', Timeout: 'timedOut', Survived: 'survived', NoCoverage: 'notCovered' };

/** Whether a test was stopped because it took too long. A busy machine may be the reason. */
function isTimeout({ status, statusReason = '' }) {
  return status === 'Timeout' || (status === 'Killed' && statusReason.includes('Exceeded timeout of'));
}

/** How many mutants of a report had each fate. A covered mutant is one whose code runs in at least one test. */
export function countMutants({ files }) {
  const counts = { mutants: 0, killed: 0, timedOut: 0, survived: 0, notCovered: 0, failed: 0 };
  for (const mutant of Object.values(files).flatMap(({ mutants }) => mutants)) {
    counts.mutants += 1;
    counts[isTimeout(mutant) ? 'timedOut' : (FATES[mutant.status] ?? 'failed')] += 1;
  }
  return counts;
}

/** Share of the covered mutants that the tests killed. A mutant that is listed as equivalent counts as one that survived. */
export function scoreOf({ killed, timedOut, survived }) {
  const covered = killed + timedOut + survived;
  return covered === 0 ? 0 : (killed + timedOut) / covered;
}

/** A score in percent, rounded down. */
export function formatScore(counts) {
  return `${(Math.floor(scoreOf(counts) * 1000) / 10).toFixed(1)} %`;
}

/**
 * A report without the results that the next run must not take over: mutants that failed to run or timed out, and survivors in code that
 * runs while a module loads. Stryker does not know which tests run that code, so it would not notice a new test.
 */
export function reusableResults(report) {
  const isReusable = (mutant) =>
    ['Killed', 'NoCoverage', 'Survived'].includes(mutant.status) &&
    !isTimeout(mutant) &&
    !(mutant.status === 'Survived' && mutant.static === true);
  const files = Object.entries(report.files).map(([name, file]) => [
    name,
    { ...file, mutants: file.mutants.filter(isReusable) },
  ]);
  return { ...report, files: Object.fromEntries(files) };
}

/**
 * The mutants of a report with one status. `line` is the first line that the mutant changes, so a description stays the same when
 * code moves; `original` and `replacement` are also only first lines.
 */
export function mutantsWith(status, { files }) {
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants
      .filter((mutant) => mutant.status === status)
      .sort((one, other) => one.location.start.line - other.location.start.line)
      .map(({ location: { start, end }, mutatorName, replacement }) => {
        const text = lines[start.line - 1];
        const last = start.line === end.line ? end.column - 1 : text.length;
        return {
          file,
          lineNumber: start.line,
          mutator: mutatorName,
          line: text.trim(),
          original: text.slice(start.column - 1, last),
          replacement: replacement.split('\n')[0],
        };
      });
  });
}

/**
 * Compares mutants that survived with the entries of the list about the same files. An entry describes as many mutants as its
 * `times` says, 1 by default. Returns the unlisted mutants, and the entries that describe more or fewer mutants than survived.
 */
export function compareWithList(survivors, entries) {
  const found = new Map();
  for (const survivor of survivors) found.set(keyOf(survivor), [...(found.get(keyOf(survivor)) ?? []), survivor]);
  const known = new Set(entries.map(keyOf));
  return {
    listed: survivors.filter((survivor) => known.has(keyOf(survivor))),
    unlisted: survivors.filter((survivor) => !known.has(keyOf(survivor))),
    outdated: entries.filter((entry) => (found.get(keyOf(entry))?.length ?? 0) !== (entry.times ?? 1)),
  };
}

function keyOf({ file, mutator, line, original, replacement }) {
  return JSON.stringify([file, mutator, line, original, replacement]);
}
