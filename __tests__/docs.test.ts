import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, posix } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { AuthError, type AuthErrorReason, IntrospectionError } from '../lib/index.js';
import { MEMBER_RULES, PUBLISHING_RULES, SIGNED_RULES } from '../lib/metadata/rules.js';
import { CACHE_RULES, DPOP_RULES, JWT_RESPONSE_RULES, OPTION_RULES } from '../lib/options/rules.js';
import { KNOWN_EVENTS } from '../lib/signals/event-types.js';
import { POLLING_RULES } from '../lib/signals/rules.js';
import { SIGNAL_REASONS } from '../lib/signals/signal-error.js';
import { freePort } from './support/free-port.js';
import { codeWords, findPages, page, table, tables } from './support/pages.js';

const run = promisify(execFile);

const ROOT = join(__dirname, '..');
const PAGES = findPages();
const README = page('README.md');

const RESULTS = JSON.parse(page('bench/results/results.json'));

/** A page whose packages declare `req.auth` in different ways, so its examples are compiled separately. */
const APART = 'docs/mcp.md';

function codeBlocks(markdown: string, ...languages: string[]): string[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, language]) => languages.includes(language as string))
    .map(([, , code]) => code as string);
}

/** The code-formatted words of a column of the table whose header starts with this text. */
function column(markdown: string, header: string, index: number): string[] {
  return table(markdown, header).flatMap((cells) => codeWords(cells[index]));
}

/** Files of the reader's project that the examples import. */
const OWN_MODULES = {
  'token.d.ts': 'export function currentToken(of: { renew: boolean }): Promise<string>;',
  'vault.d.ts': 'export function currentSecret(): Promise<string>;',
};

/** The file name of a block, which other blocks of its page can import. */
function fileName(block: string, otherwise: string): string {
  return /^\/\/ (\S+\.(?:ts|mjs))\n/.exec(block)?.[1] ?? otherwise;
}

