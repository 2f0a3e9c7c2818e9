import { printable } from '../diagnostics/printable.js';
import type { Arguments } from './arguments.js';
import { AUDIENCE, CLIENT_ID, CLIENT_SECRET } from './servers.js';
import { variablesFor } from './variables.js';

/** The flag or variable of `check` for each option of the library and of its factories, such as `clientSecretBasic()`. */
const FLAGS: Readonly<Record<string, string>> = {
  endpoint: '--endpoint',
  authorizationServer: '--authorization-server',
  audience: '--audience',
  issuer: '--issuer',
  scopes: '--scope',
  timeoutMs: '--timeout-ms',
  dangerouslyAllowHttp: '--dangerously-allow-http',
  clientId: '--client-id',
  clientSecret: 'CLIENT_SECRET',
  key: '--key',
  keyId: '--key-id',
  alg: '--alg',
  cert: '--cert',
  ca: '--ca',
  jwtResponse: '--signed',
};

/** Flags whose values may be shown. Other values may be secrets, or were read from files. */
const SHOWN = ['endpoint', 'authorization-server', 'issuer', 'timeout-ms'] as const;

/** Options that have the same flag or variable with and without a preset. */
const SHARED: ReadonlySet<string> = new Set([CLIENT_ID, CLIENT_SECRET, AUDIENCE].map(({ option }) => option));

/** Rewrites an error message of the library for the user of `check`: the names of options are replaced by flags or variables. */
export function inCommandWords(message: string, args: Arguments): string {
  return message
    .replace(/^Option "(\w+)" is [^;]*;/, (whole, name: string) => {
      const flag = flagOf(name, args);
      const value = SHOWN.map((shown) => (flag === `--${shown}` ? args[shown] : undefined)).find(Boolean);
      return flag === undefined ? whole : `${flag}${shownValue(value)}:`;
    })
    .replace(/"(\w+)"/g, (whole, name: string) => flagOf(name, args) ?? whole);
}

function flagOf(name: string, args: Arguments): string | undefined {
  const { provider } = args;
  const variable = variablesFor(args).find(({ option }) => option === name)?.name;
  // An option of a preset may have the name of a flag, but only `--option` or a variable sets that option.
  const isOfPreset =
    provider !== undefined && !SHARED.has(name) && (variable !== undefined || !Object.hasOwn(FLAGS, name));
  if (isOfPreset) return `--option ${name}=…${variable === undefined ? '' : ` or ${variable}`}`;
  if (!Object.hasOwn(FLAGS, name)) return undefined;
  const flag = FLAGS[name] as string;
  return variable === undefined || variable === flag ? flag : `${flag} or ${variable}`;
}

/** Formats a value for display. A value with `@` is hidden, because a URL may hold a password. */
function shownValue(value: string | undefined): string {
  return value === undefined || value.includes('@') ? '' : ` ${printable(value)}`;
}
