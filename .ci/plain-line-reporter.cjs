// Closes a test run with one plain line. A suite that could not run counts as a failure, not as nothing.
module.exports = class PlainLineReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`;
    // Jest's own summary comes after the reporters.
    process.once('exit', () => process.stderr.write(line));
  }
};
