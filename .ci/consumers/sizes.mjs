// Checks what each entry loads. The root entry must not grow unnoticed, and only its own entry may load an optional peer.
import { assert, manifest } from './project.mjs';

const ROOT = { bytes: 330_000, files: 35, packages: ['lru-cache', 'undici', 'zod'] };

/** Limits of all other entries. */
const OTHER = { bytes: 150_000, files: 25, packages: ['lru-cache', 'undici', 'zod'] };

/** Entries that load an optional peer. */
export const PEERS = { './opentelemetry': ['@opentelemetry/api'] };

const LOADED = `
  const { statSync } = require('node:fs');
  require(process.argv[1]);
  const sizes = {};
  for (const path of Object.keys(require.cache)) {
    const [, name] = /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(path.replaceAll('\\\\', '/')) ?? [];
    const size = (sizes[name] ??= { files: 0, bytes: 0 });
    size.files++;
    size.bytes += statSync(path).size;
  }
  console.log(JSON.stringify(sizes));`;

/** Loads each entry in its own process, in a project with every peer. */
export function checkSizes({ run }) {
  for (const path of Object.keys(manifest.exports).filter((path) => path !== './package.json')) {
    const entry = path.replace('.', manifest.name);
    const { [manifest.name]: own, ...others } = JSON.parse(run(process.execPath, '-e', LOADED, entry));
    const limit = path === '.' ? ROOT : OTHER;
    const allowed = [...limit.packages, ...(PEERS[path] ?? [])];
    const packages = Object.entries(others).map(([name, { bytes }]) => `${name} ${kilobytes(bytes)}`);
    console.log(
      `    ${entry.padEnd(45)} ${String(own.files).padStart(3)} files, ${kilobytes(own.bytes).padStart(7)}; ${packages.join(', ') || 'no package'}`,
    );
    const unexpected = Object.keys(others).filter((name) => !allowed.includes(name));
    assert(unexpected.length === 0, `${entry} loads ${unexpected}`);
    assert(own.files <= limit.files, `${entry} loads ${own.files} files of its own, more than ${limit.files}`);
    assert(own.bytes <= limit.bytes, `${entry} loads ${own.bytes} bytes of its own, more than ${limit.bytes}`);
  }
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
