import { type ParseArgsConfig, parseArgs } from 'node:util';

/** The command line as it was written; what the words mean is checked where they are used. */
export interface Arguments {
  readonly endpoint?: string | undefined;
  readonly 'authorization-server'?: string | undefined;
  readonly provider?: string | undefined;
  readonly option?: readonly string[] | undefined;
  readonly 'option-env'?: readonly string[] | undefined;
  readonly method?: string | undefined;
  readonly 'client-id'?: string | undefined;
  readonly key?: string | undefined;
  readonly 'key-id'?: string | undefined;
  readonly alg?: string | undefined;
  readonly cert?: string | undefined;
  readonly ca?: string | undefined;
  readonly audience?: readonly string[] | undefined;
  readonly issuer?: string | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly signed?: boolean | undefined;
  readonly token?: boolean | undefined;
  readonly 'timeout-ms'?: string | undefined;
  readonly 'dangerously-allow-http'?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** A mistake in how the command was written. */
export class UsageError extends Error {}

const OPTIONS = {
  endpoint: { type: 'string' },
  'authorization-server': { type: 'string' },
  provider: { type: 'string' },
  option: { type: 'string', multiple: true },
  'option-env': { type: 'string', multiple: true },
  method: { type: 'string' },
  'client-id': { type: 'string' },
  key: { type: 'string' },
  'key-id': { type: 'string' },
  alg: { type: 'string' },
  cert: { type: 'string' },
  ca: { type: 'string' },
  audience: { type: 'string', multiple: true },
  issuer: { type: 'string' },
  scope: { type: 'string', multiple: true },
  signed: { type: 'boolean' },
  token: { type: 'boolean' },
  'timeout-ms': { type: 'string' },
  'dangerously-allow-http': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} satisfies ParseArgsConfig['options'];

const SECRETS = /^--(?:client-)?secret|^--(?:access-)?token=/;

export const USAGE = `Usage: express-token-introspection check [options]

Asks an introspection endpoint about a random token, says what it learned and what to do about it.
With --token, it also asks about a token of yours, and says how a request with it would be judged.

Where to ask (one of them)
  --endpoint URL               the introspection endpoint
  --authorization-server URL   the issuer identifier, from whose metadata the endpoint is taken
  --provider NAME              a preset of express-token-introspection/providers, such as workos
    --option NAME=VALUE        an option of the preset, such as authkitDomain=auth.example.com
    --option-env NAME=VARIABLE the same from an environment variable, such as apiKey=ORY_API_KEY

Who asks
  --client-id ID
  --method NAME                client_secret_basic (default), client_secret_post, client_secret_jwt,
                               private_key_jwt, tls_client_auth, bearer or none
  --key FILE                   private key (PEM) of private_key_jwt and tls_client_auth
  --key-id ID, --alg NAME      of private_key_jwt
  --cert FILE                  certificate (PEM) of tls_client_auth
  --ca FILE                    authorities (PEM) of the server, for tls_client_auth; else set NODE_EXTRA_CA_CERTS
  The secret (or the token of bearer) is read from the environment variable CLIENT_SECRET, else from it in
  the file .env of the current folder, or asked for.

What is demanded of the token
  --token                      read the token from standard input, or ask for it
  --audience AUDIENCE          the option "audience" of your app; may be repeated; default: not checked
  --issuer ISSUER              default: not checked
  --scope SCOPE                may be repeated; default: not checked
  --signed                     take only signed replies (RFC 9701); with --authorization-server

Other
  --timeout-ms NUMBER          default 3000
  --dangerously-allow-http     let tokens travel in the clear to other hosts
  --json                       print the report as JSON
  --help, --version

Exit codes
  0  all is well, and the token would be accepted, as far as it was checked
  1  the token would be rejected
  2  the command is written wrongly
  3  tokens cannot be judged: the configuration does not work, or the server is down
`;

/**
 * Reads the words behind the command's name.
 *
 * @throws UsageError
 */
export function parseArguments(words: readonly string[]): Arguments | 'help' | 'version' {
  if (words.some((word) => SECRETS.test(word))) {
    throw new UsageError('Secrets and tokens are no arguments, which others on this machine can read: see --help');
  }
  const { values, positionals } = parse(words);
  if (values.help === true || words.length === 0) return 'help';
  if (values.version === true) return 'version';
  if (positionals.length !== 1 || positionals[0] !== 'check') {
    throw new UsageError('The command is "check"; see --help');
  }
  const where = [values.endpoint, values['authorization-server'], values.provider].filter(
    (value) => value !== undefined,
  );
  if (where.length !== 1) {
    throw new UsageError('Write one of --endpoint, --authorization-server and --provider; see --help');
  }
  if (values.signed && values['authorization-server'] === undefined) {
    throw new UsageError('--signed needs --authorization-server, whose metadata name the keys; see --help');
  }
  if (values.provider === undefined && (values.option ?? values['option-env']) !== undefined) {
    throw new UsageError('--option and --option-env belong to --provider; see --help');
  }
  return values;
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]}; see --help`);
  }
}
