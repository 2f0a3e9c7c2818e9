// Prepares a checkout: installs dependencies if they are missing or older than the lock file, then builds.
import { execSync } from 'node:child_process';
import { statSync } from 'node:fs';

const changedAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const run = (command) => execSync(command, { stdio: ['ignore', 'inherit', 'inherit'] });

if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) run('npm ci --no-audit --no-fund');
run('npm run --silent build');
