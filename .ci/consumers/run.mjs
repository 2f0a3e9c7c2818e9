// Packs the package and uses it as its users do. `--part` skips slow checks that rarely fail.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkContents, checkReproducible, pack } from './pack.mjs';
import { assert, manifest, pinned, step, withProject } from './project.mjs';
import { checkRuntimes, NODE_VERSIONS, writeApps } from './runtimes.mjs';
import { checkSizes } from './sizes.mjs';
import { checkBareTypes, checkTypes, OLDER_COMPILERS, writeSources } from './types.mjs';

const runsAll = !process.argv.includes('--part');

/** The lowest supported version, and with all checks also the newer ones. */
const versions = NODE_VERSIONS.filter((version) => runsAll || version.split('.')[0] !== '20' || version.includes('.'));

const peers = Object.keys(manifest.peerDependencies);

const directory = mkdtempSync(join(tmpdir(), 'pack-'));
try {
  const packed = pack(directory);
  await checkContents(packed);
  await checkReproducible(packed, directory);

  await withProject([packed.tarball, pinned('typescript'), pinned('@types/node')], async (project) => {
    await step('it installs none of its optional peers', () => {
      const installed = peers.filter((name) => existsSync(join(project.directory, 'node_modules', name)));
      assert(installed.length === 0, `${installed} were installed too`);
      for (const path of Object.keys(manifest.exports).filter((entry) => !/opentelemetry/.test(entry)))
        project.run(process.execPath, '-e', `require('${path.replace('.', manifest.name)}')`);
    });
    await checkBareTypes(project);
  });

  const packages = [...peers, 'express4', 'connect', 'jest', 'supertest', 'cookie-parser', 'typescript'].map(pinned);
  const types = ['express', 'node', 'jest', 'cookie-parser', 'supertest'].map((name) => pinned(`@types/${name}`));
  const compilers = Object.entries(OLDER_COMPILERS).map(([name, version]) => `${name}@npm:${version}`);
  const nodes = versions.map((version) => `node${version}@npm:node@${version}`);
  await withProject([packed.tarball, ...packages, ...types, ...compilers, ...nodes], async (project) => {
    await step('the entries load only the allowed packages when every peer is installed', () => checkSizes(project));
    writeApps(project);
    await checkRuntimes(project, versions);
    writeSources(project);
    await checkTypes(project, runsAll);
  });
} finally {
  rmSync(directory, { recursive: true, force: true });
}
