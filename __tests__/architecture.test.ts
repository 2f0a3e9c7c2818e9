import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ROOT } from './support/child.js';
import { parseSource, readSources, type Source } from './support/source.js';

/** Layers, lowest first. A file imports only from layers listed before its own, and from its own folder. */
const ROWS: readonly (readonly [row: string, places: readonly string[]])[] = [
  ['core', ['core/']],
  ['diagnostics', ['diagnostics/']],
  ['client authentication', ['client-auth/']],
  ['rooms', ['credentials/', 'verification/', 'introspection/', 'cache/']],
  ['policy', ['policy.ts']],
  ['options', ['options/']],
  ['presets', ['providers/']],
  ['introspector', ['introspector.ts']],
  ['authenticator', ['authenticator.ts']],
  ['middleware', ['middleware/']],
  ['monitoring', ['monitoring/']],
  [
    'entries',
    [
      'index.ts',
      'express.ts',
      'providers/index.ts',
      'redis/',
      'store-tests/',
      'opentelemetry/',
      'metadata/',
      'selectors/',
      'jwt/',
      'mcp/',
      'websocket/',
      'signals/',
      'streams/',
      'socket-io/',
      'testing/',
    ],
  ],
  ['command', ['cli/']],
];

/** The only files that may import each package. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  undici: ['introspection/connections.ts', 'introspection/http.ts', 'introspection/send-over-pool.ts'],
  'lru-cache': ['cache/memory-store.ts'],
  zod: [
    'introspection/server-metadata.ts',
    'introspection/response.ts',
    'introspection/signed-response.ts',
    'metadata/rules.ts',
    'options/rules.ts',
    'signals/rules.ts',
  ],
  jose: [
    'client-auth/write-assertion.ts',
    'introspection/key-set.ts',
    'introspection/signed-response.ts',
    'metadata/signed.ts',
    'verification/sender/dpop.ts',
  ],
  '@opentelemetry/api': [
    'opentelemetry/active-context.ts',
    'opentelemetry/calls.ts',
    'opentelemetry/index.ts',
    'opentelemetry/metrics.ts',
    'opentelemetry/options.ts',
    'opentelemetry/spans.ts',
  ],
};

/** Optional peers: not installed with the library, but by the app that imports the subpath. */
const OPTIONAL_PEERS: Readonly<Record<string, string>> = {
  '@opentelemetry/api': 'opentelemetry/',
};

/** Loaded by dynamic import: an ES module that the root entry must not load. */
const LOADED_DYNAMICALLY = ['jose'];

/** Presets are data. They may import code only from core, from other presets and from client-auth. */
const PRESET_CODE = /^(?:core\/|providers\/|client-auth\/)/;
const PRESET_TYPES = /^(?:options\/types\.ts|introspection\/response\.ts)$/;

/** The first reports invalid options; the others report that a function of the app returned a promise. */
const TYPE_ERROR_FILES = [
  'core/option-error.ts',
  'core/synchronous.ts',
  'middleware/predicate.ts',
  'middleware/select-server.ts',
  // Prints them for the user of the command.
  'cli/check.ts',
];

const RESPONSE_WRITERS = [
  'appendHeader',
  'end',
  'flushHeaders',
  'removeHeader',
  'setHeader',
  'setHeaders',
  'statusCode',
  'statusMessage',
  'write',
  'writeHead',
];

/** The only files that may write responses. The second one ends those of handlers. */
const WRITING_FILES = ['middleware/respond.ts', 'streams/end-response.ts'];

/** Files without HTTP responses. Their `end` and `write` belong to command output, spans, or the connection of an upgrade. */
const WITHOUT_RESPONSES = /^(?:cli\/|opentelemetry\/|websocket\/reject-upgrade\.ts$)/;

const MAX_LINES_OF_CODE = 200;

interface Place {
  readonly height: number;
  /** The folder of the file, from which it may always import. */
  readonly home: string;
}

