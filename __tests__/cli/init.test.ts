import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { DEFAULTS } from '../../lib/cli/init/choices.js';
import { projectFiles } from '../../lib/cli/init/project.js';
import { SERVER_NAMES, serverOf, variablesOf } from '../../lib/cli/servers.js';
import * as presets from '../../lib/providers/index.js';
import { createFolder, runCommand } from '../support/command.js';

const init = (words: readonly string[], folder = createFolder(), stdin?: string) =>
  runCommand(['init', ...words], { folder, ...(stdin !== undefined && { stdin, isTTY: true }) });

const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');

describe('the table of servers', () => {
  it('has every preset, and two more', () => {
    expect([...SERVER_NAMES].sort()).toEqual([...Object.keys(presets), 'endpoint', 'issuer'].sort());
  });

  it.each(Object.keys(presets))('has options and examples that %s accepts', (name) => {
    const { variables, audience } = serverOf(name);
    const options = Object.fromEntries(variables.map(({ option, example = 'x' }) => [option, example]));
    const create = (presets as unknown as Record<string, (options: object) => { audience?: false }>)[name];
    expect(create?.(options).audience).toBe(audience === 'preset' ? false : undefined);
  });

  it('gives each variable one meaning', () => {
    const variables = new Set(SERVER_NAMES.flatMap((name) => variablesOf(name)));
    expect(new Set([...variables].map(({ name }) => name)).size).toBe(variables.size);
  });
});

describe('init', () => {
  it('writes the app and .env.example, and prints the next steps', async () => {
    const folder = createFolder();
    const { code, out, err } = await init(['--provider', 'keycloak'], folder);
    expect([code, err]).toEqual([0, '']);
    expect(readdirSync(folder).sort()).toEqual(['.env.example', 'app.mjs']);
    expect(out).toContain('Written: app.mjs, .env.example');
    expect(out).toContain('npm init -y');
    expect(out).toContain('npm install express@5 express-token-introspection');
    expect(out).toContain('npx express-token-introspection check --provider keycloak');
    expect(out).toContain('node --env-file=.env app.mjs');
  });

  it.each(SERVER_NAMES)('writes an .env.example for %s with exactly the variables that the code reads', (provider) => {
    const [app, example] = projectFiles({ ...DEFAULTS, provider });
    const used = [...(app?.text ?? '').matchAll(/process\.env\.(\w+)/g)].map(([, name]) => name);
    const variables = parseEnv(example?.text ?? '');
    expect(Object.keys(variables).sort()).toEqual([...new Set(used)].sort());
    expect(Object.entries(variables).filter(([, value]) => value !== '')).toEqual([['PORT', '3001']]);
  });

  it.each([
    [['--typescript'], ['app.mts', 'tsconfig.json'], 'node --env-file=.env dist/app.mjs'],
    [['--typescript', '--commonjs'], ['app.cts', 'tsconfig.json'], 'node --env-file=.env dist/app.cjs'],
    [['--commonjs'], ['app.cjs'], 'node --env-file=.env app.cjs'],
  ])('writes for %j the files %j', async (words, files, step) => {
    const folder = createFolder();
    const { out } = await init(['--yes', ...words], folder);
    expect(readdirSync(folder).sort()).toEqual(['.env.example', ...files]);
    expect(out).toContain(step);
    expect(out.includes('@types/express@5')).toBe(words.includes('--typescript'));
  });

  it.each([
    [['--framework', 'express4'], 'express@4'],
    [['--framework', 'node'], 'npm install express-token-introspection'],
  ])('installs for %j what the app imports', async (words, step) => {
    expect((await init(['--yes', ...words])).out).toContain(step);
  });

  it('requires the scope in the route', async () => {
    const folder = createFolder();
    await init(['--yes', '--scope', "reports:'read'"], folder);
    expect(read(folder, 'app.mjs')).toContain("app.get('/api/reports', requireScope('reports:\\'read\\''), (req, res)");
    const bare = createFolder();
    await init(['--yes', '--scope', 'reports:read', '--framework', 'node'], bare);
    expect(read(bare, 'app.mjs')).toContain("scopes: ['reports:read'],");
  });

  it('creates the folder, and says how to enter it', async () => {
    const folder = createFolder();
    const { out } = await init(['--yes', '--directory', 'a/my api'], folder);
    expect(existsSync(join(folder, 'a/my api/app.mjs'))).toBe(true);
    expect(out).toContain('1. cd "a/my api"');
  });

  it('does not ask for a package.json that exists', async () => {
    const folder = createFolder();
    writeFileSync(join(folder, 'package.json'), '{}');
    expect((await init(['--yes'], folder)).out).not.toContain('npm init');
  });
});

