/** A mistake in how the command was written. Its message is printed, and the exit code is 2. */
export class UsageError extends Error {}
