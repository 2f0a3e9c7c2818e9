import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearestName } from '../core/nearest-name.js';
import { UsageError } from './usage-error.js';

type Flags = NonNullable<ParseArgsConfig['options']>;
type Words<Options extends Flags> = ReturnType<
  typeof parseArgs<{ options: Options; strict: true; allowPositionals: true }>
>;

/**
 * Parses the flags of a command that takes nothing else.
 *
 * @throws UsageError for an unknown or incomplete flag. The message suggests a similar flag
 */
export function parseFlags<const Options extends Flags>(
  words: readonly string[],
  options: Options,
): Words<Options>['values'] {
  return parse(words, options, false).values;
}

/**
 * Parses the flags of a command, and the words that are no flags.
 *
 * @throws UsageError for an unknown or incomplete flag. The message suggests a similar flag
 */
export function parseWords<const Options extends Flags>(words: readonly string[], options: Options): Words<Options> {
  return parse(words, options, true);
}

function parse<Options extends Flags>(
  words: readonly string[],
  options: Options,
  allowPositionals: boolean,
): Words<Options> {
  try {
    return parseArgs({ args: [...words], options, strict: true, allowPositionals }) as unknown as Words<Options>;
  } catch (error) {
    const { message } = error as Error;
    const unknown = /^Unknown option '--([^']+)'/.exec(message)?.[1] ?? '';
    const meant = nearestName(unknown, Object.keys(options));
    const hint = unknown !== '' && meant !== undefined ? `; did you mean --${meant}?` : '; see --help';
    throw new UsageError(`${message.split('. ')[0]}${hint}`);
  }
}

/**
 * Returns the value of a flag if it is one of the names.
 *
 * @throws UsageError for any other value. The message lists all names, and suggests a similar name
 */
export function requireName<Name extends string>(flag: string, value: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  const meant = nearestName(value, names);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw new UsageError(`${flag} is one of ${names.join(', ')}.${hint}`);
}
