import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A file that `init` writes. */
export interface ProjectFile {
  readonly name: string;
  readonly text: string;
  /**
   * Whether the file is left out if a file of this name exists. With `true`, the existing file is kept, and the other files are written.
   * Otherwise an existing file means that no file at all is written.
   */
  readonly isOptional?: boolean;
}

/** Result of writing the files: which files were written, and which existed before and were kept. */
export interface Written {
  /** Names of the files that were written. */
  readonly names: readonly string[];
  /** Names of the optional files that existed, and were kept. */
  readonly kept: readonly string[];
  /** Whether the folder already had a `package.json` before. */
  readonly hasManifest: boolean;
}

/** Error of `init`: a file exists already, or cannot be written. */
export class FileError extends Error {}

/**
 * Writes the files to a folder, and creates the folder if it is missing. An existing file is never overwritten.
 *
 * @throws FileError if a file that is not optional exists (nothing is written then), or if a file cannot be written
 */
export function writeFiles(files: readonly ProjectFile[], base: string, directory: string): Written {
  const folder = resolve(base, directory);
  const isThere = ({ name }: Pick<ProjectFile, 'name'>) => existsSync(join(folder, name));
  const existing = files.filter((file) => !file.isOptional && isThere(file)).map(({ name }) => name);
  if (existing.length > 0) {
    throw new FileError(
      `Nothing was written, because ${existing.join(' and ')} already exist${existing.length === 1 ? 's' : ''} in ${folder}. Write --directory FOLDER to use another folder.`,
    );
  }
  const kept = files.filter((file) => file.isOptional && isThere(file)).map(({ name }) => name);
  const hasManifest = isThere({ name: 'package.json' });
  const names: string[] = [];
  for (const { name, text } of files) {
    if (kept.includes(name)) continue;
    try {
      mkdirSync(folder, { recursive: true });
      // With `wx`, a file that another program has just created is not overwritten either.
      writeFileSync(join(folder, name), text, { flag: 'wx' });
    } catch (error) {
      const before = names.length === 0 ? 'Nothing was written' : `Only ${names.join(' and ')} was written`;
      throw new FileError(
        `${before}: ${name} cannot be written in ${folder} (${(error as NodeJS.ErrnoException).code})`,
      );
    }
    names.push(name);
  }
  return { names, kept, hasManifest };
}
