import { nearestName } from './nearest-name.js';

/**
 * An unknown name that is longer than this, in characters, is not compared with the known names. No option has such a long name, and the
 * comparison takes time.
 */
const MAX_NAME_LENGTH = 64;

/**
 * The error for an invalid option: its name, what kind of value it has, and what to write instead. The value itself is shown only if it is
 * a number or a boolean.
 */
export function optionError(name: string, value: unknown, remedy: string): TypeError {
  return new TypeError(`Option "${name}" is ${describe(value)}; ${remedy}`);
}

/**
 * The error for an unknown option. It suggests a similar known name. If no known name is similar, it shows `remedy`, or without `remedy`
 * all known names.
 */
export function unknownOption(name: string, known: readonly string[], remedy?: string): TypeError {
  const similar = name.length > MAX_NAME_LENGTH ? undefined : nearestName(name, known);
  const hint = similar === undefined ? (remedy ?? listNames(known)) : `did you mean "${similar}"?`;
  return new TypeError(`Option "${name}" is not known here; ${hint}`);
}

function listNames(names: readonly string[]): string {
  return names.length === 1 ? `write ${names[0]}` : `write one of ${names.join(', ')}`;
}

/**
 * The error for an invalid item in a list of secrets. `place` names the item, and `variable` names the environment variable that should
 * hold it.
 */
export function secretListError(place: string, value: unknown, variable: string, minBytes: number): TypeError {
  if (value === undefined) return new TypeError(`${place} is undefined; is ${variable} set?`);
  if (value === '') return new TypeError(`${place} is an empty string; is ${variable} set?`);
  const fault = typeof value === 'string' ? 'too short' : 'not a string';
  return new TypeError(`${place} is ${fault}; write a secret of at least ${minBytes} bytes, as a string`);
}

/**
 * Throws if `argument`, the first argument of a factory, is a request. Then the app mounted the factory without calling it, as in
 * `app.use(requireScope)`.
 */
export function rejectMountedFactory(name: string, argument: unknown, example: string): void {
  if (typeof (argument as { pipe?: unknown } | null | undefined)?.pipe === 'function') {
    throw new TypeError(`${name} was mounted without being called; write ${example}`);
  }
}

/**
 * Creates the error for an invalid argument of a function. The message shows the call, says what is wrong and what to do, and never shows
 * the value.
 */
export function argumentError(call: string, argument: string, value: unknown, remedy: string): TypeError {
  const kind = value === undefined ? 'undefined' : describe(withoutContent(value));
  return new TypeError(`${call}: the ${argument} is ${kind}. ${remedy}`);
}

/** Describes the kind of a value. Only a number or a boolean is shown as it is, because a string may be a secret. */
function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value === '') return 'an empty string';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'string' || typeof value === 'symbol' || typeof value === 'bigint'
    ? `a ${typeof value} that cannot be used`
    : `${typeof value === 'object' ? 'an object' : 'a function'} that cannot be used`;
}

/**
 * The error for an invalid option that holds a secret. Unlike {@link optionError}, it never shows the value, not even a number or a
 * boolean.
 */
export function secretError(name: string, value: unknown, remedy: string): TypeError {
  return optionError(name, withoutContent(value), remedy);
}

function withoutContent(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? Object(value) : value;
}
