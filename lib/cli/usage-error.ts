/** A mistake in the command line. The message of this error is printed, and the exit code is 2. */
export class UsageError extends Error {}
