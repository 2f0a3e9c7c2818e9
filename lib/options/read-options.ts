import { optionError, unknownOption } from '../core/option-error.js';
import { requireSecrets } from './secrets.js';

/** Rule for one option: a schema for its value, and what to write instead of an invalid value. */
export type Rule = readonly [schema: Schema, remedy: string];

/** Rules by the full name of the option, such as `cache.ttlSeconds`. */
export type Rules = Readonly<Record<string, Rule>>;

/** The part of a zod schema that is used here. */
interface Schema {
  safeParse(value: unknown): { readonly success: boolean };
}

/**
 * Options that are plain data. Their values are copied too. Values of other options have behaviour, such as a schema or a clock, and a
 * copy would break it.
 */
const COPIED: ReadonlySet<string> = new Set(['audience', 'scopes', 'parameters', 'headers', 'normalizeResponse']);

/**
 * Copies options, then checks each by its rule. The copy is made once, so that getters cannot return another value after the check. An
 * option whose value is `undefined` counts as omitted.
 *
 * @param prefix beginning of the full names, such as `cache.`
 * @throws TypeError for an unknown or invalid option
 */
export function readOptions<T extends object>(input: T, rules: Rules, prefix = ''): T {
  if (!isPlainObject(input)) {
    throw optionError(prefix === '' ? 'options' : prefix.slice(0, -1), input, 'write a plain object');
  }
  const options: Record<string, unknown> = Object.assign(Object.create(null), input);
  for (const [key, value] of Object.entries(options)) {
    const name = prefix + key;
    if (value === undefined) continue;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) throw unknownOption(name, Object.keys(rules));
    if (COPIED.has(name)) options[key] = copy(value);
    if (rule[0].safeParse(options[key]).success) continue;
    requireSecrets(name, value);
    rejectOption(name, value, rules);
  }
  return options as T;
}

/** @throws TypeError with the remedy of the option's rule */
export function rejectOption(name: string, value: unknown, rules: Rules): never {
  throw optionError(name, value, rules[name]?.[1] ?? 'leave it out');
}

/** Whether it has only members of its own. An object whose prototype has members is not plain, because they would be lost. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.keys(prototype as object).length === 0;
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return [...value];
  return isPlainObject(value) ? Object.assign(Object.create(null), value) : value;
}