/** The most specific entry counts: `providers/index.ts` is an entry, although `providers/` holds presets. */
function placeOf(path: string): Place | undefined {
  return ROWS.flatMap(([, places], height) => places.map((place) => ({ height, place })))
    .filter(({ place }) => place === path || (place.endsWith('/') && path.startsWith(place)))
    .sort((a, b) => b.place.length - a.place.length)
    .map(({ height, place }) => ({ height, home: place }))[0];
}

const isRelative = (from: string) => from.startsWith('.');

/** Returns the path below `lib/` of the imported file. */
function resolve({ path }: Source, from: string): string {
  return posix.join(posix.dirname(path), from).replace(/\.js$/, '.ts');
}

type Rule = (source: Source) => string[];

const hasAPlace: Rule = ({ path }) => (placeOf(path) === undefined ? [`${path} is in no layer`] : []);

const importsFromBelow: Rule = (source) => {
  const place = placeOf(source.path);
  return source.imports
    .filter(({ from }) => isRelative(from))
    .map(({ from }) => resolve(source, from))
    .filter((target) => {
      const other = placeOf(target);
      return !(place && other && (other.height < place.height || other.home === place.home));
    })
    .map((target) => `${source.path} imports ${target}`);
};

const keepsPresetsApart: Rule = (source) => {
  const isPreset = source.path.startsWith('providers/');
  return source.imports
    .filter(({ from }) => isRelative(from))
    .map(({ from, isTypeOnly }) => ({ target: resolve(source, from), isTypeOnly }))
    .filter(({ target, isTypeOnly }) =>
      isPreset
        ? !(PRESET_CODE.test(target) || (isTypeOnly && PRESET_TYPES.test(target)))
        : target.startsWith('providers/') && source.path !== 'cli/options.ts',
    )
    .map(({ target }) => `${source.path} imports ${target}`);
};

const usesDoors: Rule = ({ path, imports }) =>
  imports
    .filter(({ from }) => !isRelative(from) && !from.startsWith('node:') && !DOORS[from]?.includes(path))
    .map(({ from }) => `${path} imports ${from}`);

const importsStatically: Rule = ({ path, imports }) =>
  imports
    .filter(({ from, isDynamic, isTypeOnly }) => isDynamic !== (LOADED_DYNAMICALLY.includes(from) && !isTypeOnly))
    .map(({ from, isDynamic }) => `${path} loads ${from} ${isDynamic ? 'dynamically' : 'statically'}`);

const leavesTypeErrors: Rule = ({ path, identifiers }) =>
  identifiers.has('TypeError') && !TYPE_ERROR_FILES.includes(path) ? [`${path} names TypeError`] : [];

const leavesResponses: Rule = ({ path, touched }) =>
  WRITING_FILES.includes(path) || WITHOUT_RESPONSES.test(path)
    ? []
    : RESPONSE_WRITERS.filter((name) => touched.has(name)).map((name) => `${path} uses .${name}`);

const typesEverything: Rule = ({ path, saysAny }) => (saysAny ? [`${path} says any`] : []);

const staysShort: Rule = ({ path, text }) => {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^\s*(?:\/\/|\/?\*)/.test(line)).length;
  return lines > MAX_LINES_OF_CODE ? [`${path} has ${lines} lines of code`] : [];
};

/** Returns the files in import cycles. Type imports count too. */
function cyclesOf(sources: readonly Source[]): string[] {
  const targets = new Map(
    sources.map((source) => [
      source.path,
      source.imports.filter(({ from }) => isRelative(from)).map(({ from }) => resolve(source, from)),
    ]),
  );
  const reaches = (from: string, goal: string, seen: Set<string>): boolean =>
    (targets.get(from) ?? []).some((target) => {
      if (target === goal) return true;
      if (seen.has(target)) return false;
      return reaches(target, goal, seen.add(target));
    });
  return [...targets.keys()].filter((path) => reaches(path, path, new Set()));
}

function readManifest() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
}

