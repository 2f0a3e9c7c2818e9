import type { IncomingMessage } from 'node:http';
import { optionError } from '../core/option-error.js';

/**
 * A function for the parameter `select` of `selectServer()`. It returns the name of an authorization server, or `undefined` for none. It
 * never throws, with one exception: an error of the function in the option `host` of `byHost()`.
 */
export type Selector<Name extends string> = (req: IncomingMessage, token: string) => Name | undefined;

/** Maps each value that may occur in a request or token to the name of the authorization server that it selects. */
export type Names<Name extends string> = Readonly<Record<string, Name>>;

/**
 * Copies the names into a `Map`, so that a lookup finds only listed values, and nothing in `Object.prototype`.
 *
 * @param toKey converts a listed value to the form that is compared; returns `undefined` for a value that can never match
 * @throws TypeError for an empty list, for a value that can never match or is listed twice, and for an empty name
 */
export function parseNames<Name extends string>(
  listed: Names<Name>,
  toKey: (value: string) => string | undefined,
  remedy: string,
): ReadonlyMap<string, Name> {
  const names = new Map<string, Name>();
  const entries = typeof listed === 'object' && listed !== null && !Array.isArray(listed) ? Object.entries(listed) : [];
  if (entries.length === 0) throw optionError('names', listed, remedy);
  for (const [value, name] of entries) {
    const key = toKey(value);
    if (key === undefined || names.has(key)) throw optionError(`names.${value}`, value, remedy);
    if (typeof name !== 'string' || name === '') throw optionError(`names.${value}`, name, remedy);
    names.set(key, name);
  }
  return names;
}
