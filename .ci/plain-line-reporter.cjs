// Ends a test run with one line of totals. A suite that could not run counts as a failure.
module.exports = class PlainLineReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`;
    // Jest prints its own summary after all reporters, so this line waits for the exit.
    process.once('exit', () => process.stderr.write(line));
  }
};