const sources = readSources();

const RULES: readonly (readonly [
  title: string,
  rule: Rule,
  broken: readonly (readonly [path: string, text: string])[],
])[] = [
  [
    'has every file in a layer',
    hasAPlace,
    [
      ['utils/misc.ts', ''],
      ['misc.ts', ''],
    ],
  ],
  [
    'imports only from lower layers, and never between folders of the same layer',
    importsFromBelow,
    [
      ['core/lookup.ts', "import { verify } from '../verification/verify.js';"],
      ['diagnostics/decisions.ts', "import type { Settings } from '../options/parse.js';"],
      ['cache/introspector-id.ts', "import { parseToken } from '../credentials/token.js';"],
      ['verification/scope.ts', "export * from '../introspection/response-claims.js';"],
      ['introspection/http.ts', "import type { TokenIntrospectionOptions } from '../options/types.js';"],
      ['options/parse.ts', "import { getAuth } from '../middleware/get-auth.js';"],
      ['middleware/guard.ts', "import { tokenIntrospection } from '../index.js';"],
      ['index.ts', "import './express.js';"],
      ['index.ts', "export { redisStore } from './redis/index.js';"],
      ['index.ts', "export { byHost } from './selectors/index.js';"],
      ['selectors/by-issuer.ts', "import { decode } from '../redis/replies.js';"],
      ['store-tests/index.ts', "import { redisStore } from '../redis/index.js';"],
      ['introspector.ts', "import { redisStore } from './redis/index.js';"],
      ['index.ts', "export * from './opentelemetry/index.js';"],
      ['index.ts', "export * from './metadata/index.js';"],
      ['index.ts', "export * from './testing/index.js';"],
      ['opentelemetry/spans.ts', "export * from '../express.js';"],
      ['middleware/guard.ts', "import type { AuthInfo } from '../mcp/auth-info.js';"],
      ['index.ts', "export * from './websocket/index.js';"],
      ['index.ts', "export { invalidationEndpoint } from './signals/index.js';"],
      ['middleware/guard.ts', "import { rejectUpgrade } from '../websocket/reject-upgrade.js';"],
      ['cache/introspector-id.ts', "type Key = import('../credentials/token.js').Key;"],
      ['cache/introspector-id.ts', "import '../nowhere/misc.js';"],
    ],
  ],
  [
    'builds presets only from client authentication and data, and imports no preset elsewhere',
    keepsPresetsApart,
    [
      ['providers/polar.ts', "import { parseOptions } from '../options/parse.js';"],
      ['providers/polar.ts', "import { parseResponse } from '../introspection/response.js';"],
      ['providers/polar.ts', "import { createTransport, type Transport } from '../introspection/transport.js';"],
      ['options/parse.ts', "import { polar } from '../providers/polar.js';"],
      ['index.ts', "export { polar } from './providers/index.js';"],
    ],
  ],
  [
    'imports each package only in the listed files',
    usesDoors,
    [
      ['introspection/client.ts', "import { Pool } from 'undici';"],
      ['introspection/client.ts', "import type { Dispatcher } from 'undici';"],
      ['cache/memory-cache.ts', "export { LRUCache } from 'lru-cache';"],
      ['verification/claims.ts', "import { z } from 'zod';"],
      ['verification/sender/certificate.ts', "import { calculateJwkThumbprint } from 'jose';"],
      ['middleware/guard.ts', "import express from 'express';"],
      ['diagnostics/channels.ts', "import { trace } from '@opentelemetry/api';"],
      ['cache/introspector-id.ts', "import { hash } from 'crypto';"],
      ['redis/ioredis.ts', "import type { Redis } from 'ioredis';"],
      ['mcp/auth-info.ts', "import type { AuthInfo } from '@modelcontextprotocol/server';"],
      ['redis/node-redis.ts', "import { createClient } from 'redis';"],
      ['introspection/response.ts', "import { z } from 'zod/v3';"],
    ],
  ],
  [
    'imports dynamically only what must be',
    importsStatically,
    [
      ['introspection/http.ts', "const undici = await import('undici');"],
      ['introspection/http.ts', "const undici = require('undici');"],
      ['verification/sender/dpop.ts', "import { compactVerify } from 'jose';"],
    ],
  ],
  [
    'throws TypeErrors only for options, and for functions of the app',
    leavesTypeErrors,
    [
      ['credentials/token.ts', "export function f() { throw new TypeError('no'); }"],
      ['core/errors.ts', 'export class AuthError extends TypeError {}'],
    ],
  ],
  [
    'writes responses only in the listed files',
    leavesResponses,
    [
      ['middleware/guard.ts', "export const f = (res) => res.setHeader('X', 'y');"],
      ['middleware/guard.ts', 'export const f = (res) => { res.statusCode = 500; };'],
      ['middleware/guard.ts', 'export const f = (response) => { response.end(); };'],
    ],
  ],
  ['never uses the type any', typesEverything, [['core/lookup.ts', 'export type Claims = Record<string, any>;']]],
  ['keeps files within 200 lines of code', staysShort, [['core/lookup.ts', 'export {};\n'.repeat(201)]]],
];

