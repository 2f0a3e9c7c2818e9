import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { UsageError } from './usage-error.js';

/** The variables that a command uses. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Names of variables, without their values, that were read from the file. */
  readonly fromFile: readonly string[];
  /** Names that the file sets too. The value of the process is used. */
  readonly overridden: readonly string[];
}

/** The source of variables. */
export interface EnvironmentSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/** The file that is read if no other one is named. */
export const DEFAULT_FILE = '.env';

/**
 * Returns these variables of the process and of a file. A variable of the process wins. Other variables of the file are ignored.
 *
 * @param file `undefined` for `.env`, which may be missing
 * @throws UsageError if the file cannot be read
 */
export function readEnvironment(
  { env, folder }: EnvironmentSource,
  file: string | undefined,
  names: readonly string[],
): Environment {
  const inFile = readVariables(folder, file);
  const set = [...new Set(names)].filter((name) => Object.hasOwn(inFile, name) && inFile[name] !== '');
  const fromFile = set.filter((name) => env[name] === undefined);
  return {
    variables: { ...env, ...Object.fromEntries(fromFile.map((name) => [name, inFile[name]])) },
    fromFile,
    overridden: set.filter((name) => env[name] !== undefined),
  };
}

/** Says which variables were read from the file. It never shows values. */
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
    // Most folders have no such file, and some have a folder of this name.
    if (file === undefined && (code === 'ENOENT' || code === 'EISDIR')) return {};
    throw new UsageError(`--env-file ${file ?? DEFAULT_FILE} cannot be read (${code})`);
  }
}
