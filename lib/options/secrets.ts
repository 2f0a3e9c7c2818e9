import { secretListError } from '../core/option-error.js';

export const MIN_SECRET_BYTES = 32;

/** Options that are lists of secrets, each with the environment variable that the guides use for its secrets. */
const VARIABLES: ReadonlyMap<string, string> = new Map([
  ['cache.secrets', 'CACHE_SECRET'],
  ['dpop.nonce.secrets', 'NONCE_SECRET'],
]);

export function isSecret(value: unknown): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) >= MIN_SECRET_BYTES;
}

/**
 * Throws for the first invalid secret in `cache.secrets` or `dpop.nonce.secrets`. Does nothing for any other option, and for a value
 * without a list of secrets.
 *
 * @throws TypeError with the position of the secret in the list
 */
export function requireSecrets(option: string, value: unknown): void {
  const isNonce = option === 'dpop.nonce';
  const name = isNonce ? 'dpop.nonce.secrets' : option;
  const list: unknown = isNonce ? (value as { readonly secrets?: unknown } | null)?.secrets : value;
  const variable = VARIABLES.get(name);
  if (variable === undefined || !Array.isArray(list)) return;
  const index = list.findIndex((secret) => !isSecret(secret));
  if (index !== -1) throw secretListError(`${name}[${index}]`, list[index], variable, MIN_SECRET_BYTES);
}
