import type { IncomingMessage } from 'node:http';
import type { CaseReport, ProbeReport } from '../../../lib/cli/probe/run-cases.js';
import { type Input, runCommand } from '../../support/command.js';
import { createProbedApi, NARROW_TOKEN, TOKEN } from '../../support/probed-api.js';
import { serve } from '../../support/serve.js';

const WITH_TOKENS: Input = { stdin: `${TOKEN}\n${NARROW_TOKEN}` };

async function probe(url: string, input: Input = WITH_TOKENS, ...words: readonly string[]) {
  return runCommand(['probe', url, '--token-stdin', ...words], input);
}

async function casesOf(url: string, input: Input = WITH_TOKENS): Promise<readonly CaseReport[]> {
  return (JSON.parse((await probe(url, input, '--json')).out) as ProbeReport).cases;
}

const find = (cases: readonly CaseReport[], id: string) => cases.find((report) => report.id === id);

describe('probe', () => {
  it('says of each difference what it saw, what the RFC says and what to change, and exits with 1', async () => {
    const { url } = await createProbedApi('sends 401 without a challenge');
    const { code, out } = await probe(url);
    expect(code).toBe(1);
    expect(out).toContain('  DIFFERS Challenge for a request without a token (no-token-challenge)');
    expect(out).toMatch(
      /saw: {4}401 without WWW-Authenticate\n\s+RFC 9110 section 11\.6\.1: A 401 has .+\n\s+change: Send /,
    );
    expect(out).toMatch(/\n\d+ ok, 1 differ, \d+ skipped, with \d+ requests$/);
  });

  it('needs no token, and says which cases it left out', async () => {
    const { url } = await createProbedApi();
    const { code, out } = await runCommand(['probe', url]);
    expect(code).toBe(0);
    expect(out).toContain('  ok      No token\n');
    expect(out).toContain('  skipped The token: needs a token: --token-stdin\n');
  });

  it('asks for the token in a terminal, without showing it', async () => {
    const { url } = await createProbedApi();
    const { code, out, err } = await probe(url, { stdin: `${TOKEN}\n`, isTTY: true });
    expect([code, err]).toEqual([0, 'token (not shown): \n']);
    expect(out).toContain('  ok      The token\n');
  });

  it('takes a token with its scheme', async () => {
    const { url } = await createProbedApi();
    expect(find(await casesOf(url, { stdin: `Bearer ${TOKEN}` }), 'token')?.outcome).toBe('ok');
  });

  it('sends only GET, HEAD and OPTIONS, one at a time, and the tokens only in Authorization', async () => {
    const asked: IncomingMessage[] = [];
    let pending = 0;
    let most = 0;
    const { url } = await serve((req, res) => {
      asked.push(req);
      most = Math.max(most, ++pending);
      res.on('finish', () => pending--);
      res.writeHead(401, { 'WWW-Authenticate': 'Bearer realm="api"' }).end();
    });
    await probe(`${url}/reports?year=2026`);
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.length).toBeLessThan(60);
    expect(most).toBe(1);
    expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['GET', 'HEAD', 'OPTIONS']));
    for (const { url, rawHeaders } of asked) {
      expect(url).toMatch(/^\/+.*[?&]year=2026/i);
      for (const [index, value] of rawHeaders.entries()) {
        if (rawHeaders[index - 1]?.toLowerCase() === 'authorization') continue;
        expect(value).not.toMatch(/mF_9\.B5f|narrow-2Y/i);
      }
    }
  });

  it.each([[['--json']], [[]]])('shows no token, even if the API repeats all it received (%j)', async (words) => {
    const { url } = await serve((req, res) => {
      const received = encodeURI(`${req.headers.authorization ?? ''} ${req.url ?? ''}`).replaceAll('%20', ' ');
      const url = `http://${req.headers.host}/${received.replace(/\s/g, '')}`;
      const challenge = `Bearer realm="${received.replace(/["\\]/g, '')}", resource_metadata="${url}"`;
      res.writeHead(401, { 'WWW-Authenticate': challenge, 'Cache-Control': received }).end(received);
    });
    const claims = Buffer.from('{"sub":"alice"}').toString('base64url');
    for (const token of [TOKEN, `eyJhbGciOiJFUzI1NiJ9.${claims}.signature`]) {
      const { out } = await probe(`${url}/reports`, { stdin: `${token}\n${NARROW_TOKEN}` }, ...words);
      expect(out).not.toMatch(/mF_9\.B5f|2YotnFZF|probe-\w{9}/i);
      expect(out).not.toContain(claims);
      expect(out).toContain('…');
    }
  });

  it('escapes control characters in texts of the API', async () => {
    const { url } = await createProbedApi(undefined, () => ({
      status: 401,
      headers: { 'WWW-Authenticate': 'Bearer realm="\u009b31m", realm="x"' },
    }));
    expect((await probe(url)).out).toContain('\\u009b31m');
  });

  it('stops when the API limits the rate of requests', async () => {
    let count = 0;
    const { url, requests } = await createProbedApi(undefined, () => (++count < 10 ? undefined : { status: 429 }));
    const cases = await casesOf(url);
    expect(requests()).toBe(10);
    expect(cases.at(-1)).toMatchObject({ outcome: 'skipped', saw: 'the API limits the rate of requests (429)' });
    expect(cases.filter(({ outcome }) => outcome === 'differs')).toEqual([]);
  });

  it('reports a connection that the API closes', async () => {
    const { url } = await serve((req, res) => {
      if (req.headers.authorization === 'Bearer') return res.destroy();
      return res.writeHead(401).end();
    });
    expect(find(await casesOf(url), 'scheme-only')).toMatchObject({
      outcome: 'differs',
      saw: 'no response (ECONNRESET)',
    });
  });

  it('reports a request without a response', async () => {
    const { url } = await serve((req, res) => {
      if (req.headers.authorization !== 'Bearer') res.writeHead(401).end();
    });
    const { out } = await probe(url, WITH_TOKENS, '--timeout-ms', '2000');
    expect(out).toContain('saw:    no response (timeout)');
  });

  it('reads no more than the beginning of a response that does not end', async () => {
    const { url } = await serve((req, res) => {
      if (req.headers.authorization !== `Bearer ${TOKEN}`) return void res.writeHead(401).end();
      res.writeHead(200);
      return void res.write('x'.repeat(100_000));
    });
    expect(find(await casesOf(url), 'token')?.outcome).toBe('ok');
  });

  it('follows no redirect, and loads no metadata of another origin', async () => {
    const other = await createProbedApi();
    const { url } = await createProbedApi(undefined, (req) =>
      req.method === 'HEAD'
        ? { status: 302, headers: { Location: other.url } }
        : { status: 401, headers: { 'WWW-Authenticate': `Bearer resource_metadata="${other.url}"` } },
    );
    const cases = await casesOf(url);
    expect(other.requests()).toBe(0);
    expect(find(cases, 'metadata')).toMatchObject({
      outcome: 'skipped',
      saw: 'the metadata are on another origin, which is not asked',
    });
  });

  it('does not take the page of a server that has one for every path for an open API', async () => {
    const { url } = await createProbedApi(undefined, (req) =>
      req.url?.startsWith('/reports?') || req.url === '/reports' ? undefined : { status: 200 },
    );
    expect(find(await casesOf(url), 'path-case')).toMatchObject({
      outcome: 'skipped',
      saw: 'the server has a page for every path',
    });
  });

  it('prints colours only when the terminal supports them', async () => {
    const { url } = await createProbedApi();
    expect((await probe(url, { ...WITH_TOKENS, isColourful: true })).out).toContain('\u001b[32mok');
    expect((await probe(url)).out).not.toContain('\u001b');
  });

  it('exits with 2 if the API cannot be reached, and prints JSON if asked for it', async () => {
    const { code, out } = await runCommand(['probe', 'http://127.0.0.1:1/', '--json']);
    expect([code, JSON.parse(out)]).toEqual([2, { error: 'http://127.0.0.1:1 cannot be reached (ECONNREFUSED)' }]);
  });

  it.each([
    [[], 'Write one URL after probe; see --help'],
    [['https://a.example', 'https://b.example'], 'Write one URL after probe; see --help'],
    [['reports'], 'The URL is not valid: write it with https:// and a host'],
    [['http://api.example.com'], 'Write an https: URL; http: is for loopback hosts, or with --dangerously-allow-http'],
    [['file:///etc/passwd'], 'Write an https: URL; http: is for loopback hosts, or with --dangerously-allow-http'],
    [['https://user:password@a.example'], 'Leave the credentials out of the URL'],
    [['https://a.example/#x'], 'Leave the fragment out of the URL'],
    [['https://a.example', '--timeout-ms', '0'], '--timeout-ms is a whole number from 1 to 120000'],
    [['https://a.example', '--token-stdio'], "Unknown option '--token-stdio'; did you mean --token-stdin?"],
    [['https://a.example', '--token-stdin'], 'The token is missing: standard input is empty'],
  ])('exits with 2 for %j', async (words, message) => {
    expect(await runCommand(['probe', ...words])).toEqual({ code: 2, out: '', err: message });
  });

  it.each([
    ['a\nb\nc', 'Standard input has more than two lines; write one token in each'],
    ['two words', 'A line of standard input is no token: tokens have no spaces and only ASCII characters'],
  ])('exits with 2 for the tokens %j', async (stdin, message) => {
    expect((await probe('https://a.example', { stdin })).err).toBe(message);
  });

  it('prints its options with --help', async () => {
    const { code, out } = await runCommand(['probe', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('--token-stdin');
  });
});
