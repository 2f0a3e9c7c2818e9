import { optionError } from '../core/option-error.js';

/** Checks what often comes from an environment variable. */
export function requireClientId(clientId: string | undefined): string {
  if (typeof clientId === 'string' && clientId !== '') return clientId;
  throw optionError('clientId', clientId, "write the client's identifier, a non-empty string");
}

/** Checks the switches of a factory: each known, each `true` or `false`. */
export function requireFlags(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw optionError('options', options, 'write an object');
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw optionError(name, value, `leave it out; known here: ${known.join(', ')}`);
    if (value !== undefined && typeof value !== 'boolean') throw optionError(name, value, 'write true or false');
  }
}

/** Checks that the options of a factory are an object with known members alone. */
export function requireOptions(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw optionError('options', options, `write { ${known.join(', ')} }`);
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw optionError(name, Object(value), `leave it out; known here: ${known.join(', ')}`);
  }
}

export function requireAudience(audience: string | undefined): void {
  if (audience === undefined || (typeof audience === 'string' && audience !== '')) return;
  throw optionError('audience', audience, 'write who the assertion is for: the issuer, or the endpoint');
}
