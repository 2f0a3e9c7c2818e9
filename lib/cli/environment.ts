import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** The variables of the process, and those of a file that the process does not have. */
export function environment(file: string, own: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  return { ...readVariables(file), ...own };
}

function readVariables(file: string): Readonly<Record<string, string | undefined>> {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch {
    // Most folders have no such file.
    return {};
  }
}
