// TypeDoc settings for the API reference of all entries in package.json, as Markdown. Each warning is an error.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Names the modules as users import them. TypeDoc would name them after their files. */
function nameModules(app) {
  app.converter.on('resolveBegin', ({ project }) => {
    for (const module of project.children ?? []) module.name = module.name === 'index' ? name : join(name, module.name);
  });
}

export default {
  name: 'API reference',
  tsconfig: join(root, 'tsconfig.json'),
  entryPoints: Object.values(exports)
    .filter(({ types }) => types !== undefined)
    .map(({ types }) => join(root, types.replace('./dist/', 'lib/').replace('.d.ts', '.ts'))),
  plugin: ['typedoc-plugin-markdown', nameModules],
  out: join(root, 'api'),
  router: 'member',
  entryFileName: 'index',
  navigationJson: join(root, 'api/navigation.json'),
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  sanitizeComments: true,
  indexFormat: 'table',
  parametersFormat: 'table',
  readme: 'none',
  excludeExternals: true,
  // Without links to the sources, because the address of the repository is unknown.
  disableSources: true,
  treatWarningsAsErrors: true,
  intentionallyNotExported: ['Bivariant'],
  validation: {
    notExported: true,
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    notDocumented: true,
    unusedMergeModuleWith: true,
  },
};
