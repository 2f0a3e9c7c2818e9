import { secretListError } from '../core/option-error.js';

export const MIN_SECRET_BYTES = 32;

/** Options that are lists of secrets, with the environment variable that the guides read them from. */
const VARIABLES: ReadonlyMap<string, string> = new Map([
  ['cache.secrets', 'CACHE_SECRET'],
  ['dpop.nonce.secrets', 'NONCE_SECRET'],
]);

export function isSecret(given: unknown): given is string {
  return typeof given === 'string' && Buffer.byteLength(given) >= MIN_SECRET_BYTES;
}

/**
 * Refuses the first wrong secret of an option that is, or holds, a list of secrets. Any other option passes.
 *
 * @throws TypeError naming the place in the list
 */
export function requireSecrets(option: string, given: unknown): void {
  const isNonce = option === 'dpop.nonce';
  const name = isNonce ? 'dpop.nonce.secrets' : option;
  const list: unknown = isNonce ? (given as { readonly secrets?: unknown } | null)?.secrets : given;
  const variable = VARIABLES.get(name);
  if (variable === undefined || !Array.isArray(list)) return;
  const index = list.findIndex((each) => !isSecret(each));
  if (index !== -1) throw secretListError(`${name}[${index}]`, list[index], variable, MIN_SECRET_BYTES);
}
