import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './child.js';

/**
 * Value of an expression over the exports of a module, as JSON. The path begins in the folder of the project. The expression calls the
 * module `module`.
 */
export function evaluate(path: string, expression: string): unknown {
  const url = pathToFileURL(join(ROOT, path));
  const script = `import * as module from '${url}'; console.log(JSON.stringify(${expression}));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', stdio: 'pipe' }),
  );
}
