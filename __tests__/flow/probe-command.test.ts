import { type Child, startChild } from '../support/child.js';

const START_TIMEOUT_MS = 120_000;

let app: Child;
let api: string;

beforeAll(async () => {
  app = startChild('example-app/dist/start.mjs', [], { PORT: '0', AS_PORT: '0' });
  const line = await app.line((text) => text.startsWith('Open http'));
  api = /http:\/\/[\d.:]+/.exec(line)?.[0] ?? '';
  await app.line((text) => text === 'Press Ctrl+C to stop.');
}, START_TIMEOUT_MS);

async function issue(...scopes: readonly string[]): Promise<string> {
  const body = JSON.stringify({ subject: 'alice', scopes, ttlSeconds: 60 });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${api}/console/token`, { method: 'POST', headers, body });
  return ((await response.json()) as { access_token: string }).access_token;
}

/** Runs the built command in a process of its own. */
async function probe(url: string, stdin: string) {
  const child = startChild('dist/cli/main.js', ['probe', url, '--token-stdin']);
  child.process.stdin?.end(stdin);
  const code = await child.exit;
  return { code, out: child.lines.join('\n'), err: child.errorOutput() };
}

describe('probe, with the example app and oidc-provider', () => {
  it(
    'finds nothing to change',
    async () => {
      const tokens = [await issue('reports:read'), await issue('profile:read')];
      const { code, out, err } = await probe(`${api}/api/reports`, tokens.join('\n'));
      expect(out).not.toContain('DIFFERS');
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/\n5\d ok, 0 differ, \d skipped, with \d\d requests$/);
      for (const token of tokens) expect(out).not.toContain(token);
    },
    START_TIMEOUT_MS,
  );

  it(
    'finds a route without the middleware',
    async () => {
      const { code, out } = await probe(`${api}/public`, await issue('reports:read'));
      expect(code).toBe(1);
      expect(out).toContain('  DIFFERS No token (no-token)\n          saw:    200 without WWW-Authenticate');
    },
    START_TIMEOUT_MS,
  );
});
