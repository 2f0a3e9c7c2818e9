import { IntrospectionError } from '../errors.js';
import { VERSION } from '../introspection/user-agent.js';
import { createSharedLookup } from '../lookup.js';
import { parseOptions } from '../settings.js';
import { type Arguments, parseArguments, USAGE, UsageError } from './arguments.js';
import { optionsOf } from './options.js';
import { withoutSecrets } from './redact.js';
import { printableJson, type Report, render } from './render.js';
import { readTokenFrom, type Source } from './secrets.js';
import { reportOn } from './token-report.js';

/** What the command needs of its process. */
export interface Terminal extends Source {
  readonly isColourful: boolean;
  out(text: string): void;
  err(text: string): void;
}

export const EXIT = { ok: 0, rejected: 1, usage: 2, outage: 3 } as const;

type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Runs the command; whatever goes wrong is told in words. */
export async function run(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    const given = parseArguments(words);
    if (given === 'help') return tell(terminal, USAGE.trimEnd());
    if (given === 'version') return tell(terminal, VERSION);
    const secrets = new Set<string>();
    const isDiscovered = given['authorization-server'] !== undefined;
    const report = withoutSecrets(await check(given, terminal, secrets), secrets, isDiscovered);
    terminal.out(given.json ? printableJson(report) : render(report, terminal.isColourful));
    return exitCodeOf(report);
  } catch (error) {
    if (error instanceof IntrospectionError) {
      terminal.err(error.message);
      return EXIT.outage;
    }
    if (!(error instanceof UsageError || error instanceof TypeError)) throw error;
    terminal.err(error.message);
    return EXIT.usage;
  }
}

/** @throws UsageError, TypeError, IntrospectionError */
async function check(given: Arguments, terminal: Terminal, secrets: Set<string>): Promise<Report> {
  const settings = parseOptions(await optionsOf(given, terminal, secrets));
  const shared = createSharedLookup(settings);
  try {
    const token = given.token ? await readTokenFrom(terminal) : undefined;
    if (token !== undefined) secrets.add(token);
    const configuration = await shared.verifyConfiguration();
    if (token === undefined || !configuration.ok) return { configuration, token: undefined };
    return { configuration, token: await reportOn(token, shared, settings) };
  } finally {
    await shared.close();
  }
}

function exitCodeOf({ configuration, token }: Report): ExitCode {
  if (!configuration.ok) return EXIT.outage;
  return token?.accepted === false ? EXIT.rejected : EXIT.ok;
}

function tell(terminal: Terminal, text: string): ExitCode {
  terminal.out(text);
  return EXIT.ok;
}