/** The anchor of a heading on GitHub. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replace(/\s/g, '-');
}

describe('the README', () => {
  it('has at most 150 lines, and 1,200 words outside code', () => {
    expect(README.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
    expect(prose('README.md').split(/\s+/).length).toBeLessThanOrEqual(1200);
  });

  it('shows an example at the beginning', () => {
    expect(README.split('\n').indexOf('```js')).toBeLessThan(20);
  });

  it('begins with an example that runs as printed', async () => {
    const [example] = codeBlocks(README, 'js') as [string];
    const { output, responses } = await runApp({ 'app.mjs': example }, 'app.mjs', '/api/reports');
    expect(responses).toEqual([
      [401, 'Bearer realm="api"', {}],
      [200, null, { sub: 'dave', scope: 'reports:read' }],
    ]);
    expect(output).toContain('token introspection works');
    expect(output).toContain('listening on http://127.0.0.1:');
    expect(README).toContain(' node app.mjs');
  });

  it('prints what is wrong with the client secret when the example starts', async () => {
    const [example] = codeBlocks(README, 'js') as [string];
    const { output } = await runApp({ 'app.mjs': example }, 'app.mjs', '/api/reports', 'another secret');
    expect(output).toContain('token introspection fails (client_rejected): The endpoint does not accept');
  });
});

describe('the tutorial', () => {
  const files = Object.fromEntries(
    codeBlocks(page('docs/tutorial.md'), 'js').map((block) => [fileName(block, ''), block]),
  );

  it('has an API that answers as described', async () => {
    const { output, responses } = await runApp(files, 'server.mjs', '/api/me');
    expect(responses).toEqual([
      [401, 'Bearer realm="api"', {}],
      [200, null, { user: 'dave' }],
    ]);
    expect(output).toContain('token introspection works');
    expect(output).toContain('"reason":"no_credentials"');
  });

  it('has tests that pass', async () => {
    const directory = writeApp('tutorial-test', files);
    const env = { ...process.env, NODE_OPTIONS: '' };
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap'], { cwd: directory, env });
    expect(stdout).toContain('# pass 3');
    rmSync(directory, { recursive: true, force: true });
  });
});

describe('the options', () => {
  it('are all on their page, and no others', () => {
    const rules = [OPTION_RULES, CACHE_RULES, JWT_RESPONSE_RULES, DPOP_RULES];
    const known = new Set(rules.flatMap((each) => Object.keys(each)));
    const listed = tables(page('docs/options.md'), '| option | default').flatMap(([cell]) => codeWords(cell));
    expect(listed.sort()).toEqual([...known].sort());
  });

  it('in the README are ten of them', () => {
    const [listed, all] = [column(README, '| option | meaning', 0), page('docs/options.md')];
    expect(listed.filter((name) => !all.includes(`| \`${name}\` |`))).toEqual([]);
    expect(listed.length).toBe(10);
  });

  it('of the metadata are all in their guide', () => {
    const guide = page('docs/metadata.md');
    const members = Object.keys(MEMBER_RULES).map((name) => name.replace('metadata.', ''));
    expect(column(guide, '| member | default', 0).sort()).toEqual(members.sort());
    const options = Object.keys({ ...PUBLISHING_RULES, ...SIGNED_RULES });
    expect(column(guide, '| option | default', 0).sort()).toEqual(options.sort());
  });
});

describe('the page about signals', () => {
  const guide = page('docs/signals.md');

  it('lists every option of the handlers', () => {
    const listed = tables(guide, '| option | default').flatMap(([cell]) => codeWords(cell));
    expect(listed.sort()).toEqual(Object.keys(POLLING_RULES).sort());
  });

  it('lists every outcome and every reason', () => {
    const channels = readFileSync(join(ROOT, 'lib/diagnostics/channels.ts'), 'utf8');
    const [, outcomes = ''] = /readonly outcome: ('applied'[^;]*);/.exec(channels) ?? [];
    expect(column(guide, '| outcome | meaning', 0)).toEqual(outcomes.split(' | ').map((name) => name.slice(1, -1)));
    expect(column(guide, '| reason | cause', 0).sort()).toEqual([...SIGNAL_REASONS].sort());
  });

  it('lists every known event with its effect', () => {
    const rows = table(guide, '| event | effect');
    const named = rows.flatMap(([events, effect]) =>
      codeWords(events).map((name) => [name, effect?.startsWith('invalidates') ? 'invalidate' : 'none']),
    );
    expect(named.sort()).toEqual(KNOWN_EVENTS.map(({ name, effect }) => [name, effect]).sort());
  });
});

describe('the page about errors', () => {
  const ERRORS = page('docs/errors.md');

  it('lists every reason of a rejection under its status and code', () => {
    const rows = table(ERRORS, '| `status` | `code`');
    const source = readFileSync(join(ROOT, 'lib/core/errors.ts'), 'utf8');
    expect(rows.flatMap(([, , reasons]) => codeWords(reasons)).sort()).toEqual(union(source, 'AuthErrorReason').sort());
    for (const [listedStatus, listedCode, reasons] of rows) {
      for (const reason of codeWords(reasons) as AuthErrorReason[]) {
        const { status, code } = new AuthError(reason);
        expect([listedStatus, listedCode]).toEqual([`${status}`, code === undefined ? '–' : `\`${code}\``]);
      }
    }
  });

  it('lists every code of an outage', () => {
    const source = readFileSync(join(ROOT, 'lib/core/errors.ts'), 'utf8');
    expect(column(ERRORS, '| `code` | what happened', 0).sort()).toEqual(
      union(source, 'IntrospectionErrorCode').sort(),
    );
    expect(new IntrospectionError('timeout').status).toBe(503);
  });
});

describe('the benchmark', () => {
  it('is shown with the committed results', async () => {
    const { renderReport, renderSummary, renderTables } = await import(join(ROOT, 'bench/report.mjs'));
    expect(RESULTS.size).not.toBe('smoke');
    expect(RESULTS.express.length).toBeGreaterThan(10);
    expect(page('bench/results/results.md')).toBe(renderReport(RESULTS));
    expect(README).toContain(renderSummary(RESULTS));
    expect(page('docs/how-it-works.md')).toContain(renderTables(RESULTS));
  });
});

describe('the comparison', () => {
  interface Column {
    readonly name: string;
    readonly packages: readonly string[];
    readonly answers: Readonly<Record<string, string>>;
  }
  const { columns }: { columns: Column[] } = JSON.parse(page('bench/results/comparison.json'));
  const shown = page('docs/comparison.md').split('\n');

  it('shows the responses of the last run', () => {
    const [first] = columns as [Column];
    const rows = Object.keys(first.answers).map((title) => [title, ...columns.map(({ answers }) => answers[title])]);
    expect(rows.length).toBeGreaterThan(15);
    const header = ['', ...columns.map(({ name }) => name)];
    const lines = [header, ['---', ...columns.map(() => '---')], ...rows].map((cells) => `| ${cells.join(' | ')} |`);
    expect(shown.filter((line) => line.startsWith('|'))).toEqual(lines);
  });

  it('shows what the last run of the probe found', () => {
    const results: { name: string; ok: number; skipped: number; differs: string[] }[] = JSON.parse(
      page('bench/results/probe.json'),
    );
    expect(results.map(({ name }) => name)).toEqual(columns.map(({ name }) => name));
    for (const { name, ok, skipped, differs } of results) {
      const found = differs.length === 0 ? 'none differs' : `${differs.length} differ: `;
      const start = `- **${name}**: ${ok} ok, ${skipped} skipped, ${found}`;
      expect(shown.filter((line) => line.startsWith(start))).toHaveLength(1);
    }
  });

  it('names the compared versions', () => {
    const versions = [...new Set(columns.flatMap(({ packages }) => packages))];
    expect(versions.length).toBeGreaterThan(4);
    expect(shown).toContain(`Versions: ${versions.join(', ')}.`);
  });
});

describe('the documents', () => {
  it('contain code that compiles with strict and without skipLibCheck', async () => {
    const directory = join(__dirname, '.generated', 'examples');
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const together = PAGES.filter((name) => name !== APART);
    const blocks = together.flatMap((name) => codeBlocks(page(name), 'ts'));
    expect(blocks.length).toBeGreaterThan(20);
    for (const [name, declarations] of Object.entries(OWN_MODULES)) writeFileSync(join(directory, name), declarations);
    for (const [index, block] of blocks.entries()) {
      writeFileSync(join(directory, fileName(block, `example-${index}.mts`)), block);
    }
    expect(await compile(directory)).toBe('');
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('contain JavaScript that runs unchanged', async () => {
    const directory = join(__dirname, '.generated', 'scripts');
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const blocks = PAGES.flatMap((name) => codeBlocks(page(name), 'js'));
    expect(blocks.length).toBeGreaterThan(2);
    for (const [index, block] of blocks.entries()) {
      writeFileSync(join(directory, fileName(block, `example-${index}.mjs`)), block);
    }
    expect(await compile(directory, { allowJs: true, checkJs: true, noImplicitAny: false })).toBe('');
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it.each(codeBlocks(page(APART), 'ts').map((block, index) => [index + 1, block] as const))(
    'contain example %i of MCP servers, which compiles in its own project',
    async (index, block) => {
      const directory = join(__dirname, '.generated', `mcp-example-${index}`);
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'example.mts'), block);
      expect(await compile(directory)).toBe('');
      rmSync(directory, { recursive: true, force: true });
    },
    60_000,
  );

  it('contain tests that pass as printed, in Jest without ES modules', async () => {
    const directory = join(__dirname, '.generated', 'testing');
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const blocks = codeBlocks(page('docs/testing.md'), 'ts').filter((block) => fileName(block, '') !== '');
    expect(blocks.length).toBe(2);
    for (const block of blocks) writeFileSync(join(directory, fileName(block, '')), block);
    const { transform, moduleNameMapper } = JSON.parse(page('package.json')).jest;
    const config = JSON.stringify({ testMatch: ['**/*.test.ts'], transform, moduleNameMapper });
    const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
    const env = { ...process.env, NODE_OPTIONS: '' };
    const { stderr } = await run(process.execPath, [jest, '--rootDir', directory, '--config', config], { env });
    expect(stderr).toContain('4 passed, 4 total');
    rmSync(directory, { recursive: true, force: true });
  });

  it.each(PAGES)('%s contains no diffs, because nobody can paste them', (name) => {
    expect(codeBlocks(page(name), 'diff')).toEqual([]);
  });

  it.each(PAGES)('%s links only to existing targets', (name) => {
    const targets = [...prose(name).matchAll(/\]\(([^)\s]+)\)|<(https?:[^>]*)>/g)].map((match) =>
      String(match[1] ?? match[2]),
    );
    const broken = targets.filter((target) => {
      if (target.startsWith('https://')) return !URL.canParse(target);
      const [path, fragment] = target.split('#') as [string, string?];
      const file = path === '' ? name : posix.join(posix.dirname(name), path);
      return !existsSync(join(ROOT, file)) || (fragment !== undefined && !anchorsOf(file).has(fragment));
    });
    expect(broken).toEqual([]);
  });
});

