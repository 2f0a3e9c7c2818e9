import { optionError, unknownOption } from '../core/option-error.js';
import { requireSecrets } from './secrets.js';

/**
 * Rule for one option: a function that creates a schema for its value, and a text that says what to write instead of an invalid value.
 * Schemas are created when they are needed, because it takes longer to create all of them than to load the rest of the library.
 */
export type Rule = readonly [createSchema: () => Schema, remedy: string];

/** Rules by the full name of the option, such as `cache.ttlSeconds`. */
export type Rules = Readonly<Record<string, Rule>>;

/** The part of a zod schema that this file uses. */
interface Schema {
  safeParse(value: unknown): { readonly success: boolean };
}

/**
 * Options whose values `readOptions()` copies too, one level deep, because they are plain objects or lists. It copies no other value,
 * because a copy of a schema or a clock, for example, would not work.
 */
const COPIED: ReadonlySet<string> = new Set(['audience', 'scopes', 'parameters', 'headers', 'normalizeResponse']);

/**
 * Copies options, then validates the copy by the rules. The copy calls each getter only once, so that no getter can return another value
 * after the validation. An option whose value is `undefined` counts as omitted, even if its name is unknown.
 *
 * @param prefix text before the names of these options in `rules` and in errors, such as `cache.`
 * @throws TypeError for an unknown or invalid option, or if `input` is not a plain object
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
    const [createSchema] = rule;
    if (createSchema().safeParse(options[key]).success) continue;
    requireSecrets(name, value);
    rejectOption(name, value, rules);
  }
  return options as T;
}

/**
 * Always throws.
 *
 * @throws TypeError with the remedy from the rule of the option
 */
export function rejectOption(name: string, value: unknown, rules: Rules): never {
  throw optionError(name, value, rules[name]?.[1] ?? 'leave it out');
}

/**
 * Returns `true` for an object whose prototype is `null` or the `Object.prototype` of any realm. Returns `false` if that `Object.prototype`
 * has enumerable members, because a copy of the object would lose them.
 */
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
