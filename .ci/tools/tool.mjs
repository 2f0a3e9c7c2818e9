// Runs a tool that needs its own version of TypeScript. It is installed in this folder when it is first used.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const changedAt = (file) => statSync(join(here, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Prints nothing unless the tool fails. */
export function runTool(name, args) {
  if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: here, stdio: 'inherit' });
  }
  try {
    execFileSync(join(here, 'node_modules/.bin', name), args, { encoding: 'utf8', stdio: 'pipe' });
  } catch ({ stdout, stderr }) {
    throw new Error(`${name} is not content:\n${stdout}${stderr}`);
  }
}
