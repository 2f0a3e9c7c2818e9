import type { TokenIntrospectionOptions } from '../options/types.js';
import * as presets from '../providers/index.js';
import type { Arguments } from './arguments.js';
import { type AskForSecret, createClientAuth, readFile } from './client-auth.js';
import { readSecret, type Source } from './secrets.js';
import { CLIENT_SECRET, serverOf } from './servers.js';
import { UsageError } from './usage-error.js';
import { presetVariables } from './variables.js';
import { requireName } from './words.js';

type Preset = (options: Record<string, unknown>) => Partial<TokenIntrospectionOptions>;

const PRESETS: ReadonlyMap<string, unknown> = new Map(Object.entries(presets));

/** Matches the names of preset options that hold secrets. */
const SECRET = /secret|key$|password/i;

/**
 * Converts the command line of `check` to options of `tokenIntrospection()`. Adds every value that must not be shown to the set `secrets`.
 * If a secret is missing, asks the user for it in a terminal.
 *
 * @throws UsageError, and the TypeErrors of presets and client authentication
 */
export async function optionsOf(
  args: Arguments,
  source: Source,
  secrets: Set<string>,
): Promise<TokenIntrospectionOptions> {
  const ask: AskForSecret = async (label) => {
    const secret = await readSecret(source, label);
    secrets.add(secret);
    return secret;
  };
  const { endpoint, 'authorization-server': authorizationServer, issuer, scope: scopes } = args;
  const server =
    args.provider === undefined
      ? { endpoint, authorizationServer, clientAuth: await createClientAuth(args, ask) }
      : await presetOf(args, source.env, ask, secrets);
  const audience = args.audience === undefined ? {} : { audience: args.audience };
  if (args.ca !== undefined && server.clientAuth?.connect === undefined) {
    throw new UsageError('--ca is only for tls_client_auth; for other methods set NODE_EXTRA_CA_CERTS to the file');
  }
  return {
    audience: false,
    ...server,
    ...audience,
    issuer,
    scopes,
    timeoutMs: args['timeout-ms'] === undefined ? undefined : Number(args['timeout-ms']),
    dangerouslyAllowHttp: args['dangerously-allow-http'],
    ...(args.signed && { jwtResponse: true }),
  } as TokenIntrospectionOptions;
}

/**
 * Calls the preset that `--provider` names, and returns the options from it. Before that, reads a client secret if the preset takes one. It
 * reads none if the command line has `--key`, `--option-env` or `--method none`.
 */
async function presetOf(
  args: Arguments,
  env: Source['env'],
  ask: AskForSecret,
  secrets: Set<string>,
): Promise<Partial<TokenIntrospectionOptions>> {
  const provider = requireName('--provider', args.provider ?? '', [...PRESETS.keys()].sort());
  const create = PRESETS.get(provider) as Preset;
  const { option = [], 'option-env': optionEnv = [], 'client-id': clientId, method } = args;
  const options: Record<string, unknown> = {
    ...presetVariables(provider, env),
    ...Object.fromEntries([...option.map(plainPairOf), ...optionEnv.map((text) => variableOf(text, env))]),
  };
  for (const text of optionEnv) secrets.add(variableOf(text, env)[1]);
  if (clientId !== undefined) options.clientId = clientId;
  const takesSecret = serverOf(provider).variables.includes(CLIENT_SECRET);
  if (args.key !== undefined) Object.assign(options, { key: readFile(args, 'key'), keyId: args['key-id'] });
  else if (takesSecret && method !== 'none' && optionEnv.length === 0)
    options.clientSecret = await ask('client secret');
  return create(options);
}

/**
 * Returns the names of environment variables in the values of the flag `--option-env NAME=VARIABLE`.
 *
 * @throws UsageError for a value of another form
 */
export function namesIn(optionEnv: readonly string[] = []): string[] {
  return optionEnv.map((text) => pairOf(text)[1]);
}

function pairOf(text: string): [name: string, value: string] {
  const index = text.indexOf('=');
  if (index < 1) throw new UsageError('Write --option NAME=VALUE, or --option-env NAME=VARIABLE');
  return [text.slice(0, index), text.slice(index + 1)];
}

function plainPairOf(text: string): [name: string, value: string] {
  const [name, value] = pairOf(text);
  if (SECRET.test(name)) {
    throw new UsageError(`Do not pass secrets as arguments: write --option-env ${name}=VARIABLE`);
  }
  return [name, value];
}

function variableOf(text: string, env: Source['env']): [name: string, value: string] {
  const [name, variable] = pairOf(text);
  // Every object has inherited members, such as `toString`.
  const value = Object.hasOwn(env, variable) ? env[variable] : undefined;
  if (value === undefined) throw new UsageError(`The environment variable ${variable} is not set`);
  return [name, value];
}