describe.each(RULES)('the library %s', (_title, rule, broken) => {
  it('in every file', () => {
    expect(sources.flatMap(rule)).toEqual([]);
  });

  it('and the rule finds every example of a violation', () => {
    const unnoticed = broken.filter(([path, text]) => rule(parseSource(path, text)).length === 0);
    expect(unnoticed).toEqual([]);
  });
});

describe('the library', () => {
  it('has no import cycles', () => {
    expect(cyclesOf(sources)).toEqual([]);
    const [a, b] = [parseSource('a.ts', "export * from './b.js';"), parseSource('b.ts', "import { a } from './a.js';")];
    expect(cyclesOf([a, b])).toEqual(['a.ts', 'b.ts']);
  });

  it('imports only existing files, by their compiled names', () => {
    const paths = new Set(sources.map(({ path }) => path));
    const wrong = sources.flatMap((source) =>
      source.imports
        .map(({ from }) => from)
        .filter((from) => isRelative(from) && !(from.endsWith('.js') && paths.has(resolve(source, from))))
        .map((from) => `${source.path} imports ${from}`),
    );
    expect(wrong).toEqual([]);
  });

  it('depends exactly on the listed packages, and each listed file imports its package', () => {
    const { dependencies } = readManifest();
    const installed = Object.keys(DOORS).filter((name) => OPTIONAL_PEERS[name] === undefined);
    expect(Object.keys(dependencies).sort()).toEqual(installed.sort());
    for (const [name, doors] of Object.entries(DOORS)) {
      const users = sources.filter(({ imports }) => imports.some(({ from }) => from === name)).map(({ path }) => path);
      expect(users.sort()).toEqual([...doors].sort());
    }
  });

  it('imports optional peers only behind their own subpaths', () => {
    const { peerDependencies, peerDependenciesMeta, exports } = readManifest();
    for (const [door, folder] of Object.entries(OPTIONAL_PEERS)) {
      const [name] = /^(?:@[^/]+\/)?[^/]+/.exec(door) ?? [];
      expect(peerDependencies).toHaveProperty([name as string]);
      expect(peerDependenciesMeta[name as string]).toEqual({ optional: true });
      expect(exports[`./${posix.basename(folder)}`].default).toBe(`./dist/${folder}index.js`);
      expect(DOORS[door]?.filter((door) => !door.startsWith(folder))).toEqual([]);
      const users = sources.filter(
        (source) =>
          !source.path.startsWith(folder) &&
          source.imports.some(({ from }) => isRelative(from) && resolve(source, from).startsWith(folder)),
      );
      expect(users).toEqual([]);
    }
  });

  it('has more than 40 files, so the rules above were applied', () => {
    expect(sources.length).toBeGreaterThan(40);
  });
});
