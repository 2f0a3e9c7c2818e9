import { nearestName } from './nearest-name.js';

/** Longer names are not compared with the known names: no option has such a long name, and the comparison takes time. */
const MAX_NAME_LENGTH = 64;

/** The error for an invalid option: its name, what kind of value it has, and what to write instead. Numbers and booleans are shown. */
export function optionError(name: string, value: unknown, remedy: string): TypeError {
  return new TypeError(`Option "${name}" is ${describe(value)}; ${remedy}`);
}

/** The error for an unknown option. It suggests a similar name. Without a similar name, it shows the remedy, or all known names. */
export function unknownOption(name: string, known: readonly string[], remedy?: string): TypeError {
  const similar = name.length > MAX_NAME_LENGTH ? undefined : nearestName(name, known);
  const hint = similar === undefined ? (remedy ?? listNames(known)) : `did you mean "${similar}"?`;
  return new TypeError(`Option "${name}" is not known here; ${hint}`);
}

function listNames(names: readonly string[]): string {
  return names.length === 1 ? `write ${names[0]}` : `write one of ${names.join(', ')}`;
}

/** The error for an invalid item in a list of secrets. */
export function secretListError(place: string, value: unknown, variable: string, minBytes: number): TypeError {
  if (value === undefined) return new TypeError(`${place} is undefined; is ${variable} set?`);
  if (value === '') return new TypeError(`${place} is an empty string; is ${variable} set?`);
  const fault = typeof value === 'string' ? 'too short' : 'not a string';
  return new TypeError(`${place} is ${fault}; write a secret of at least ${minBytes} bytes, as a string`);
}

/** Throws when a factory was mounted without being called. Then its first argument is a request, as in `app.use(requireScope)`. */
export function rejectMountedFactory(name: string, argument: unknown, example: string): void {
  if (typeof (argument as { pipe?: unknown } | null | undefined)?.pipe === 'function') {
    throw new TypeError(`${name} was mounted without being called; write ${example}`);
  }
}

/** The error for an invalid argument: the call as the app wrote it, what is wrong, and what to do. It never shows the value. */
export function argumentError(call: string, argument: string, value: unknown, remedy: string): TypeError {
  const kind = value === undefined ? 'undefined' : describe(withoutContent(value));
  return new TypeError(`${call}: the ${argument} is ${kind}. ${remedy}`);
}

/** Describes the kind of a value. Only numbers and booleans are shown themselves, because a string may be a secret. */
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

/** Like {@link optionError}, for an option that holds a secret. The error does not show numbers and booleans either. */
export function secretError(name: string, value: unknown, remedy: string): TypeError {
  return optionError(name, withoutContent(value), remedy);
}

function withoutContent(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? Object(value) : value;
}
