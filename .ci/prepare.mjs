// Prepares a checkout: installs dependencies if they are missing or older than the lock file, then builds.
import { execSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const changedAt = (file) => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** npm prints the name of the tarball, or JSON, to standard output. So output of these commands goes to standard error. */
const isPacking = process.env.npm_lifecycle_event === 'prepack';

function run(command) {
  // npm pack --dry-run passes its flag on to commands within it, and npm ci would install nothing.
  const env = { ...process.env, npm_config_dry_run: 'false' };
  execSync(command, { cwd: root, env, stdio: ['ignore', isPacking ? 2 : 'inherit', 'inherit'] });
}

if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) {
  try {
    run('npm ci --include=dev --no-audit --no-fund');
  } catch {
    console.error(
      'The dependencies cannot be installed. Run npm ci with access to a package registry, then try again.',
    );
    process.exit(1);
  }
}
run('npm run --silent build');
