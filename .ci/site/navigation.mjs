// All pages of the website, grouped by what a reader wants. The sidebar and llms.txt follow this list.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export const NAVIGATION = [
  { title: 'Start', pages: ['README.md', 'docs/tutorial.md', 'docs/migrating.md'] },
  {
    title: 'How-to',
    groups: [
      {
        title: 'Connect to the server',
        pages: [
          'docs/providers.md',
          'docs/client-authentication.md',
          'docs/checking.md',
          'docs/behind-a-proxy.md',
          'docs/signed-replies.md',
          'docs/jwt-first.md',
          'docs/several-servers.md',
        ],
      },
      {
        title: 'Protect routes',
        pages: [
          'docs/recipes.md',
          'docs/streams.md',
          'docs/step-up.md',
          'docs/sender-constrained.md',
          'docs/metadata.md',
        ],
      },
      { title: 'Other frameworks', pages: ['docs/frameworks.md', 'docs/websockets.md', 'docs/mcp.md'] },
      {
        title: 'Test and operate',
        pages: [
          'docs/testing.md',
          'docs/troubleshooting.md',
          'docs/outages.md',
          'docs/fleet.md',
          'docs/signals.md',
          'docs/metrics.md',
        ],
      },
    ],
  },
  {
    title: 'Examples',
    isOnlyInRepository: true,
    pages: [
      'example-app/examples/README.md',
      ...[
        'express',
        'express-typescript',
        'express4-commonjs',
        'fastify',
        'several-servers',
        'redis',
        'websocket',
        'socket-io',
        'event-stream',
        'mcp',
      ].map((name) => `example-app/examples/${name}/README.md`),
    ],
  },
  {
    title: 'Reference',
    pages: ['docs/options.md', 'docs/errors.md', 'docs/comparison.md', 'CHANGELOG.md'],
  },
  {
    title: 'Explanation',
    pages: [
      'docs/how-it-works.md',
      'docs/caching.md',
      'docs/faq.md',
      'docs/glossary.md',
      'docs/quality.md',
      'SECURITY.md',
    ],
  },
  {
    title: 'Project',
    isOnlyInRepository: true,
    pages: [
      'CONTRIBUTING.md',
      'bench/README.md',
      'bench/results/results.md',
      'bench/results/fleet/results.md',
      'bench/results/soak/results.md',
      'bench/results/streams/results.md',
    ],
  },
];

/** Titles in the sidebar, for pages whose heading says too little there. */
const SHORT_TITLES = {
  'README.md': 'Overview',
  'SECURITY.md': 'Security',
  'docs/tutorial.md': 'Tutorial',
  'bench/README.md': 'Benchmarks',
  'example-app/examples/README.md': 'All examples',
  'bench/results/results.md': 'Speed: results',
  'bench/results/fleet/results.md': 'Shared cache: results',
  'bench/results/soak/results.md': 'Outages: results',
  'bench/results/streams/results.md': 'Streams: results',
};

/** Summaries of pages whose first sentences do not say what the page is about. */
export const SUMMARIES = {
  'SECURITY.md': 'Report a vulnerability. The threat model, what is guaranteed, and a checklist for deployers.',
  'docs/checking.md':
    'Check your configuration and a token with `npx express-token-introspection check`, and a running API with `probe`. Discovery of the endpoint.',
  'docs/comparison.md': 'How this library and six other packages respond to the same requests.',
  'docs/errors.md': 'Every reason of a rejection (400, 401, 403) and every code of an outage (503), with what to do.',
  'docs/faq.md': 'Common questions about introspection, caching, revocation and deployment.',
  'docs/metrics.md': 'Metrics and spans for OpenTelemetry, a Grafana dashboard, and diagnostics channels.',
  'docs/migrating.md':
    'Replace a fetch middleware, express-jwt, express-oauth2-jwt-bearer, keycloak-connect or another package.',
  'docs/options.md':
    'All options of `tokenIntrospection()` with defaults and ranges, and the members of the middleware.',
  'docs/outages.md':
    'What clients get when the authorization server fails: retries, circuit breaker, stale responses, alerts.',
  'docs/troubleshooting.md': 'Find out why requests get 401, 400, 403 or 503: a command for each reason and code.',
};

export function pagesOf({ pages = [], groups = [] }) {
  return [...pages, ...groups.flatMap(pagesOf)];
}

export const PAGES = NAVIGATION.flatMap(pagesOf);

export function readPage(path) {
  return readFileSync(join(root, path), 'utf8');
}

export function headingOf(path) {
  return /^# (.+)$/m.exec(readPage(path))[1].replaceAll('`', '');
}

export function titleOf(path) {
  return SHORT_TITLES[path] ?? capitalize(headingOf(path).replace(/^Example: /, ''));
}

function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Path of a page in the website, which has no READMEs: hosts of static files serve `index.html` for a folder. */
export function sitePath(path) {
  return path.replace(/README\.md$/, 'index.md');
}
