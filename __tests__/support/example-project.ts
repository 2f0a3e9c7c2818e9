import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Child, ROOT, startChild } from './child.js';

export const EXAMPLES = join(ROOT, 'example-app/examples');

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface ExampleProject {
  readonly manifest: Manifest;
  /** Fills in `.env` by `.env.example`, runs the commands of `npm start`, and waits until the app is ready. */
  start(values: Readonly<Record<string, string | number>>): Promise<Child>;
  /** Runs another script of the project, with the same `.env`. */
  run(script: string, ...args: readonly string[]): Child;
}

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Copies an example to a folder of its own, where only the packages of its package.json can be found. */
export function createExampleProject(name: string): ExampleProject {
  const folder = mkdtempSync(join(tmpdir(), 'example-'));
  folders.push(folder);
  cpSync(join(EXAMPLES, name), folder, { recursive: true });
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const dependency of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    const path = join(folder, 'node_modules', dependency[0]);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(installedFolder(...dependency), path, 'dir');
  }
  return {
    manifest,
    async start(values) {
      writeFileSync(join(folder, '.env'), fillIn(readFileSync(join(folder, '.env.example'), 'utf8'), values));
      const { prestart, start = '' } = manifest.scripts;
      if (prestart === 'tsc') execFileSync(join(ROOT, 'node_modules/.bin/tsc'), { cwd: folder, stdio: 'pipe' });
      else expect(prestart).toBeUndefined();
      const child = run(start);
      await child.line((line) => line.startsWith('listening on'));
      return child;
    },
    run: (script, ...args) => run(manifest.scripts[script] ?? '', args),
  };

  function run(command: string, further: readonly string[] = []): Child {
    const [node, script = '', ...args] = command.split(' ');
    expect(node).toBe('node');
    return startChild(script, [...args, ...further], {}, folder);
  }
}

/** Folder of the installed package. Another major version of a package has its number in the name of its folder. */
function installedFolder(name: string, range: string): string {
  if (name === 'express-token-introspection') return ROOT;
  const numbered = join(ROOT, 'node_modules', `${name}${/^\^(\d+)/.exec(range)?.[1]}`);
  return existsSync(numbered) ? numbered : join(ROOT, 'node_modules', name);
}

function fillIn(example: string, values: Readonly<Record<string, string | number>>): string {
  const filled = Object.entries(values).reduce((text, [name, value]) => {
    expect(text).toMatch(new RegExp(`^${name}=`, 'm'));
    return text.replace(new RegExp(`^${name}=.*$`, 'm'), () => `${name}=${value}`);
  }, example);
  expect(filled).not.toMatch(/^\w+=$/m);
  return filled;
}
