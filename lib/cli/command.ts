import type { Source } from './secrets.js';

/** The streams, variables and folder that a command uses. */
export interface Terminal extends Source {
  readonly isColourful: boolean;
  /** The folder in which the command was started. */
  readonly folder: string;
  out(text: string): void;
  err(text: string): void;
}

/** One command, such as `check`. */
export interface Command {
  /** The text that `--help` prints for this command. */
  readonly usage: string;
  /**
   * Runs the command, with the words of the command line that follow its name. Returns the exit code.
   *
   * @throws UsageError for a mistake in the command line
   */
  run(words: readonly string[], terminal: Terminal): Promise<number>;
}

/** Exit code of every command when it succeeds. */
export const OK = 0;
/** Exit code of every command for a mistake in the command line. */
export const USAGE_ERROR = 2;
