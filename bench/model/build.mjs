import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Compiles the library, with one file for each source, and calls `use` with its folder. The package itself has bundles instead. */
export async function withLibrary(use) {
  const folder = mkdtempSync(join(tmpdir(), 'compiled-library-'));
  const built = join(folder, 'lib');
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    const options = ['-p', 'tsconfig.json', '--outDir', built, '--declaration', 'false', '--noCheck'];
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...options], { cwd: root });
    return await use(built);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Removes a guard from the compiled library while `use` runs. Threads that `use` starts load the library without the guard. */
export async function withoutGuard(built, { guard, file, from, to }, use) {
  const path = join(built, file);
  const text = readFileSync(path, 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${guard}: the text occurs ${parts.length - 1} times in ${file}`);
  writeFileSync(path, parts.join(to));
  try {
    return await use();
  } finally {
    writeFileSync(path, text);
  }
}
