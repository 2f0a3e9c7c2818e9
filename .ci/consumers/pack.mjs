// Packs the package and checks what would be published.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, posix } from 'node:path';
import { currentSbom, FILE as SBOM } from '../sbom.mjs';
import { llmsFiles } from '../site/llms.mjs';
import { runTool } from '../tools/tool.mjs';
import { assert, manifest, root, run, step } from './project.mjs';

const MAX_UNPACKED_BYTES = 2_000_000;

/** Expected files: the build, and the documents that the README links to. */
const EXPECTED =
  /^(?:dist\/.+\.(?:js|d\.ts)|docs\/[\w-]+\.md|(?:README|CHANGELOG|SECURITY)\.md|llms(?:-full)?\.txt|sbom\.cdx\.json|LICENSE|package\.json)$/;

/** Documents may also link to these files of the repository, which are not published. */
const FOR_CONTRIBUTORS = /^(?:CONTRIBUTING\.md|\.ci\/|\.github\/|__tests__\/|bench\/|docs\/images\/|example-app\/)/;

export function pack(directory, folder = root) {
  const printed = run('npm', ['pack', '--json', '--pack-destination', directory], folder);
  const [packed] = JSON.parse(printed.slice(printed.search(/^\[/m)));
  return { ...packed, tarball: join(directory, packed.filename) };
}

/** Packs a copy of the checkout in another folder. What git ignores, such as the build, is not copied, except dependencies. */
export async function checkReproducible({ tarball }, directory) {
  await step('the package is the same, byte for byte, when it is packed in another folder', () => {
    const [copy, packed] = ['copy of the checkout', 'packed again'].map((name) => join(directory, name));
    for (const path of run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']).split('\0')) {
      // Files keep their dates, or the packages would be installed again.
      if (path !== '' && existsSync(join(root, path)))
        cpSync(join(root, path), join(copy, path), { preserveTimestamps: true });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    mkdirSync(packed);
    const again = pack(packed, copy);
    const [first, second] = [tarball, again.tarball].map(hashOf);
    assert(first === second, `SHA-512 is ${first} and ${second}`);
    console.log(`    SHA-512 ${first}`);
  });
}

function hashOf(file) {
  return createHash('sha512').update(readFileSync(file)).digest('hex');
}

export async function checkContents({ files, tarball, size, unpackedSize }) {
  const paths = new Set(files.map(({ path }) => path));

  await step('the package contains the build and the documents for users, and nothing else', () => {
    const unexpected = [...paths].filter((path) => !EXPECTED.test(path));
    assert(unexpected.length === 0, `unexpected files: ${unexpected}`);
    const expected = new Set(targets(manifest));
    const withoutSource = [...paths].filter(
      (path) =>
        (path.endsWith('.d.ts') && !existsSync(join(root, sourceOf(path)))) ||
        (path.endsWith('.js') && !path.startsWith('dist/shared/') && !expected.has(path)),
    );
    assert(withoutSource.length === 0, `files without a source: ${withoutSource}`);
    const missing = [...expected].filter((path) => !paths.has(path));
    assert(missing.length === 0, `missing files: ${missing}`);
    assert(
      unpackedSize < MAX_UNPACKED_BYTES,
      `the unpacked size is ${unpackedSize} bytes, more than ${MAX_UNPACKED_BYTES}`,
    );
  });

  await step('it contains the current documents in one file for language models, and their list', () => {
    for (const [path, content] of Object.entries(llmsFiles())) {
      assert(paths.has(path), `${path} is missing`);
      assert(readFileSync(join(root, path), 'utf8') === content, `${path} is older than the documents`);
      const missing = [...content.matchAll(/^- \[.+?\]\((.+?)\): /gm)].filter(([, target]) => !paths.has(target));
      assert(missing.length === 0, `${path} lists documents that are missing: ${missing.map(([, target]) => target)}`);
    }
  });

  await step('it contains a bill of materials that agrees with the lock file', () => {
    assert(paths.has(SBOM), `${SBOM} is missing`);
    assert(readFileSync(join(root, SBOM), 'utf8') === currentSbom(), `${SBOM} is older than package-lock.json`);
  });

  await step('its documents link only to files that exist', () => {
    const documents = [...paths].filter((path) => path.endsWith('.md'));
    const broken = documents.flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/\]\(([^)#\s]+)/g)]
        .map(([, target]) => target)
        .filter((target) => !target.startsWith('https://'))
        .map((target) => posix.join(posix.dirname(path), target))
        .filter((target) => !paths.has(target) && !FOR_CONTRIBUTORS.test(target))
        .map((target) => `${path} to ${target}`),
    );
    assert(broken.length === 0, `broken links: ${broken}`);
  });

  await step('it is published with provenance, and has no install scripts', () => {
    const { publishConfig, scripts } = manifest;
    assert(
      publishConfig?.access === 'public' && publishConfig.provenance === true,
      'publishConfig must set access to public and provenance to true',
    );
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare'].filter((name) => scripts[name] !== undefined);
    assert(hooks.length === 0, `package.json has the scripts ${hooks}`);
  });

  await step('publint finds no problems', () =>
    run(join(root, 'node_modules/.bin/publint'), ['run', tarball, '--strict']),
  );
  await step('are-the-types-wrong finds no problems', () =>
    runTool('attw', [tarball, '--format', 'ascii', '--no-color', '--no-emoji']),
  );
  console.log(`    ${paths.size} files, ${size} bytes packed, ${unpackedSize} unpacked`);
}

/** The source of a file of the build. */
function sourceOf(path) {
  return path.replace(/^dist\//, 'lib/').replace(/\.d\.ts$/, '.ts');
}

/** All files that package.json refers to. */
function* targets({ main, types, bin, exports }) {
  for (const path of [main, types, ...Object.values(bin)]) yield posix.normalize(path);
  for (const target of Object.values(exports)) {
    for (const path of typeof target === 'string' ? [target] : Object.values(target)) yield posix.normalize(path);
  }
}
