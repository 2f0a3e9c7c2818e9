import { readFileSync } from 'node:fs';
import { bearerToken } from '../client-auth/bearer-token.js';
import { clientSecretBasic } from '../client-auth/client-secret-basic.js';
import { clientSecretJwt } from '../client-auth/client-secret-jwt.js';
import { clientSecretPost } from '../client-auth/client-secret-post.js';
import { noClientAuth } from '../client-auth/no-client-auth.js';
import { privateKeyJwt } from '../client-auth/private-key-jwt.js';
import { tlsClientAuth } from '../client-auth/tls-client-auth.js';
import type { ClientAuth } from '../core/client-auth.js';
import { type Arguments, UsageError } from './arguments.js';

/** Reads a secret from the environment, or asks the user for it. */
export type AskForSecret = (what: string) => Promise<string>;

type Create = (given: Arguments, ask: AskForSecret) => ClientAuth | Promise<ClientAuth>;

/** Client authentication methods, by their names in authorization server metadata. */
const METHODS: Readonly<Record<string, Create>> = {
  client_secret_basic: async (given, ask) => clientSecretBasic(given['client-id'], await ask('client secret')),
  client_secret_post: async (given, ask) => clientSecretPost(given['client-id'], await ask('client secret')),
  client_secret_jwt: async (given, ask) =>
    clientSecretJwt({ clientId: given['client-id'], clientSecret: await ask('client secret') }),
  private_key_jwt: (given) =>
    privateKeyJwt({
      clientId: given['client-id'],
      key: read(given, 'key'),
      keyId: given['key-id'],
      alg: given.alg,
    }),
  tls_client_auth: (given) =>
    tlsClientAuth({
      clientId: given['client-id'],
      cert: read(given, 'cert'),
      key: read(given, 'key'),
      ca: given.ca === undefined ? undefined : read(given, 'ca'),
    }),
  bearer: async (_given, ask) => bearerToken(await ask('bearer token')),
  none: noClientAuth,
};

/** @throws UsageError, TypeError */
export async function createClientAuth(given: Arguments, ask: AskForSecret): Promise<ClientAuth> {
  const { method = 'client_secret_basic' } = given;
  const create = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (create === undefined) throw new UsageError(`--method is one of ${Object.keys(METHODS).join(', ')}`);
  return create(given, ask);
}

/** @throws UsageError */
export function read(given: Arguments, name: 'key' | 'cert' | 'ca'): string {
  const file = given[name];
  if (file === undefined) throw new UsageError(`--${name} FILE is missing`);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--${name} ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
