import { type ClientAuth, type IntrospectionRequest, registerConstant } from '../core/client-auth.js';
import { argumentError } from '../core/option-error.js';
import { createWarning } from '../diagnostics/misconfiguration.js';
import { printable } from '../diagnostics/printable.js';

/**
 * A secret, or a function that returns the current secret. The function is called for every attempt to send an introspection request. The
 * time that it takes counts towards `timeoutMs`.
 */
export type Secret = string | undefined | (() => string | Promise<string>);

export interface SecretUse<Credential> {
  /** Call of the factory, as errors and warnings show it. {@link callOf} formats it for most factories. */
  readonly call: string;
  /** Name of the secret in errors and warnings, as it is written in `call`. */
  readonly argument: 'secret' | 'token';
  readonly secret: Secret;
  readonly allowEmpty?: boolean | undefined;
  /** Turns a secret into the value to send. Throws for a secret that cannot be sent. */
  readonly prepare: (secret: string) => Credential;
  readonly write: (request: IntrospectionRequest, credential: Credential) => void | Promise<void>;
  /** Whether `write` writes the same for every request with the same credential. Default: `false`. */
  readonly isConstant?: boolean | undefined;
}

/**
 * Creates the `sign` of a client authentication that has one secret. If the secret is a string, it is prepared once, by this call. If it is
 * a function, the function is called for every attempt to send an introspection request, and the secret that it returns is prepared then. A
 * secret that begins or ends with whitespace causes a process warning.
 *
 * @throws TypeError for a secret that is neither a function nor a string that can be sent
 */
export function signWithSecret<Credential>(use: SecretUse<Credential>): ClientAuth['sign'] {
  const { secret, prepare, write, isConstant } = use;
  const warn = createWarning('SECRET_HAS_WHITESPACE');
  const toCredential = (input: unknown) => {
    const text = requireSecret(use, input);
    const credential = prepare(text);
    if (text.trim() !== text) warn(whitespaceWarning(use, text));
    return credential;
  };
  if (typeof secret === 'function') {
    return async (request) => write(request, toCredential(await secret()));
  }
  const credential = toCredential(secret);
  const sign = (request: IntrospectionRequest) => write(request, credential);
  return isConstant ? registerConstant(sign) : sign;
}

/** Returns the call of a factory as text, for errors and warnings, such as `clientSecretBasic('reports-api', secret)`. */
export function callOf(factory: string, clientId: string): string {
  return `${factory}('${printable(clientId)}', secret)`;
}

type SecretDescription = Pick<SecretUse<never>, 'call' | 'argument' | 'allowEmpty'>;

function requireSecret({ call, argument, allowEmpty = false }: SecretDescription, secret: unknown): string {
  if (typeof secret === 'string' && (secret !== '' || allowEmpty)) return secret;
  const variable = argument === 'secret' ? 'CLIENT_SECRET' : 'the environment variable';
  const remedy =
    secret === undefined || secret === '' ? `Is ${variable} set?` : 'Write a string, or a function that returns one.';
  throw argumentError(call, argument, secret, remedy);
}

/**
 * Returns the text of the warning about whitespace. The text says at which end of the secret the whitespace is, and which kind of
 * whitespace it is. It says nothing else about the secret.
 */
function whitespaceWarning({ call, argument }: SecretDescription, secret: string): string {
  const end = secret.trimEnd() === secret ? 'begins' : 'ends';
  const kind = /[\r\n]$|^[\r\n]/.test(secret) ? 'a line break' : 'a space';
  return (
    `${call}: the ${argument} ${end} with ${kind}, and is sent like that. ` +
    'Files and environment variables often have one at the end: remove it with .trim() unless the server expects it.'
  );
}
