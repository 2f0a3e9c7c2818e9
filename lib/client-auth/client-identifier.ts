import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';

/**
 * Returns the client identifier.
 *
 * @throws TypeError when the client identifier is missing or empty, for example because an environment variable is not set
 */
export function requireClientId(clientId: string | undefined): string {
  if (typeof clientId === 'string' && clientId !== '') return clientId;
  throw optionError('clientId', clientId, 'write the client identifier, a non-empty string');
}

/**
 * Requires an object of options that are all `true`, `false` or `undefined`.
 *
 * @throws TypeError for any other value, and for an unknown option
 */
export function requireFlags(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw optionError('options', options, 'write an object');
  checkOptions(options, known);
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && typeof value !== 'boolean') throw optionError(name, value, 'write true or false');
  }
}

/**
 * Requires an object in which every option has a known name.
 *
 * @throws TypeError for a value that is no object, and for an unknown option
 */
export function requireOptions(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw optionError('options', options, `write { ${known.join(', ')} }`);
  checkOptions(options, known);
}

export function requireAudience(audience: string | undefined): void {
  if (audience === undefined || (typeof audience === 'string' && audience !== '')) return;
  throw optionError('audience', audience, 'write the recipient of the assertion: the issuer or the endpoint');
}
