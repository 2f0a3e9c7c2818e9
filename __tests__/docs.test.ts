import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { AuthError, type AuthErrorReason, IntrospectionError } from '../lib/index.js';
import { MEMBER_RULES, PUBLISHING_RULES, SIGNED_RULES } from '../lib/metadata/rules.js';
import { CACHE_RULES, DPOP_RULES, JWT_RESPONSE_RULES, OPTION_RULES } from '../lib/options/rules.js';
import { codeWords, findPages, page, table } from './support/pages.js';

const run = promisify(execFile);

const ROOT = join(__dirname, '..');
const PAGES = findPages();
const README = page('README.md');

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

/** Applies a diff to the example. Added lines replace removed ones, or are put at the beginning. */
function change(example: string, diff: string): string {
  const lines = example.split('\n');
  let at = 0;
  for (const line of diff.trimEnd().split('\n')) {
    const [sign, text] = [line[0], line.slice(1)];
    if (sign === '+') {
      lines.splice(at++, 0, text);
    } else {
      at = lines.indexOf(text, at);
      if (sign !== '-' || at === -1) throw new Error(`The example has no line "${text}" at this place`);
      lines.splice(at, 1);
    }
  }
  return lines.join('\n');
}

/** The file name of a block, which other blocks of its page can import. */
function fileName(block: string, otherwise: string): string {
  return /^\/\/ (\S+\.ts)\n/.exec(block)?.[1] ?? otherwise;
}

/** The anchor of a heading on GitHub. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replace(/\s/g, '-');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('the README', () => {
  it('shows a complete example before line 25', () => {
    const lines = README.split('\n');
    expect(lines.indexOf('```', lines.indexOf('```js'))).toBeLessThan(25);
  });

  it('lists every option, and no other', () => {
    const rules = [OPTION_RULES, CACHE_RULES, JWT_RESPONSE_RULES, DPOP_RULES];
    const known = new Set(rules.flatMap((each) => Object.keys(each)));
    expect(column(README, '| option | default', 0).sort()).toEqual([...known].sort());
  });

  it('links to a list of every member of the metadata, and of every other option', () => {
    const guide = page('docs/metadata.md');
    const members = Object.keys(MEMBER_RULES).map((name) => name.replace('metadata.', ''));
    expect(column(guide, '| member | default', 0).sort()).toEqual(members.sort());
    const options = Object.keys({ ...PUBLISHING_RULES, ...SIGNED_RULES });
    expect(column(guide, '| option | default', 0).sort()).toEqual(options.sort());
  });

  it('lists every reason of a rejection under its status and code', () => {
    const listed = column(README, '| `status` | `code`', 2) as AuthErrorReason[];
    const { headers: _, ...sample } = new AuthError('inactive');
    expect(sample).toMatchObject({ status: 401, code: 'invalid_token' });
    const source = readFileSync(join(ROOT, 'lib/core/errors.ts'), 'utf8');
    expect([...listed].sort()).toEqual(union(source, 'AuthErrorReason').sort());
    for (const reason of listed) {
      const { status, code } = new AuthError(reason);
      const row = README.split('\n').find(
        (line) => /^\| \d{3} \|/.test(line) && line.includes(`\`${reason}\``) && line.includes(`${status}`),
      );
      expect(row).toContain(code === undefined ? '| – |' : `| \`${code}\` |`);
    }
  });

  it('lists every code of an outage', () => {
    const source = readFileSync(join(ROOT, 'lib/core/errors.ts'), 'utf8');
    expect(column(README, '| `code` | what happened', 0).sort()).toEqual(
      union(source, 'IntrospectionErrorCode').sort(),
    );
    expect(new IntrospectionError('timeout').status).toBe(503);
  });

  it('begins with an example that runs as printed', async () => {
    const [example] = codeBlocks(README, 'js') as [string];
    const directory = join(__dirname, '.generated', 'first-example');
    const port = await freePort();
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'app.mjs'), example.replace('listen(3000)', `listen(${port})`));
    const app = spawn(process.execPath, ['app.mjs'], {
      cwd: directory,
      env: { ...process.env, CLIENT_SECRET: 'secret', NODE_OPTIONS: '' },
      stdio: 'inherit',
    });
    try {
      const response = await untilUp(`http://127.0.0.1:${port}/api/reports`);
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="api"']);
    } finally {
      app.kill();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe('the benchmark in the README', () => {
  interface Row {
    readonly target: string;
    readonly ratioToBare: { readonly median: number };
    readonly extraCpuMicros: { readonly median: number };
  }
  const results = JSON.parse(page('bench/results/results.json'));
  const rows: Row[] = results['throughput-express'];

  it('shows the results of the last full run for every target', () => {
    expect(results.size).toBe('full');
    expect(rows.length).toBeGreaterThan(10);
    const shown = page('README.md')
      .split('\n')
      .filter((line) => rows.some(({ target }) => line.startsWith(`| ${target} |`)));
    expect(shown).toEqual(
      rows.map(
        ({ target, ratioToBare, extraCpuMicros }) =>
          `| ${target} | ${ratioToBare.median.toFixed(2)} | ${extraCpuMicros.median.toFixed(1)} |`,
      ),
    );
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
    const [first] = codeBlocks(README, 'js') as [string];
    const changed = PAGES.flatMap((name) => codeBlocks(page(name), 'diff')).map((diff) => change(first, diff));
    const together = PAGES.filter((name) => name !== APART);
    const blocks = [...together.flatMap((name) => codeBlocks(page(name), 'ts')), first, ...changed];
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
    for (const [index, block] of blocks.entries()) writeFileSync(join(directory, `example-${index}.mjs`), block);
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
