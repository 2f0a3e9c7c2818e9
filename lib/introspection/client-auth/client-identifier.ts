import { optionError } from '../../option-error.js';

/** Checks what often comes from an environment variable. */
export function requireClientId(clientId: string | undefined): string {
  if (typeof clientId === 'string' && clientId !== '') return clientId;
  throw optionError('clientId', clientId, "write the client's identifier, a non-empty string");
}

export function requireSecret(name: string, secret: string | undefined, allowEmpty = false): string {
  if (typeof secret === 'string' && (secret !== '' || allowEmpty)) return secret;
  throw optionError(name, secret, 'write a non-empty string; is the environment variable set?');
}
