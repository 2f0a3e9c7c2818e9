// Writes sbom.cdx.json: the packages that this package needs at run time, with the versions and hashes of the lock file, in
// CycloneDX 1.5. It holds no date, no random number and no version of npm, so that the same commit always gives the same file.
// `npm sbom --omit dev` leaves out a dependency that a development dependency needs too, so it is not used.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const root = join(import.meta.dirname, '..');

export const FILE = 'sbom.cdx.json';

/** The text of the file, for the two parsed files `package.json` and `package-lock.json`. */
export function softwareBillOfMaterials(manifest, lock) {
  const needed = findNeeded(lock.packages);
  const component = { ...describe(manifest.name, manifest), description: manifest.description };
  const sbom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { lifecycles: [{ phase: 'build' }], component },
    components: [...needed].map(([path, { name }]) => describe(name, lock.packages[path], 'required')),
    dependencies: [
      { ref: component['bom-ref'], dependsOn: dependenciesOf('', lock.packages).map(reference) },
      ...[...needed].map(([path]) => ({
        ref: reference(path),
        dependsOn: dependenciesOf(path, lock.packages).map(reference),
      })),
    ],
  };
  return `${JSON.stringify(sbom, undefined, 2)}\n`;

  function reference(path) {
    return describe(needed.get(path).name, lock.packages[path])['bom-ref'];
  }
}

/** Packages of the lock file that are needed at run time, by their path in it, sorted. */
function findNeeded(packages) {
  const found = new Map();
  const waiting = dependenciesOf('', packages);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    // An alias has another folder than name.
    found.set(path, { name: packages[path].name ?? path.slice(path.lastIndexOf('node_modules/') + 13) });
    waiting.push(...dependenciesOf(path, packages));
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Paths of the packages that a package imports: each is in the nearest folder `node_modules` above it. */
function dependenciesOf(path, packages) {
  const { dependencies = {}, optionalDependencies = {} } = packages[path];
  return Object.keys({ ...dependencies, ...optionalDependencies })
    .sort()
    .map((name) => {
      const target = nearest(path, name, packages);
      if (target === undefined) throw new Error(`${name} is missing in package-lock.json`);
      return target;
    });
}

function nearest(from, name, packages) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    const path = posix.join(folder, 'node_modules', name);
    if (Object.hasOwn(packages, path)) return path;
    if (folder === '') return undefined;
  }
}

function describe(name, { version, license, integrity }, scope) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    ...(scope && { scope }),
    ...(integrity && { hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }] }),
    licenses: [/[ ()]/.test(license) ? { expression: license } : { license: { id: license } }],
    purl,
  };
}

function hexOf(integrity) {
  const [, base64] = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`package-lock.json has a hash that is not SHA-512: ${integrity}`);
  return Buffer.from(base64, 'base64').toString('hex');
}

export function currentSbom(folder = root) {
  const [manifest, lock] = ['package.json', 'package-lock.json'].map((file) =>
    JSON.parse(readFileSync(join(folder, file), 'utf8')),
  );
  return softwareBillOfMaterials(manifest, lock);
}

if (process.argv[1] === import.meta.filename) writeFileSync(join(root, FILE), currentSbom());
