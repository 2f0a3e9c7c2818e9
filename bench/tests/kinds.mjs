// The kinds of tests, by the places of their files.
import { table } from '../report.mjs';

/** The first pattern that fits a file decides. */
const KINDS = [
  [
    'rules for random values',
    /\.property\.test\.ts$/,
    'a rule must hold for random values ([fast-check](https://fast-check.dev))',
  ],
  ['specifications', /^__tests__\/rfc\//, 'what the RFCs and the MCP specification require'],
  ['faults that were mended', /^__tests__\/regression\//, 'attacks and faults that once worked'],
  [
    'over HTTP',
    /^__tests__\/(?:http|websocket|streams|socket-io)\//,
    'servers with the middleware, and a scripted endpoint',
  ],
  [
    'whole systems',
    /^__tests__\/(?:flow|redis)\//,
    'real authorization servers, Redis, a browser, the example app, other frameworks',
  ],
  [
    'searches of this page',
    /^__tests__\/(?:model|simulate|fuzz|mutation|bench)\//,
    'small parts of the searches that this page describes, and their tools',
  ],
  [
    'package and documentation',
    /^__tests__\/(?:[^/]+\.test\.ts$|supply-chain\/)/,
    'the package, its types and structure, and the code and links in the documentation',
  ],
  ['parts', /./, 'one part of the library by itself'],
];

/** Counts test files and tests by kind. */
export function countByKind(files) {
  const counts = KINDS.map(([kind]) => ({ kind, files: 0, tests: 0 }));
  for (const { file, tests } of files) {
    const count = counts[KINDS.findIndex(([, pattern]) => pattern.test(file))];
    count.files++;
    count.tests += tests;
  }
  return counts;
}

export function renderKinds(counts) {
  const rows = counts.map(({ kind, files, tests }, index) => [kind, KINDS[index][2], files, tests]);
  const [files, tests] = ['files', 'tests'].map((name) => counts.reduce((total, count) => total + count[name], 0));
  return table(['kind', 'about', 'files', 'tests'], [...rows, ['all', '', files, tests]]);
}
