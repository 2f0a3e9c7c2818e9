import type { ClientAuth, IntrospectionRequest } from '../core/client-auth.js';
import { argumentError } from '../core/option-error.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { printable } from '../diagnostics/printable.js';

/** A secret, or a function that returns the current one: it is called for every attempt, within the deadline. */
export type Secret = string | undefined | (() => string | Promise<string>);

export interface SecretUse<Credential> {
  /** The call of the factory, for errors and warnings. */
  readonly call: string;
  /** What the call names it, for errors and warnings. */
  readonly argument: 'secret' | 'token';
  readonly secret: Secret;
  readonly allowEmpty?: boolean | undefined;
  /** What is sent of a secret; throws where it cannot be. */
  readonly prepare: (secret: string) => Credential;
  readonly write: (request: IntrospectionRequest, credential: Credential) => void | Promise<void>;
}

/** The `sign` of a method that rests on one secret: prepared once where it is given, else each time the function brings one. */
export function signWithSecret<Credential>(use: SecretUse<Credential>): ClientAuth['sign'] {
  const { secret, prepare, write } = use;
  const warn = createWarning('SECRET_HAS_WHITESPACE');
  const accept = (given: unknown) => {
    const accepted = requireSecret(use, given);
    const credential = prepare(accepted);
    if (accepted.trim() !== accepted) warn(whitespaceWarning(use, accepted));
    return credential;
  };
  if (typeof secret === 'function') {
    return async (request) => write(request, accept(await secret()));
  }
  const credential = accept(secret);
  return (request) => write(request, credential);
}

/** A call as the app wrote it, such as `clientSecretBasic('reports-api', secret)`. */
export function callOf(factory: string, clientId: string): string {
  return `${factory}('${printable(clientId)}', secret)`;
}

type Told = Pick<SecretUse<never>, 'call' | 'argument' | 'allowEmpty'>;

function requireSecret({ call, argument, allowEmpty = false }: Told, secret: unknown): string {
  if (typeof secret === 'string' && (secret !== '' || allowEmpty)) return secret;
  const variable = argument === 'secret' ? 'CLIENT_SECRET' : 'the environment variable';
  const remedy =
    secret === undefined || secret === '' ? `Is ${variable} set?` : 'Write a string, or a function that returns one.';
  throw argumentError(call, argument, secret, remedy);
}

/** Says where the whitespace is, and nothing else of the secret. */
function whitespaceWarning({ call, argument }: Told, secret: string): string {
  const end = secret.trimEnd() === secret ? 'begins' : 'ends';
  const kind = /[\r\n]$|^[\r\n]/.test(secret) ? 'a line break' : 'a space';
  return (
    `${call}: the ${argument} ${end} with ${kind}, and is sent like that. ` +
    'Files and environment variables often have one at the end: remove it with .trim() unless the server expects it.'
  );
}
