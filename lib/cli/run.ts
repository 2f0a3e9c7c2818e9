import { nearestName } from '../core/nearest-name.js';
import { printable } from '../diagnostics/printable.js';
import { VERSION } from '../introspection/user-agent.js';
import { check } from './check.js';
import { type Command, OK, type Terminal, USAGE_ERROR } from './command.js';
import { init } from './init/init.js';
import { probe } from './probe/probe.js';
import { printableJson } from './render.js';
import { UsageError } from './usage-error.js';

const COMMANDS: ReadonlyMap<string, Command> = new Map(Object.entries({ init, check, probe }));

export const USAGE = `Usage: express-token-introspection <command> [options]

  init [options]    writes an app that checks access tokens, for your authorization server
  check [options]   reports whether your settings work, and whether a token would be accepted
  probe URL         reports where the responses of a running API differ from the specifications

Add --help to a command to see its options and exit codes. --version prints the version.
`;

/** Runs the command that the first word names, and resolves to its exit code. Mistakes in the command line are printed, not thrown. */
export async function run(words: readonly string[], output: Terminal): Promise<number> {
  const [name, ...rest] = words;
  // Messages may repeat words of the command line, and each message is one line.
  const terminal: Terminal = { ...output, err: (text) => output.err(printable(text)) };
  try {
    if (name === undefined || name === '--help' || name === '-h') return print(terminal, USAGE.trimEnd());
    if (name === '--version') return print(terminal, VERSION);
    return await commandOf(name).run(rest, terminal);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { message } = error;
    // Scripts read JSON from standard output, even when the command fails.
    if (words.includes('--json')) terminal.out(printableJson({ error: message }));
    terminal.err(message);
    return USAGE_ERROR;
  }
}

/**
 * Returns the command of this name.
 *
 * @throws UsageError if there is no command of this name
 */
function commandOf(name: string): Command {
  const command = COMMANDS.get(name);
  if (command !== undefined) return command;
  if (name.startsWith('-')) throw new UsageError('Write the command first: init, check or probe; see --help');
  const meant = nearestName(name, [...COMMANDS.keys()]);
  const hint = meant === undefined ? 'the commands are init, check and probe; see --help' : `did you mean ${meant}?`;
  throw new UsageError(`There is no command ${name}; ${hint}`);
}

function print(terminal: Terminal, text: string): number {
  terminal.out(text);
  return OK;
}
