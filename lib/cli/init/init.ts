import { type Command, OK, type Terminal } from '../command.js';
import { UsageError } from '../usage-error.js';
import { parseArguments, requireScopeOf, USAGE } from './arguments.js';
import { type Choices, DEFAULTS } from './choices.js';
import { nextSteps } from './next-steps.js';
import { projectFiles } from './project.js';
import { askForChoices } from './questions.js';
import { FileError, writeFiles } from './write-files.js';

const NOT_WRITTEN = 1;

/** The command `init`. It writes a new app that authenticates requests, and an `.env.example` with its settings. */
export const init: Command = { usage: USAGE, run: runInit };

async function runInit(words: readonly string[], terminal: Terminal): Promise<number> {
  const args = parseArguments(words);
  if (args === 'help') {
    terminal.out(USAGE.trimEnd());
    return OK;
  }
  const choices = await choicesOf(args.given, args.yes, terminal);
  requireScopeOf(choices);
  try {
    const written = writeFiles(projectFiles(choices), terminal.folder, choices.directory);
    terminal.out(nextSteps(choices, written));
    return OK;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    terminal.err(error.message);
    return NOT_WRITTEN;
  }
}

/**
 * Returns all choices: those of flags, and for the others the replies of the user or the defaults.
 *
 * @throws UsageError if `--provider` and `--yes` are missing and standard input is not a terminal
 */
async function choicesOf(given: Partial<Choices>, yes: boolean, terminal: Terminal): Promise<Choices> {
  if (!yes && terminal.stdin.isTTY === true) return askForChoices(given, terminal);
  if (!yes && given.provider === undefined) {
    throw new UsageError(
      'Write --provider NAME, or --yes for the defaults, because there is no terminal to ask in; see --help',
    );
  }
  return { ...DEFAULTS, ...given };
}
