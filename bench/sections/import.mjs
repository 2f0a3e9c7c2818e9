import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from '../child.mjs';
import { compare, estimate } from '../figures.mjs';

const DEPENDENCIES = ['undici', 'zod', 'lru-cache'];
const LIBRARY = ['./dist/index.js'];
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

/** Measures how long the library and only its dependencies take to load, and lists the loaded packages. */
export async function measureImport({ plan, report }) {
  report('import');
  const times = { dependencies: [], library: [] };
  let files = [];
  for (let turn = 0; turn < plan.imports; turn++) {
    times.dependencies.push((await load(DEPENDENCIES)).millis);
    const loaded = await load(LIBRARY);
    times.library.push(loaded.millis);
    files = loaded.files;
  }
  const packages = files.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]).filter(Boolean);
  return {
    libraryMillis: estimate(times.library, 1),
    dependenciesMillis: estimate(times.dependencies, 1),
    ratio: compare(times.library, times.dependencies),
    packages: [...new Set(packages)].sort(),
    ownBytes: sizeOf(DIST, '.js'),
  };
}

async function load(names) {
  const child = await startChild('import-child.cjs', { args: names });
  try {
    return await child.send();
  } finally {
    child.stop();
  }
}

function sizeOf(directory, extension) {
  return readdirSync(directory, { recursive: true })
    .filter((name) => name.endsWith(extension))
    .reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}
