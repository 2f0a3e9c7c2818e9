import type { Arguments } from './arguments.js';
import type { Environment } from './environment.js';
import {
  AUDIENCE,
  CLIENT_ID,
  CLIENT_SECRET,
  ENDPOINT,
  ISSUER,
  SERVERS,
  serverOf,
  type Variable,
  variablesOf,
} from './servers.js';

const NO_VALUE = '';

/**
 * Returns the environment variables that `check` reads, except those of `--option-env`. Without `--provider`, the variables that set the
 * server are included only if no flag sets the server.
 */
export function variablesFor(args: Arguments): readonly Variable[] {
  const { provider } = args;
  if (provider !== undefined) return Object.hasOwn(SERVERS, provider) ? variablesOf(provider) : [];
  return [...(namesServer(args) ? [] : locations()), CLIENT_ID, CLIENT_SECRET, AUDIENCE];
}

/**
 * Returns the arguments, in which missing flags have the values of environment variables. Variables for options of a preset are not
 * included: `presetVariables()` returns them.
 */
export function withVariables(args: Arguments, { variables }: Environment): Arguments {
  const names = new Set(variablesFor(args).map(({ name }) => name));
  const read = ({ name }: Variable) => (names.has(name) ? variables[name] || undefined : undefined);
  const [endpoint, issuer] = locations().map(read);
  const audience = read(AUDIENCE);
  return {
    ...args,
    endpoint: args.endpoint ?? endpoint,
    'authorization-server': args['authorization-server'] ?? issuer,
    'client-id': args['client-id'] ?? read(CLIENT_ID),
    audience: args.audience ?? (audience === undefined ? undefined : [audience]),
  };
}

/**
 * Returns the options of a preset that environment variables set, except the client identifier and the client secret. Empty variables are
 * ignored.
 */
export function presetVariables(provider: string, variables: Environment['variables']): Record<string, string> {
  const options = serverOf(provider).variables.filter(
    (variable) => variable !== CLIENT_ID && variable !== CLIENT_SECRET,
  );
  return Object.fromEntries(
    options.map(({ name, option }) => [option, variables[name] ?? NO_VALUE]).filter(([, value]) => value !== NO_VALUE),
  );
}

function namesServer(args: Arguments): boolean {
  return (args.endpoint ?? args['authorization-server']) !== undefined;
}

/** Returns the variables that set the server: `INTROSPECTION_ENDPOINT` and `AUTHORIZATION_SERVER`. */
function locations(): Variable[] {
  return [ENDPOINT, ISSUER].map((name) => serverOf(name).variables[0] as Variable);
}
