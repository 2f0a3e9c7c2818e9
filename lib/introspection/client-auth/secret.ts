import { secretError } from '../../option-error.js';
import type { ClientAuth, IntrospectionRequest } from '../../types.js';

/** A secret, or a function that returns the current one: it is called for every attempt, within the deadline. */
export type Secret = string | undefined | (() => string | Promise<string>);

export interface SecretUse<Credential> {
  /** The option's name, for errors. */
  readonly name: string;
  readonly secret: Secret;
  readonly allowEmpty?: boolean | undefined;
  /** What is sent of a secret; throws where it cannot be. */
  readonly prepare: (secret: string) => Credential;
  readonly write: (request: IntrospectionRequest, credential: Credential) => void | Promise<void>;
}

/** The `sign` of a method that rests on one secret: prepared once where it is given, else each time the function brings one. */
export function signWithSecret<Credential>(use: SecretUse<Credential>): ClientAuth['sign'] {
  const { name, secret, allowEmpty, prepare, write } = use;
  if (typeof secret === 'function') {
    return async (request) => write(request, prepare(requireSecret(name, await secret(), allowEmpty)));
  }
  const credential = prepare(requireSecret(name, secret, allowEmpty));
  return (request) => write(request, credential);
}

function requireSecret(name: string, secret: unknown, allowEmpty = false): string {
  if (typeof secret === 'string' && (secret !== '' || allowEmpty)) return secret;
  throw secretError(name, secret, 'write a non-empty string; is the environment variable set?');
}
