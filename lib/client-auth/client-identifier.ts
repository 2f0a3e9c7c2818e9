import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';

/** @throws TypeError when the client identifier is missing or empty, for example because an environment variable is not set */
export function requireClientId(clientId: string | undefined): string {
  if (typeof clientId === 'string' && clientId !== '') return clientId;
  throw optionError('clientId', clientId, 'write the client identifier, a non-empty string');
}

/** @throws TypeError for options that are no object, have an unknown member, or a value other than `true`, `false` and `undefined` */
export function requireFlags(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw optionError('options', options, 'write an object');
  checkOptions(options, known);
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && typeof value !== 'boolean') throw optionError(name, value, 'write true or false');
  }
}

/** @throws TypeError for options that are no object, or have an unknown member */
export function requireOptions(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw optionError('options', options, `write { ${known.join(', ')} }`);
  checkOptions(options, known);
}

export function requireAudience(audience: string | undefined): void {
  if (audience === undefined || (typeof audience === 'string' && audience !== '')) return;
  throw optionError('audience', audience, 'write the recipient of the assertion: the issuer or the endpoint');
}
