import { createIntrospector } from '../introspector.js';
import { parseOptions } from '../options/parse.js';
import { type Arguments, parseArguments, requireOneServer, USAGE } from './arguments.js';
import { type Command, OK, type Terminal, USAGE_ERROR } from './command.js';
import { describeEnvironment, readEnvironment } from './environment.js';
import { namesIn, optionsOf } from './options.js';
import { withoutSecrets } from './redact.js';
import { printableJson, type Report, render } from './render.js';
import { readTokenFrom, type Source } from './secrets.js';
import { reportOn, withoutScheme } from './token-report.js';
import { UsageError } from './usage-error.js';
import { variablesFor, withVariables } from './variables.js';
import { inCommandWords } from './wording.js';

export const EXIT = { ok: OK, rejected: 1, usage: USAGE_ERROR, outage: 3 } as const;

type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const PADDED_SECRET = 'The secret begins or ends with a space or a line break. It is sent unchanged.';

const OUTAGE = 503;

/**
 * The command `check`. It reports whether the settings of an app work. With `--token`, it also reports whether a request with this token
 * would be accepted.
 */
export const check: Command = { usage: USAGE, run: runCheck };

async function runCheck(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const args = parseArguments(words);
  if (args === 'help') {
    terminal.out(USAGE.trimEnd());
    return EXIT.ok;
  }
  try {
    const report = await reportFor(args, terminal);
    terminal.out(args.json ? printableJson(report) : render(report, terminal.isColourful));
    return exitCodeOf(report);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(inCommandWords(error.message, args));
  }
}

/**
 * Creates the report of `check`, in which all secrets are replaced. Prints to standard error which variables were read from the file.
 *
 * @throws UsageError, or TypeError for an invalid option
 */
async function reportFor(given: Arguments, terminal: Terminal): Promise<Report> {
  const names = [...variablesFor(given).map(({ name }) => name), ...namesIn(given['option-env'])];
  const environment = readEnvironment(terminal, given['env-file'], names);
  for (const line of describeEnvironment(environment, given['env-file'])) terminal.err(line);
  const args = withVariables(given, environment);
  requireOneServer(args);
  const source: Source = { stdin: terminal.stdin, stderr: terminal.stderr, env: environment.variables };
  const secrets = new Set<string>();
  const report = await reportOf(args, source, secrets);
  return withoutSecrets(report, secrets, args['authorization-server'] !== undefined);
}

/**
 * Creates the report of `check`, in which secrets may still occur. Adds every secret that it reads, and the token, to the set `secrets`, so
 * that the caller can replace them.
 */
async function reportOf(args: Arguments, source: Source, secrets: Set<string>): Promise<Report> {
  const options = await optionsOf(args, source, secrets);
  const settings = parseOptions(options);
  const introspector = createIntrospector(settings);
  try {
    const padded = [...secrets].some((secret) => ![secret, ''].includes(secret.trim()));
    const token = args.token ? await readTokenFrom(source) : undefined;
    if (token !== undefined) secrets.add(token).add(withoutScheme(token));
    const verified = await introspector.verifyConfiguration();
    const configuration = padded ? { ...verified, warnings: [PADDED_SECRET, ...verified.warnings] } : verified;
    if (token === undefined || !configuration.ok) return { configuration, token: undefined };
    return { configuration, token: await reportOn(token, introspector, settings, notChecked(args)) };
  } finally {
    await introspector.close();
  }
}

/**
 * Returns the names of the checks of the token that no flag and no variable sets, for the report. `audience` is among them even if a preset
 * sets the option to `false`, because then the audience is not checked either.
 */
function notChecked(args: Arguments): string[] {
  return (['audience', 'issuer', 'scope'] as const).filter((name) => args[name] === undefined);
}

function exitCodeOf({ configuration, token }: Report): ExitCode {
  if (!configuration.ok) return EXIT.outage;
  if (token?.status === OUTAGE) return EXIT.outage;
  return token?.accepted === false ? EXIT.rejected : EXIT.ok;
}
