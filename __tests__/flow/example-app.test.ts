import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type Child, startChild } from '../support/child.js';
import { freePort } from '../support/free-port.js';
import { createProvider, login } from '../support/mcp-client.js';
import { page } from '../support/pages.js';
import { createUserAgent } from '../support/user-agent.js';

const START = 'example-app/dist/start.mjs';
const ANY_PORTS = { PORT: '0', AS_PORT: '0' };

/** The commands contain real waits (`sleep`). */
const TEST_TIMEOUT_MS = 120_000;

const STEP = /^(.*curl .+?) {2}# (\d{3})$/;

const bash = async (command: string): Promise<string> =>
  (await promisify(execFile)('bash', ['-c', command], { timeout: 30_000 })).stdout;

async function startExampleApp(env: Record<string, string> = ANY_PORTS): Promise<Child> {
  const app = startChild(START, [], env);
  await app.line((line) => line === 'Press Ctrl+C to stop.');
  return app;
}

/** Lines of standard error, except the warnings of oidc-provider about its configuration. */
function complaints(app: Child): string[] {
  return app
    .errorOutput()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('oidc-provider WARNING'));
}

describe('the example app', () => {
  it(
    'prints an introspection request and its response as the first step',
    async () => {
      const app = await startExampleApp();
      const first = app.lines.findIndex((line) => line.startsWith('# 1. Token introspection:'));
      const [command = '', label, json = ''] = app.lines.slice(first + 1);
      expect(app.lines.findIndex((line) => line.startsWith('curl'))).toBe(first + 1);
      expect(command).toMatch(
        /^curl -s -w '\\n' -u 'reports-api:[\w-]+' -d 'token=[\w-]+' http:\S+\/token\/introspection$/,
      );
      expect([label, `# ${(await bash(command)).trim()}`]).toEqual(['# It prints:', json]);
      expect(JSON.parse(json.slice(2))).toMatchObject({ active: true, sub: 'alice', aud: 'urn:example:reports-api' });
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'responds to each command of its walk-through with the printed status',
    async () => {
      const app = await startExampleApp();
      const steps = app.lines.flatMap((line) => {
        const [, command, status] = STEP.exec(line) ?? [];
        return command === undefined ? [] : [{ command, status }];
      });
      expect(new Set(steps.map(({ status }) => status))).toEqual(new Set(['200', '400', '401', '403', '503']));
      // All except the introspection request, the token of your choice, and the call of the README's example.
      expect(steps).toHaveLength(app.lines.filter((line) => line.includes('curl ')).length - 3);
      for (const [index, { command, status }] of steps.entries()) {
        const step = `${index + 1}. ${command}`;
        expect([step, await bash(command)]).toEqual([step, `${status}\n`]);
      }
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'prints a command that gets a token for a subject and scope of your choice, which the API accepts',
    async () => {
      const app = await startExampleApp();
      const api = /listens on (?<url>http:\/\/127\.0\.0\.1:\d+),/.exec(app.lines[0] ?? '')?.groups?.url;
      const title = app.lines.indexOf('# Get a token for a subject and scope of your choice');
      const { access_token } = JSON.parse(await bash(app.lines[title + 1] ?? ''));
      const response = await fetch(`${api}/api/reports`, { headers: { authorization: `Bearer ${access_token}` } });
      expect([response.status, await response.json()]).toEqual([200, { reports: ['2026-10', '2026-11'], for: 'dave' }]);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'prints the values with which the first example of the README uses its authorization server',
    async () => {
      const app = await startExampleApp();
      const printed = app.lines.join('\n');
      const [, endpoint, audience, secret] =
        /endpoint: '([^']+)',\n.*audience: '([^']+)',\nCLIENT_SECRET='([^']+)' node app\.mjs/.exec(printed) ?? [];
      const [, example = ''] = /```js\n([\s\S]+?)```/.exec(page('README.md')) ?? [];
      const directory = join(__dirname, '../.generated', 'app-of-your-own');
      mkdirSync(directory, { recursive: true });
      const script = join(directory, 'app.mjs');
      // The example has the default port of the authorization server, and this one has a free port.
      writeFileSync(script, example.replace('http://127.0.0.1:4000/token/introspection', String(endpoint)));
      expect(example).toContain(`audience: '${audience}'`);
      const port = await freePort();
      const own = startChild(script, [], { CLIENT_SECRET: String(secret), PORT: `${port}`, NODE_OPTIONS: '' });
      await own.line((line) => line === `listening on http://127.0.0.1:${port}`);
      await own.line((line) => line === 'token introspection works');
      const title = app.lines.indexOf('# Get a token for a subject and scope of your choice');
      const { access_token } = JSON.parse(await bash(app.lines[title + 1] ?? ''));
      const response = await fetch(`http://127.0.0.1:${port}/api/reports`, {
        headers: { authorization: `Bearer ${access_token}` },
      });
      const call = app.lines.find((line) => line.startsWith('curl ') && line.includes(':3001/api/reports')) ?? '';
      expect(JSON.parse(await bash(call.replace(':3001', `:${port}`)))).toMatchObject({ sub: 'dave' });
      expect([response.status, await response.json()]).toEqual([
        200,
        { sub: 'dave', scope: 'profile:read reports:read' },
      ]);
      rmSync(directory, { recursive: true, force: true });
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'serves metrics in the Prometheus format, without tokens in them',
    async () => {
      const app = await startExampleApp();
      const api = /listens on (?<url>http:\/\/127\.0\.0\.1:\d+),/.exec(app.lines[0] ?? '')?.groups?.url;
      await fetch(`${api}/api/profile`, { headers: { authorization: 'Bearer made-up' } });
      const response = await fetch(`${api}/metrics`);
      const text = await response.text();
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain']);
      expect(text).toMatch(
        /^token_introspection_decisions_total\{token_introspection_outcome="rejected",.*="inactive".*\} 1$/m,
      );
      expect(text).toMatch(/^token_introspection_endpoint_duration_count\{.*http_response_status_code="200".*\} 1$/m);
      expect(text).toMatch(/^token_introspection_cache_entries\{token_introspection_middleware="api".*\} 1$/m);
      expect(text).not.toContain('made-up');
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'lets an MCP client find the authorization server, register, log in, read a file, and get another scope to write a file',
    async () => {
      const app = await startExampleApp();
      const url = /(?<url>http:\S+\/mcp)$/m.exec(app.lines.find((line) => line.startsWith('An MCP server')) ?? '');
      const [provider, agent] = [createProvider(), createUserAgent()];
      const [client, transport] = [
        new Client({ name: 'test', version: '1.0.0' }),
        new StreamableHTTPClientTransport(new URL(url?.groups?.url ?? ''), { authProvider: provider }),
      ];
      const first = new Client({ name: 'test', version: '1.0.0' });
      await expect(first.connect(transport)).rejects.toThrow('Unauthorized');
      await transport.finishAuth((await login(agent, provider)).answer);
      const again = new StreamableHTTPClientTransport(new URL(url?.groups?.url ?? ''), { authProvider: provider });
      await client.connect(again);
      const hello = { name: 'hello.txt', content: 'Changed' };
      const text = async (name: string) => JSON.stringify(await client.callTool({ name, arguments: hello }));
      expect(await text('read_file')).toContain('Hello from a protected MCP server (read for alice)');
      await expect(text('write_file')).rejects.toThrow('Unauthorized');
      await again.finishAuth((await login(agent, provider)).answer);
      expect(await text('write_file')).toContain('Written for alice');
      expect(await text('read_file')).toContain('Changed');
      await client.close();
    },
    TEST_TIMEOUT_MS,
  );

  it.each([
    ['PORT', 'AS_PORT'],
    ['AS_PORT', 'PORT'],
  ])(
    'reports in one line that the port of %s is in use, and exits with code 1',
    async (variable, other) => {
      const otherServer = createServer();
      await new Promise<void>((resolve) => otherServer.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = otherServer.address() as { port: number };
        const app = startChild(START, [], { [variable]: String(port), [other]: '0' });
        expect(await app.exit).toBe(1);
        expect(complaints(app)).toEqual([`Port ${port} is in use; set ${variable} to another port.`]);
      } finally {
        await new Promise((resolve) => otherServer.close(resolve));
      }
    },
    TEST_TIMEOUT_MS,
  );

  it.each(['http', '-1', '65536', '80.5'])(
    'reports in one line that PORT=%s is not a port number, and exits with code 1',
    async (text) => {
      const app = startChild(START, [], { ...ANY_PORTS, PORT: text });
      expect(await app.exit).toBe(1);
      expect(complaints(app)).toEqual([`PORT is "${text}"; set it to a port number from 0 to 65535.`]);
    },
    TEST_TIMEOUT_MS,
  );

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'exits with code 0 on %s',
    async (signal) => {
      const app = await startExampleApp();
      app.process.kill(signal);
      expect(await app.exit).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );
});
