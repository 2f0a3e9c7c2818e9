// Compiles the published types in projects with all module kinds of TypeScript, without skipLibCheck.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, inPairs, manifest, root, step } from './project.mjs';
import { PEERS } from './sizes.mjs';

/** Compilers in addition to the one that builds the library. */
export const OLDER_COMPILERS = { typescript6: 'typescript@6', typescript5: 'typescript@5.9' };

const RESOLUTIONS = { node16: 'node16', nodenext: 'nodenext', bundler: 'preserve' };

/** All combinations of compiler, module type, resolution and strictness. */
const MATRIX = ['typescript', ...Object.keys(OLDER_COMPILERS)].flatMap((compiler) =>
  ['module', 'commonjs'].flatMap((type) =>
    Object.keys(RESOLUTIONS).flatMap((resolution) =>
      [true, false].map((strict) => ({ compiler, type, resolution, strict })),
    ),
  ),
);

/** Combinations that are checked with `--part`. */
const ESSENTIAL = ['module nodenext true', 'commonjs node16 false', 'module bundler true'];

const isEssential = ({ type, resolution, strict }) => ESSENTIAL.includes(`${type} ${resolution} ${strict}`);

/** Guides whose examples need no further packages. */
const GUIDES = ['caching', 'checking', 'metadata', 'migrating', 'options', 'providers', 'recipes', 'testing'];
const PAGES = GUIDES.map((name) => `docs/${name}.md`);

/** Writes the examples of the documents, and two more files. */
export function writeSources(project) {
  const pages = PAGES.map((name) => readFileSync(join(root, name), 'utf8'));
  const blocks = pages.flatMap((page) => [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code));
  assert(blocks.length > 10, 'the documents have no examples');
  for (const type of ['module', 'commonjs']) {
    project.write(`${type}/package.json`, { type });
    for (const [index, block] of blocks.entries()) {
      const name = /^\/\/ (\S+\.ts)\n/.exec(block)?.[1] ?? `example-${index}.ts`;
      project.write(`${type}/${name}`, block);
    }
    for (const name of ['typed.ts', 'telemetry.ts']) {
      project.write(`${type}/${name}`, readFileSync(join(import.meta.dirname, 'projects', name), 'utf8'));
    }
  }
}

export async function checkTypes(project, runsAll) {
  const combinations = MATRIX.filter((combination) => runsAll || isEssential(combination));
  for (const compiler of new Set(combinations.map((combination) => combination.compiler))) {
    const kinds = combinations.filter((combination) => combination.compiler === compiler);
    const title = `TypeScript ${versionOf(project, compiler)}: the documents' examples in ${kinds.length} kinds of projects`;
    await step(title, () =>
      inPairs(
        kinds.map(
          ({ type, ...kind }) =>
            () =>
              compile(project, type, kind),
        ),
      ),
    );
  }
}

/** Compiles the types in a project that contains only the library. */
export async function checkBareTypes(project) {
  const entries = Object.keys(manifest.exports).filter(
    (path) => path !== './package.json' && PEERS[path] === undefined,
  );
  project.write('package.json', { name: 'consumer', private: true, type: 'commonjs' });
  project.write('src/all.ts', entries.map((path) => `import '${path.replace('.', manifest.name)}';`).join('\n'));
  const kinds = Object.keys(RESOLUTIONS).map((resolution) => ({ compiler: 'typescript', resolution, strict: true }));
  await step(`the types of ${entries.length} entries need no peer`, () =>
    inPairs(kinds.map((kind) => () => compile(project, 'src', kind))),
  );
}

async function compile({ start, write }, folder, { compiler, resolution, strict }) {
  const kind = { moduleResolution: resolution, module: RESOLUTIONS[resolution], strict };
  const compilerOptions = { target: 'es2022', skipLibCheck: false, noEmit: true, types: ['node'], ...kind };
  const file = `${folder}/tsconfig.${compiler}-${resolution}-${strict}.json`;
  write(file, { compilerOptions, include: ['*.ts'] });
  try {
    await start(process.execPath, `node_modules/${compiler}/bin/tsc`, '-p', file);
  } catch ({ stdout, message }) {
    throw new Error(`${file}:\n${stdout || message}`);
  }
}

function versionOf({ directory }, name) {
  return JSON.parse(readFileSync(join(directory, 'node_modules', name, 'package.json'), 'utf8')).version;
}
