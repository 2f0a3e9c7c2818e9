// Creates temporary projects that contain only what is written and installed there.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export const root = join(import.meta.dirname, '../..');
export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;

const env = { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'test', CLIENT_SECRET: 'secret' };

export function run(command, args, cwd = root) {
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Runs all tasks, two at a time. */
export async function inPairs(tasks) {
  const waiting = [...tasks];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
  };
  await Promise.all([work(), work()]);
}

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}

export async function step(title, check) {
  const start = performance.now();
  await check();
  console.log(`ok  ${title} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}

/** A package with the version that the library is tested with. */
export function pinned(name) {
  const { version, name: aliased } = locked[`node_modules/${name}`];
  return aliased === undefined ? `${name}@${version}` : `${name}@npm:${aliased}@${version}`;
}

/** Creates a project, passes it to `use`, and removes it afterwards. */
export async function withProject(packages, use) {
  const directory = mkdtempSync(join(tmpdir(), 'consumer-'));
  const project = {
    directory,
    run: (command, ...args) => run(command, args, directory),
    /** @throws an error with the output of the command */
    start: (command, ...args) => promisify(execFile)(command, args, { cwd: directory, env }),
    write(path, content) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), typeof content === 'string' ? content : JSON.stringify(content));
    },
  };
  try {
    project.write('package.json', { name: 'consumer', private: true });
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    run('npm', ['install', ...flags, ...packages], directory);
    await use(project);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
