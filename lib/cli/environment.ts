import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** Returns the variables of the process, plus those of a file. A variable of the process wins. */
export function environment(
  file: string,
  processVariables: NodeJS.ProcessEnv,
): Readonly<Record<string, string | undefined>> {
  return { ...readVariables(file), ...processVariables };
}

function readVariables(file: string): Readonly<Record<string, string | undefined>> {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch {
    // Most folders have no such file, so this is not an error.
    return {};
  }
}
