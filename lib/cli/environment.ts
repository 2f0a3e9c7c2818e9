import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { UsageError } from './usage-error.js';

/** Environment variables, with the names of those that come from a file. */
export interface Environment {
  /** All variables of the process, together with the variables that were read from the file. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Names of the variables whose values come from the file. */
  readonly fromFile: readonly string[];
  /** Names of the variables that the file and the process both set. The value of the process is used. */
  readonly overridden: readonly string[];
}

/** The variables of the process, and the folder in which the process was started. Relative paths of files begin in this folder. */
export interface EnvironmentSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/** The file that is read if `--env-file` is missing. */
export const DEFAULT_FILE = '.env';

/**
 * Returns all variables of the process, and also the variables of a file that are among `names`, are not empty and are not set in the
 * process.
 *
 * @param file path of the file; `undefined` for `.env`, which may be missing
 * @throws UsageError if the file cannot be read
 */
export function readEnvironment(
  { env, folder }: EnvironmentSource,
  file: string | undefined,
  names: readonly string[],
): Environment {
  const inFile = readVariables(folder, file);
  const set = [...new Set(names)].filter((name) => Object.hasOwn(inFile, name) && inFile[name] !== '');
  const isSet = (name: string) => Object.hasOwn(env, name) && env[name] !== undefined;
  const fromFile = set.filter((name) => !isSet(name));
  return {
    variables: { ...env, ...Object.fromEntries(fromFile.map((name) => [name, inFile[name]])) },
    fromFile,
    overridden: set.filter(isSet),
  };
}

/**
 * Returns lines of text for the user. They name the variables that were read from the file, and those that were not read because the
 * process sets them. They show no values.
 */
export function describeEnvironment({ fromFile, overridden }: Environment, file: string | undefined): string[] {
  const name = file ?? DEFAULT_FILE;
  const isUnused = fromFile.length === 0 && overridden.length === 0;
  return [
    ...(fromFile.length > 0 ? [`Read from ${name}: ${fromFile.join(', ')}`] : []),
    ...(overridden.length > 0 ? [`Set in the environment, so not read from ${name}: ${overridden.join(', ')}`] : []),
    ...(isUnused && file !== undefined ? [`Read from ${name}: nothing that this command uses`] : []),
  ];
}

function readVariables(folder: string, file: string | undefined): Readonly<Record<string, string | undefined>> {
  try {
    return parseEnv(readFileSync(resolve(folder, file ?? DEFAULT_FILE), 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Without `--env-file`, a missing `.env` is no mistake, and neither is a folder of this name.
    if (file === undefined && (code === 'ENOENT' || code === 'EISDIR')) return {};
    throw new UsageError(`--env-file ${file ?? DEFAULT_FILE} cannot be read (${code})`);
  }
}
