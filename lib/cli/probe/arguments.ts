import type { ParseArgsConfig } from 'node:util';
import { remedyForUrl } from '../../core/endpoint-url.js';
import { UsageError } from '../usage-error.js';
import { parseWords } from '../words.js';

/** The command line of `probe`. */
export interface ProbeArguments {
  readonly url: URL;
  readonly readsToken: boolean;
  readonly timeoutMs: number;
  readonly json: boolean;
}

const OPTIONS = {
  'token-stdin': { type: 'boolean' },
  'timeout-ms': { type: 'string' },
  'dangerously-allow-http': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} satisfies ParseArgsConfig['options'];

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 120_000;

export const USAGE = `Usage: express-token-introspection probe URL [options]

Sends about 50 requests to a running API, one at a time, and reports where its responses differ from the specifications:
what it saw, what the RFC says, and what to change. Use it for any API with access tokens, in any language, and to see
whether a proxy changes requests or responses. It sends only GET, HEAD and OPTIONS.

  URL                          a GET route that requires a token
  --token-stdin                read a token that URL accepts from standard input, or ask for it. A second line can hold
                               a valid token that lacks a scope of the route. They are sent only in Authorization
  --timeout-ms NUMBER          for each request; default ${DEFAULT_TIMEOUT_MS}
  --dangerously-allow-http     send tokens unencrypted to other hosts
  --json                       print the report as JSON
  --help

Exit codes
  0  nothing differs from the specifications
  1  something differs
  2  the command line is invalid, or the API cannot be reached
`;

/**
 * Parses the words that follow `probe` on the command line. Returns `'help'` if `--help` is among these words.
 *
 * @throws UsageError for an invalid flag or URL
 */
export function parseArguments(words: readonly string[]): ProbeArguments | 'help' {
  const { values, positionals } = parseWords(words, OPTIONS);
  if (values.help) return 'help';
  const [text, ...others] = positionals;
  if (text === undefined || others.length > 0) throw new UsageError('Write one URL after probe; see --help');
  return {
    url: requireUrl(text, values['dangerously-allow-http'] === true),
    readsToken: values['token-stdin'] === true,
    timeoutMs: requireTimeout(values['timeout-ms']),
    json: values.json === true,
  };
}

function requireUrl(text: string, allowHttp: boolean): URL {
  if (!URL.canParse(text)) throw new UsageError('The URL is not valid: write it with https:// and a host');
  const url = new URL(text);
  const remedy = remedyForUrl(url, allowHttp);
  if (remedy === undefined) return url;
  if (url.username !== '' || url.password !== '') throw new UsageError('Leave the credentials out of the URL');
  if (url.hash !== '') throw new UsageError('Leave the fragment out of the URL');
  throw new UsageError('Write an https: URL; http: is for loopback hosts, or with --dangerously-allow-http');
}

function requireTimeout(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const timeoutMs = Number(text);
  if (/^\d+$/.test(text) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  throw new UsageError(`--timeout-ms is a whole number from 1 to ${MAX_TIMEOUT_MS}`);
}
