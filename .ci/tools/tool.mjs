// Runs tools that need their own version of TypeScript. They are installed in their folder when one is first used.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

/** Path of a tool, after installing the packages of its folder if they are missing or older than the lock file. */
export function installedTool(name, folder) {
  const changedAt = (file) => statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: 'inherit' });
  }
  return join(folder, 'node_modules/.bin', name);
}

/** Prints nothing unless the tool fails. */
export function runTool(name, args, folder = import.meta.dirname) {
  const tool = installedTool(name, folder);
  try {
    execFileSync(tool, args, { encoding: 'utf8', stdio: 'pipe' });
  } catch ({ stdout, stderr }) {
    throw new Error(`${name} is not content:\n${stdout}${stderr}`);
  }
}
