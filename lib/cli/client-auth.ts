import { readFileSync } from 'node:fs';
import { bearerToken } from '../client-auth/bearer-token.js';
import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import { clientSecretJwt } from '../client-auth/client-secret-jwt.js';
import { clientSecretPost } from '../client-auth/client-secret-post.js';
import { noClientAuth } from '../client-auth/no-client-auth.js';
import { privateKeyJwt } from '../client-auth/private-key-jwt.js';
import { tlsClientAuth } from '../client-auth/tls-client-auth.js';
import type { ClientAuth } from '../core/client-auth.js';
import type { Arguments } from './arguments.js';
import { UsageError } from './usage-error.js';
import { requireName } from './words.js';

/** Reads a secret from the environment, or asks the user for it. `label` says which secret is needed. */
export type AskForSecret = (label: string) => Promise<string>;

type Create = (args: Arguments, ask: AskForSecret) => ClientAuth | Promise<ClientAuth>;

/** Functions that create a client authentication, by the value of the flag `--method`. */
const METHODS: Readonly<Record<string, Create>> = {
  client_secret_basic: async (args, ask) => clientSecretBasic(args['client-id'], await ask('client secret')),
  client_secret_post: async (args, ask) => clientSecretPost(args['client-id'], await ask('client secret')),
  client_secret_jwt: async (args, ask) =>
    clientSecretJwt({ clientId: args['client-id'], clientSecret: await ask('client secret') }),
  private_key_jwt: (args) =>
    privateKeyJwt({
      clientId: args['client-id'],
      key: readFile(args, 'key'),
      keyId: args['key-id'],
      alg: args.alg,
    }),
  tls_client_auth: (args) =>
    tlsClientAuth({
      clientId: args['client-id'],
      cert: readFile(args, 'cert'),
      key: readFile(args, 'key'),
      ca: args.ca === undefined ? undefined : readFile(args, 'ca'),
    }),
  bearer: async (_args, ask) => bearerToken(await ask('bearer token')),
  none: noClientAuth,
};

/**
 * Creates the client authentication that `--method` names.
 *
 * @throws UsageError for an unknown `--method` or an unreadable file, TypeError for an invalid value
 */
export async function createClientAuth(args: Arguments, ask: AskForSecret): Promise<ClientAuth> {
  const { method = 'client_secret_basic' } = args;
  const create = METHODS[requireName('--method', method, Object.keys(METHODS))] as Create;
  return create(args, ask);
}

/**
 * Returns the text of the file that the flag `--key`, `--cert` or `--ca` names.
 *
 * @throws UsageError if the flag is missing or the file cannot be read
 */
export function readFile(args: Arguments, name: 'key' | 'cert' | 'ca'): string {
  const file = args[name];
  if (file === undefined) throw new UsageError(`--${name} FILE is missing`);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--${name} ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
