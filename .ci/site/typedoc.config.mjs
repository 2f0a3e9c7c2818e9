// TypeDoc settings for the API reference of all entries in package.json, as Markdown. Each warning is an error.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Comment } from 'typedoc';

const root = join(import.meta.dirname, '../..');
const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const SUMMARIES = {
  '.': 'Middleware, guards, client authentication, options and errors.',
  './express': 'Declares the type of `req.auth`.',
  './jwt': 'Rejects forged JWTs before the endpoint is asked.',
  './mcp': 'Middleware and token verifier for MCP servers.',
  './metadata': 'Publishes protected resource metadata.',
  './opentelemetry': 'Metrics and spans.',
  './providers': 'Presets for authorization servers.',
  './redis': 'Shared cache in Redis.',
  './selectors': 'Select one of several authorization servers.',
  './signals': 'Receives logout and security events, and invalidates tokens.',
  './socket-io': 'Authentication of Socket.IO.',
  './store-tests': 'Tests for a `CacheStore` of your own.',
  './streams': 'Ends event streams and downloads with their token.',
  './testing': 'Authorization server in the memory of your tests.',
  './websocket': 'Authentication of WebSockets.',
};

/** Names and describes the modules as users import them. TypeDoc would name them after their files. */
function nameModules(app) {
  app.converter.on('resolveBegin', ({ project }) => {
    for (const module of project.children ?? []) {
      const entry = module.name === 'index' ? '.' : `./${module.name}`;
      if (SUMMARIES[entry] === undefined) app.logger.error(`the entry ${entry} has no summary in typedoc.config.mjs`);
      module.name = join(name, entry);
      module.comment = new Comment([{ kind: 'text', text: SUMMARIES[entry] ?? '' }]);
    }
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
  intentionallyNotExported: ['Bivariant', 'NodeJwk'],
  validation: {
    notExported: true,
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    notDocumented: true,
    unusedMergeModuleWith: true,
  },
};
