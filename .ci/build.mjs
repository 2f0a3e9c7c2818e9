/**
 * Builds the package and the example app. Each entry of the package becomes one file, and what several entries need goes to shared files,
 * because Node would load 150 small files slowly. The declarations keep the folders and the comments of the sources.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rollup } from 'rollup';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const modules = join(dist, 'modules');

function tsc(...args) {
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
}

rmSync(dist, { recursive: true, force: true });
tsc('-p', 'tsconfig.json', '--emitDeclarationOnly');
const toModules = [
  '--declaration',
  'false',
  '--module',
  'esnext',
  '--moduleResolution',
  'bundler',
  '--outDir',
  modules,
];
tsc('-p', 'tsconfig.json', ...toModules, '--removeComments');

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const files = [...Object.values(exports).map((target) => target.default), ...Object.values(bin)].filter(Boolean);
const names = files.map((file) => file.slice('./dist/'.length, -'.js'.length));
const bundle = await rollup({
  input: Object.fromEntries(names.map((name) => [name, join(modules, `${name}.js`)])),
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  onwarn(warning) {
    // `express` has only types.
    if (warning.code !== 'EMPTY_BUNDLE') throw new Error(warning.message);
  },
});
await bundle.write({
  dir: dist,
  format: 'cjs',
  exports: 'named',
  interop: 'auto',
  entryFileNames: '[name].js',
  chunkFileNames: 'shared/[name].js',
});
await bundle.close();
rmSync(modules, { recursive: true });

tsc('-p', 'example-app');
