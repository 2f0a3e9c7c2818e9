import { printable } from '../diagnostics/printable.js';
import type { Arguments } from './arguments.js';

/** What the command calls the options of the library and of its factories. */
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

/** Values that may be shown. Others may be secrets, or were read from files. */
const SHOWN = ['endpoint', 'authorization-server', 'issuer', 'timeout-ms'] as const;

/** An error of the library, in the words of the command line. */
export function inCommandWords(message: string, given: Arguments): string {
  return message
    .replace(/^Option "(\w+)" is [^;]*;/, (whole, name: string) => {
      const flag = flagOf(name, given);
      const value = SHOWN.map((shown) => (flag === `--${shown}` ? given[shown] : undefined)).find(Boolean);
      return flag === undefined ? whole : `${flag}${shownValue(value)}:`;
    })
    .replace(/"(\w+)"/g, (whole, name: string) => flagOf(name, given) ?? whole);
}

function flagOf(name: string, { provider }: Arguments): string | undefined {
  if (Object.hasOwn(FLAGS, name)) return FLAGS[name];
  return provider === undefined ? undefined : `--option ${name}=…`;
}

/** A URL may hold a password. */
function shownValue(given: string | undefined): string {
  return given === undefined || given.includes('@') ? '' : ` ${printable(given)}`;
}