async function compile(directory: string, options: object = {}): Promise<string> {
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
        // NestJS requires this option.
        experimentalDecorators: true,
        // The types of Koa need those of @types/content-disposition, not of the installed version of that package.
        paths: { 'content-disposition': [join(ROOT, 'node_modules/@types/content-disposition')] },
        ...options,
      },
    }),
  );
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  return (await run(tsc, ['-p', directory]).catch(({ stdout }) => ({ stdout }))).stdout;
}

/** Writes the files of an app. They import the library by its name. */
function writeApp(name: string, files: Readonly<Record<string, string>>): string {
  const directory = join(__dirname, '.generated', name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const [file, code] of Object.entries(files)) writeFileSync(join(directory, file), code);
  return directory;
}

/** Runs an app of the example's authorization server against a stand-in, and requests the path without a token and with a valid one. */
async function runApp(files: Readonly<Record<string, string>>, script: string, path: string, secret = 'secret') {
  const endpoint = await startEndpoint();
  const withEndpoint = Object.entries(files).map(([name, code]) => [
    name,
    code.replace('http://127.0.0.1:4000/token/introspection', endpoint.url),
  ]);
  const directory = writeApp(`run-${script}`, Object.fromEntries(withEndpoint));
  const port = await freePort();
  const env = { ...process.env, CLIENT_SECRET: secret, PORT: `${port}`, NODE_OPTIONS: '' };
  const app = spawn(process.execPath, [script], { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  app.stdout.on('data', (chunk) => {
    output += chunk;
  });
  try {
    const url = `http://127.0.0.1:${port}${path}`;
    const responses = [await untilUp(url), await fetch(url, { headers: { authorization: 'Bearer good' } })];
    return {
      responses: await Promise.all(
        responses.map(async (response) => [
          response.status,
          response.headers.get('www-authenticate'),
          await response.json(),
        ]),
      ),
      output,
    };
  } finally {
    app.kill();
    endpoint.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** An introspection endpoint with one client and one active token. */
async function startEndpoint() {
  const credentials = `Basic ${btoa('reports-api:secret')}`;
  const claims = { active: true, sub: 'dave', scope: 'reports:read', aud: 'urn:example:reports-api' };
  const server = createServer(async (req, res) => {
    const token = new URLSearchParams(await text(req)).get('token');
    const isClient = req.headers.authorization === credentials;
    res.writeHead(isClient ? 200 : 401, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify(!isClient ? { error: 'invalid_client' } : token === 'good' ? claims : { active: false }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/introspect`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A page without its code blocks. */
function prose(name: string): string {
  return page(name).replace(/^```[\s\S]*?^```$/gm, '');
}

/** Numbers headings with the same text, except the first. */
function anchorsOf(name: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of prose(name).matchAll(/^#+ (.+)$/gm)) {
    const first = anchor(heading as string);
    let next = first;
    for (let number = 1; anchors.has(next); number++) next = `${first}-${number}`;
    anchors.add(next);
  }
  return anchors;
}

function union(source: string, name: string): string[] {
  const declaration = source.slice(source.indexOf(`export type ${name} =`)).split(';', 1)[0] as string;
  return [...declaration.matchAll(/'(\w+)'/g)].map(([, member]) => member as string);
}

async function untilUp(url: string): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetch(url);
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
