import { type Command, OK, type Terminal, USAGE_ERROR } from '../command.js';
import { printableJson } from '../render.js';
import { readTokenFrom } from '../secrets.js';
import { withoutScheme } from '../token-report.js';
import { UsageError } from '../usage-error.js';
import { parseArguments, USAGE } from './arguments.js';
import { renderProbe } from './render-probe.js';
import { runCases } from './run-cases.js';

export const EXIT = { ok: OK, differs: 1, usage: USAGE_ERROR } as const;

type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Characters that Node can send in a header. Other texts are no token. */
const SENDABLE = /^[\x21-\x7e]+$/;

/** The command `probe`. It reports where the responses of a running API differ from the specifications. */
export const probe: Command = { usage: USAGE, run: runProbe };

async function runProbe(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const args = parseArguments(words);
  if (args === 'help') {
    terminal.out(USAGE.trimEnd());
    return EXIT.ok;
  }
  const [token, narrowToken] = args.readsToken ? await readTokens(terminal) : [];
  const report = await runCases({ url: args.url, token, narrowToken, timeoutMs: args.timeoutMs });
  terminal.out(args.json ? printableJson(report) : renderProbe(report, terminal.isColourful));
  return report.ok ? EXIT.ok : EXIT.differs;
}

/**
 * Reads one or two tokens, one a line. A scheme before a token is removed.
 *
 * @throws UsageError for no token, more than two, or a text that is no token
 */
async function readTokens(terminal: Terminal): Promise<string[]> {
  const lines = (await readTokenFrom(terminal)).split(/\r?\n/).filter((line) => line.trim() !== '');
  const tokens = lines.map((line) => withoutScheme(line.trim()));
  if (tokens.length > 2) throw new UsageError('Standard input has more than two lines; write one token in each');
  if (tokens.every((token) => SENDABLE.test(token))) return tokens;
  throw new UsageError('A line of standard input is no token: tokens have no spaces and only ASCII characters');
}
