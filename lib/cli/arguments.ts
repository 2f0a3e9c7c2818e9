import type { ParseArgsConfig } from 'node:util';
import { UsageError } from './usage-error.js';
import { parseFlags } from './words.js';

/** The flags of the command `check`. Their values are not validated yet: each value is validated where it is used. */
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
  readonly 'env-file'?: string | undefined;
  readonly json?: boolean | undefined;
}

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
  'env-file': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} satisfies ParseArgsConfig['options'];

const SECRETS = /^--(?:client-)?secret|^--(?:access-)?token=/;

export const USAGE = `Usage: express-token-introspection check [options]

Sends a random token to an introspection endpoint, and reports what works, what does not, and what to do.
With --token, it also introspects a token of yours, and reports whether a request with it would be accepted.

Authorization server (one of these)
  --endpoint URL               the introspection endpoint
  --authorization-server URL   the issuer identifier; the endpoint is read from its metadata
  --provider NAME              a preset of express-token-introspection/providers, such as workos
    --option NAME=VALUE        an option of the preset, such as authkitDomain=auth.example.com
    --option-env NAME=VARIABLE the same from an environment variable, such as apiKey=ORY_API_KEY

Client authentication
  --client-id ID
  --method NAME                client_secret_basic (default), client_secret_post, client_secret_jwt,
                               private_key_jwt, tls_client_auth, bearer or none
  --key FILE                   private key (PEM) of private_key_jwt and tls_client_auth
  --key-id ID, --alg NAME      of private_key_jwt
  --cert FILE                  certificate (PEM) of tls_client_auth
  --ca FILE                    certificate authorities (PEM) of the server, for tls_client_auth;
                               for other methods set NODE_EXTRA_CA_CERTS
  The secret (or the token of bearer) is read from the variable CLIENT_SECRET. If it is not set, you are asked for it.

Variables
  Flags that you leave out are read from these variables: INTROSPECTION_ENDPOINT or AUTHORIZATION_SERVER,
  CLIENT_ID, CLIENT_SECRET and AUDIENCE; with --provider, those in the .env.example that init writes for it.
  --env-file FILE              read them from this file; default: .env of the current folder, if there is one.
                               Environment variables win. The names that were read are printed, never the values.

Checks of the token
  --token                      read the token from standard input, or ask for it
  --audience AUDIENCE          the option "audience" of your app; may be repeated; default: AUDIENCE,
                               otherwise not checked
  --issuer ISSUER              default: not checked
  --scope SCOPE                may be repeated; default: not checked
  --signed                     accept only signed responses (RFC 9701); requires --authorization-server

Other
  --timeout-ms NUMBER          default 3000
  --dangerously-allow-http     send tokens unencrypted to other hosts
  --json                       print the report as JSON
  --help

Exit codes
  0  everything works, and the token would be accepted, as far as it was checked
  1  the token would be rejected
  2  the command line is invalid
  3  tokens cannot be checked: the configuration does not work, or the server is down
`;

/**
 * Parses the words that follow `check` on the command line. Returns `'help'` if `--help` is among these words.
 *
 * @throws UsageError for an invalid flag, for a secret or a token among the words, and for an option of a preset without `--provider`
 */
export function parseArguments(words: readonly string[]): Arguments | 'help' {
  if (words.some((word) => SECRETS.test(word))) {
    throw new UsageError(
      'Do not pass secrets and tokens as arguments, because others on this machine can read those; see --help',
    );
  }
  const values = parseFlags(words, OPTIONS);
  if (values.help === true) return 'help';
  if (values.provider === undefined && (values.option ?? values['option-env']) !== undefined) {
    throw new UsageError('--option and --option-env require --provider; see --help');
  }
  return values;
}

/**
 * @throws UsageError unless exactly one of `endpoint`, `authorization-server` and `provider` is set, and for `--signed` without
 * `--authorization-server`
 */
export function requireOneServer(args: Arguments): void {
  const servers = [args.endpoint, args['authorization-server'], args.provider].filter((value) => value !== undefined);
  if (servers.length !== 1) {
    throw new UsageError(
      'Write one of --endpoint, --authorization-server and --provider, or set one of the variables INTROSPECTION_ENDPOINT and AUTHORIZATION_SERVER; see --help',
    );
  }
  if (args.signed && args['authorization-server'] === undefined) {
    throw new UsageError('--signed requires --authorization-server, because its metadata name the keys; see --help');
  }
}
