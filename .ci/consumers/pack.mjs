// What is published: packed once, then looked at.
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { runTool } from '../tools/tool.mjs';
import { assert, manifest, root, run, step } from './project.mjs';

const MAX_UNPACKED_BYTES = 1_100_000;

/** The build and what a user reads; a document is one of a user's if the README leads there. */
const EXPECTED =
  /^(?:dist\/.+\.(?:js|d\.ts)|docs\/[\w-]+\.md|(?:README|CHANGELOG|SECURITY)\.md|LICENSE|package\.json)$/;

/** For those who have the repository. */
const FOR_CONTRIBUTORS = /^(?:CONTRIBUTING\.md|__tests__\/|bench\/|docs\/images\/|example-app\/)/;

export function pack(directory) {
  const printed = run('npm', ['pack', '--json', '--pack-destination', directory]);
  const [packed] = JSON.parse(printed.slice(printed.search(/^\[/m)));
  return { ...packed, tarball: join(directory, packed.filename) };
}

export async function checkContents({ files, tarball, size, unpackedSize }) {
  const paths = new Set(files.map(({ path }) => path));

  await step('the package holds the build and what users read, and nothing else', () => {
    const strangers = [...paths].filter((path) => !EXPECTED.test(path));
    assert(strangers.length === 0, `unexpected files: ${strangers}`);
    const sources = [...paths].filter((path) => path.endsWith('.js') && !existsSync(join(root, sourceOf(path))));
    assert(sources.length === 0, `built of no source: ${sources}`);
    const missing = [...targets(manifest)].filter((path) => !paths.has(path));
    assert(missing.length === 0, `missing files: ${missing}`);
    assert(unpackedSize < MAX_UNPACKED_BYTES, `it unpacks to ${unpackedSize} bytes`);
  });

  await step('its documents link to each other, and to nothing it lacks', () => {
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

  await step('it is published with provenance, and installs without running anything', () => {
    const { publishConfig, scripts } = manifest;
    assert(publishConfig?.access === 'public' && publishConfig.provenance === true, 'publishConfig does not say so');
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare'].filter((name) => scripts[name] !== undefined);
    assert(hooks.length === 0, `it runs ${hooks}`);
  });

  await step('publint finds nothing', () => run(join(root, 'node_modules/.bin/publint'), ['run', tarball, '--strict']));
  await step('are-the-types-wrong finds nothing', () =>
    runTool('attw', [tarball, '--format', 'ascii', '--no-color', '--no-emoji']),
  );
  console.log(`    ${paths.size} files, ${size} bytes packed, ${unpackedSize} unpacked`);
}

/** What a file of the build was made of. */
function sourceOf(path) {
  return path.replace(/^dist\//, 'lib/').replace(/\.js$/, '.ts');
}

/** Every file that package.json points to. */
function* targets({ main, types, bin, exports }) {
  for (const path of [main, types, ...Object.values(bin)]) yield posix.normalize(path);
  for (const target of Object.values(exports)) {
    for (const path of typeof target === 'string' ? [target] : Object.values(target)) yield posix.normalize(path);
  }
}