describe('init, where files exist,', () => {
  it.each([['app.mjs'], ['.env.example']])('writes nothing if there is %s, and exits with 1', async (name) => {
    const folder = createFolder();
    writeFileSync(join(folder, name), 'mine');
    const { code, out, err } = await init(['--yes'], folder);
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(
      `Nothing was written, because ${name} already exists in ${folder}. Write --directory FOLDER to use another folder.`,
    );
    expect(readdirSync(folder)).toEqual([name]);
    expect(read(folder, name)).toBe('mine');
  });

  it('keeps a tsconfig.json, and says that it has to compile the app', async () => {
    const folder = createFolder();
    writeFileSync(join(folder, 'tsconfig.json'), '{}');
    const { code, out } = await init(['--yes', '--typescript'], folder);
    expect([code, read(folder, 'tsconfig.json')]).toEqual([0, '{}']);
    expect(out).toContain('Written: app.mts, .env.example\n');
    expect(out).toContain('Compile app.mts with your tsconfig.json');
  });

  it('does not write through a link to a file that does not exist', async () => {
    const folder = createFolder();
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'app.mjs'));
    const { code, err } = await init(['--yes'], folder);
    expect([code, err]).toEqual([1, `Nothing was written: app.mjs cannot be written in ${folder} (EEXIST)`]);
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
  });

  it('names what it wrote before a file could not be written', async () => {
    const folder = createFolder();
    symlinkSync(join(folder, 'elsewhere'), join(folder, '.env.example'));
    const { code, err } = await init(['--yes'], folder);
    expect([code, err]).toEqual([1, `Only app.mjs was written: .env.example cannot be written in ${folder} (EEXIST)`]);
  });

  it('reports a file instead of the folder', async () => {
    const folder = createFolder();
    writeFileSync(join(folder, 'api'), '');
    const { code, err } = await init(['--yes', '--directory', 'api'], folder);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^Nothing was written: app\.mjs cannot be written in .*E\w+/),
    ]);
  });
});

describe('init, in a terminal,', () => {
  it('asks for what was left out', async () => {
    const folder = createFolder();
    const { code, err } = await init([], folder, 'keycloak\ny\nn\n2\nreports:read\napi\n');
    expect(code).toBe(0);
    expect(err).toMatch(
      / 4 {2}keycloak +Keycloak\n[\s\S]*Authorization server .*TypeScript\?.*CommonJS[\s\S]*Scope.*Folder/,
    );
    expect(read(folder, 'api/app.mts')).toContain("requireScope('reports:read')");
    expect(read(folder, 'api/app.mts')).toContain('app.listen(port, () => {');
  });

  it('uses the defaults for empty replies', async () => {
    const folder = createFolder();
    const { code } = await init([], folder, '15\n\n\n\n\n\n');
    expect([code, readdirSync(folder).sort()]).toEqual([0, ['.env.example', 'app.mjs']]);
    expect(read(folder, 'app.mjs')).toContain('endpoint: process.env.INTROSPECTION_ENDPOINT');
  });

  it('repeats a question until the reply is valid, and suggests what was meant', async () => {
    const folder = createFolder();
    const replies = ['', '99', 'keyclok', 'keycloak', 'perhaps', 'n', 'n', 'fastify', '1', 'two scopes', '', ''];
    const { code, err } = await init([], folder, `${replies.join('\n')}\n`);
    expect(code).toBe(0);
    for (const part of [
      'Write a number or a name',
      'Did you mean keycloak?',
      'Write y or n',
      'one scope, without spaces',
    ]) {
      expect(err).toContain(part);
    }
  });

  it('does not ask for a scope if responses have none', async () => {
    const { code, err } = await init(['--provider', 'workos'], undefined, '\n\n\n\n');
    expect([code, err]).toEqual([0, expect.not.stringContaining('Scope')]);
  });

  it('asks nothing with --yes', async () => {
    const { code, err } = await init(['--yes'], undefined, '');
    expect([code, err]).toEqual([0, '']);
  });

  it('writes nothing when the input ends', async () => {
    const folder = createFolder();
    const { code, err } = await init([], folder, 'keycloak\n');
    expect([code, err]).toEqual([2, expect.stringContaining('Nothing was written')]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the command line of init', () => {
  it('prints the usage with every provider and exit code', async () => {
    const { code, out } = await init(['--help']);
    expect(code).toBe(0);
    for (const name of SERVER_NAMES) expect(out).toMatch(new RegExp(`^ {4}${name} `, 'm'));
    for (const exit of [0, 1, 2]) expect(out).toMatch(new RegExp(`^  ${exit}  \\S`, 'm'));
  });

  it.each([
    [[], 'Write --provider NAME, or --yes for the defaults'],
    [['--provder', 'keycloak'], "Unknown option '--provder'; did you mean --provider?"],
    [['--typscript'], 'did you mean --typescript?'],
    [['--provider', 'keyclok'], 'Did you mean keycloak?'],
    [['--provider', 'oidc-provider'], 'Did you mean oidcProvider?'],
    [['--provider', 'toString'], '--provider is one of '],
    [['--yes', '--framework', 'expres'], 'Did you mean express?'],
    [['--yes', '--scope', 'a b'], '--scope is one scope'],
    [['--yes', '--scope', 'a\\'], '--scope is one scope'],
    [['--yes', '--directory', ''], '--directory is empty'],
    [['--provider', 'workos', '--scope', 'a'], 'Leave --scope out, because responses of WorkOS have no scope'],
    [['--yes', 'keycloak'], "Unexpected argument 'keycloak'"],
    [['--provider'], 'argument missing'],
  ])('%j exits with 2, and writes nothing', async (words, message) => {
    const folder = createFolder();
    const { code, out, err } = await init(words, folder);
    expect([code, out, readdirSync(folder)]).toEqual([2, '', []]);
    expect(err).toContain(message);
  });
});
