import type { IncomingMessage } from 'node:http';
import { optionError } from '../core/option-error.js';

/** A function for `select`: the name of an authorization server, or `undefined` for none. It never throws. */
export type Selector<Name extends string> = (req: IncomingMessage, token: string) => Name | undefined;

/** What requests or tokens say, to the name of the authorization server that is meant. */
export type Names<Name extends string> = Readonly<Record<string, Name>>;

/**
 * Copies what a selector chooses from, so that nothing but what is written there is ever found.
 *
 * @param toKey what is compared in place of what is written; `undefined` where that can never be met
 * @throws TypeError
 */
export function parseNames<Name extends string>(
  given: Names<Name>,
  toKey: (written: string) => string | undefined,
  remedy: string,
): ReadonlyMap<string, Name> {
  const names = new Map<string, Name>();
  const entries = typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.entries(given) : [];
  if (entries.length === 0) throw optionError('names', given, remedy);
  for (const [written, name] of entries) {
    const key = toKey(written);
    if (key === undefined || names.has(key)) throw optionError(`names.${written}`, written, remedy);
    if (typeof name !== 'string' || name === '') throw optionError(`names.${written}`, name, remedy);
    names.set(key, name);
  }
  return names;
}
