import { VERSION } from '../introspection/user-agent.js';
import { createIntrospector } from '../introspector.js';
import { parseOptions } from '../options/parse.js';
import { type Arguments, parseArguments, USAGE, UsageError } from './arguments.js';
import { optionsOf } from './options.js';
import { withoutSecrets } from './redact.js';
import { printableJson, type Report, render } from './render.js';
import { readTokenFrom, type Source } from './secrets.js';
import { reportOn, withoutScheme } from './token-report.js';
import { inCommandWords } from './wording.js';

/** The streams and variables that the command uses. */
export interface Terminal extends Source {
  readonly isColourful: boolean;
  out(text: string): void;
  err(text: string): void;
}

export const EXIT = { ok: 0, rejected: 1, usage: 2, outage: 3 } as const;

const PADDED_SECRET = 'The secret begins or ends with a space or a line break. It is sent unchanged.';

const OUTAGE = 503;

type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Runs the command and returns its exit code. Invalid arguments and options are printed, not thrown. */
export async function run(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let args: Arguments | undefined;
  try {
    const parsed = parseArguments(words);
    if (parsed === 'help') return print(terminal, USAGE.trimEnd());
    if (parsed === 'version') return print(terminal, VERSION);
    args = parsed;
    const secrets = new Set<string>();
    const isDiscovered = args['authorization-server'] !== undefined;
    const report = withoutSecrets(await check(args, terminal, secrets), secrets, isDiscovered);
    terminal.out(args.json ? printableJson(report) : render(report, terminal.isColourful));
    return exitCodeOf(report);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof TypeError)) throw error;
    const message = inCommandWords(error.message, args ?? {});
    // Scripts read JSON from standard output, even when the command fails.
    if (words.includes('--json')) terminal.out(printableJson({ error: message }));
    terminal.err(message);
    return EXIT.usage;
  }
}

/** @throws UsageError, TypeError */
async function check(args: Arguments, terminal: Terminal, secrets: Set<string>): Promise<Report> {
  const options = await optionsOf(args, terminal, secrets);
  const settings = parseOptions(options);
  const introspector = createIntrospector(settings);
  try {
    const padded = [...secrets].some((secret) => ![secret, ''].includes(secret.trim()));
    const token = args.token ? await readTokenFrom(terminal) : undefined;
    if (token !== undefined) secrets.add(token).add(withoutScheme(token));
    const verified = await introspector.verifyConfiguration();
    const configuration = padded ? { ...verified, warnings: [PADDED_SECRET, ...verified.warnings] } : verified;
    if (token === undefined || !configuration.ok) return { configuration, token: undefined };
    return { configuration, token: await reportOn(token, introspector, settings, notChecked(args)) };
  } finally {
    await introspector.close();
  }
}

/** Names the checks that were left out. `audience` counts too when a preset sets it to `false`, because no app can check it then. */
function notChecked(args: Arguments): string[] {
  return (['audience', 'issuer', 'scope'] as const).filter((name) => args[name] === undefined);
}

function exitCodeOf({ configuration, token }: Report): ExitCode {
  if (!configuration.ok) return EXIT.outage;
  if (token?.status === OUTAGE) return EXIT.outage;
  return token?.accepted === false ? EXIT.rejected : EXIT.ok;
}

function print(terminal: Terminal, text: string): ExitCode {
  terminal.out(text);
  return EXIT.ok;
}
