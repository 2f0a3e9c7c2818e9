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
  /** The text that `--help` prints. */
  readonly usage: string;
  /**
   * Runs the command, with the words after its name. Returns the exit code.
   *
   * @throws UsageError
   */
  run(words: readonly string[], terminal: Terminal): Promise<number>;
}

/** Exit codes that all commands share. */
export const OK = 0;
export const USAGE_ERROR = 2;
