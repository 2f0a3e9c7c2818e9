import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FRAMEWORK_NAMES, type Framework } from '../../lib/cli/init/choices.js';
import { SERVER_NAMES, type Variable, variablesOf } from '../../lib/cli/servers.js';
import { ROOT, startChild } from '../support/child.js';
import { runCommand } from '../support/command.js';
import { freePort } from '../support/free-port.js';
import { CLIENT, GOOD_TOKEN, startProviderStandIn } from '../support/provider-stand-in.js';

const run = promisify(execFile);

/** Below the repository, so that the code finds the library by its name. */
const GENERATED = join(ROOT, '__tests__/.generated/init');
const COMMAND = join(ROOT, 'dist/cli/main.js');
const TSC = join(ROOT, 'node_modules/.bin/tsc');

const KINDS: readonly (readonly string[])[] = [[], ['--commonjs'], ['--typescript'], ['--typescript', '--commonjs']];

/** Settings of `tsc --init`, and more, which a project with its own tsconfig.json may have. */
const STRICTEST = {
  target: 'esnext',
  module: 'nodenext',
  strict: true,
  types: ['node'],
  exactOptionalPropertyTypes: true,
  isolatedModules: true,
  moduleDetection: 'force',
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noUncheckedIndexedAccess: true,
  noUncheckedSideEffectImports: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  skipLibCheck: false,
  verbatimModuleSyntax: true,
};

let standIn: { port: number; asked: string[]; server: Server };

beforeAll(async () => {
  rmSync(GENERATED, { recursive: true, force: true });
  mkdirSync(GENERATED, { recursive: true });
  standIn = await startProviderStandIn();
});

afterAll(() => {
  standIn.server.close();
  standIn.server.closeAllConnections();
  rmSync(GENERATED, { recursive: true, force: true });
});

/** The values that a user writes to `.env`. */
function valueFor({ name, example = 'reports' }: Variable): string | number {
  const values: Record<string, string> = {
    CLIENT_ID: CLIENT.id,
    CLIENT_SECRET: CLIENT.secret,
    HYDRA_ADMIN_URL: 'https://hydra.example.com',
  };
  return values[name] ?? example;
}

interface Generated {
  /** Folder with `.env`. */
  readonly folder: string;
  /** Path of the script. */
  readonly script: string;
  readonly port: number;
}

/** Fills in `.env` by `.env.example`. */
async function fillEnvironment(folder: string, provider: string): Promise<number> {
  const port = await freePort();
  const example = readFileSync(join(folder, '.env.example'), 'utf8').replace(/^PORT=.*$/m, `PORT=${port}`);
  const filled = variablesOf(provider).reduce(
    (text, variable) => text.replace(new RegExp(`^${variable.name}=$`, 'm'), `${variable.name}=${valueFor(variable)}`),
    example,
  );
  writeFileSync(join(folder, '.env'), filled);
  return port;
}

async function compile(folder: string): Promise<void> {
  const { stdout } = await run(TSC, ['-p', folder]).catch(({ stdout }) => ({ stdout }));
  expect(stdout).toBe('');
}

/** Runs the built command, and then what its next steps say, up to the start of the app. */
async function generate(provider: string, words: readonly string[], name: string): Promise<Generated> {
  const folder = join(GENERATED, [name, ...words].join(''));
  const command = [COMMAND, 'init', '--provider', provider, ...words, '--directory', folder];
  const { stdout } = await run(process.execPath, command, { cwd: GENERATED });
  const port = await fillEnvironment(folder, provider);
  if (existsSync(join(folder, 'tsconfig.json'))) await compile(folder);
  const [, script] = /node --env-file=\.env (\S+)/.exec(stdout) as RegExpExecArray;
  return { folder, script: script as string, port };
}

const running = new Set<ChildProcess>();

afterEach(() => {
  for (const app of running) app.kill();
  running.clear();
});

/** Starts the app in its folder, with an environment of its own, and requests the route. */
async function tryOut({ folder, script, port }: Generated) {
  const preload = join(ROOT, '__tests__/support/redirect-connections.cjs');
  const env = { PATH: process.env.PATH, STAND_IN_PORT: `${standIn.port}` };
  const app = spawn(process.execPath, ['--require', preload, '--env-file=.env', script], { cwd: folder, env });
  running.add(app);
  let output = '';
  const hasPrinted = new Promise<void>((resolve, reject) => {
    const collect = (chunk: unknown) => {
      output += chunk;
      if (/listening on/.test(output) && /token introspection/.test(output)) resolve();
    };
    app.stdout.on('data', collect);
    app.stderr.on('data', collect);
    app.once('exit', (code) => reject(new Error(`${folder} exited with ${code}: ${output}`)));
  });
  await hasPrinted;
  const get = async (authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(`http://127.0.0.1:${port}/api/reports`, { headers });
    return [response.status, await response.json()];
  };
  const responses = [await get(), await get('Bearer unknown'), await get(`Bearer ${GOOD_TOKEN}`)];
  app.removeAllListeners('exit');
  app.kill();
  return { output, responses };
}

function expectProtected({ output, responses }: Awaited<ReturnType<typeof tryOut>>, sub: string): void {
  expect(responses).toEqual([
    [401, {}],
    [401, expect.objectContaining({ error: 'invalid_token' })],
    [200, { sub, scope: 'reports:read' }],
  ]);
  expect(output).toContain('token introspection works');
  expect(output).toMatch(/listening on http:\/\/127\.0\.0\.1:\d+/);
}

describe('the app of init for each server', () => {
  const folder = join(GENERATED, 'servers');
  const nameOf = (provider: string, words: readonly string[]) => [provider, ...words].join('');

  // One call of the compiler takes as long for all apps as for one. The generated tsconfig.json is used below.
  beforeAll(async () => {
    mkdirSync(folder);
    const compilerOptions = { ...STRICTEST, rootDir: '.', outDir: 'dist' };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    for (const provider of SERVER_NAMES) {
      for (const words of KINDS) {
        const flags = ['--provider', provider, ...words, '--directory', nameOf(provider, words)];
        expect(await runCommand(['init', ...flags], { folder })).toMatchObject({ code: 0, err: '' });
      }
    }
    await compile(folder);
  }, 60_000);

  it.each(SERVER_NAMES)(
    '%s starts in every language and module kind, and accepts only a token that the server knows',
    async (provider) => {
      for (const words of KINDS) {
        const name = nameOf(provider, words);
        const file = words.includes('--commonjs') ? 'app.cjs' : 'app.mjs';
        const script = join(folder, words.includes('--typescript') ? 'dist' : '', name, file);
        const port = await fillEnvironment(join(folder, name), provider);
        expectProtected(
          await tryOut({ folder: join(folder, name), script, port }),
          provider === 'github' ? '1' : 'alice',
        );
      }
    },
    60_000,
  );
});

describe('the app of init', () => {
  it.each(FRAMEWORK_NAMES.filter((name) => name !== 'express'))(
    'with the framework %s starts in every language and module kind',
    async (framework) => {
      useExpress4(framework);
      for (const words of KINDS) {
        const all = [...words, '--framework', framework, '--scope', 'reports:read'];
        expectProtected(await tryOut(await generate('endpoint', all, `${framework}/`)), 'alice');
      }
    },
    120_000,
  );

  it.each(FRAMEWORK_NAMES)('with the framework %s rejects a token without the required scope', async (framework) => {
    useExpress4(framework);
    const words = ['--framework', framework, '--scope', 'reports:write'];
    const { responses } = await tryOut(await generate('keycloak', words, `${framework}/`));
    expect(responses.map(([status]) => status)).toEqual([401, 401, 403]);
  });

  it.each(FRAMEWORK_NAMES)('with the framework %s answers 503 in an outage', async (framework) => {
    useExpress4(framework);
    const generated = await generate('keycloak', ['--framework', framework], `${framework}/outage`);
    const file = join(generated.folder, '.env');
    writeFileSync(file, readFileSync(file, 'utf8').replace(CLIENT.secret, 'another'));
    const { output, responses } = await tryOut(generated);
    expect(responses[2]).toEqual([503, { error: 'temporarily_unavailable' }]);
    expect(output).toContain('token introspection fails (client_rejected): The endpoint does not accept');
  });

  it('compiles with the strictest settings for each framework, with a scope', async () => {
    const folder = join(GENERATED, 'strictest');
    mkdirSync(folder);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...STRICTEST, noEmit: true } }));
    for (const kind of KINDS.slice(2)) {
      for (const framework of FRAMEWORK_NAMES) {
        const flags = [...kind, '--framework', framework, '--scope', 'reports:read'];
        const words = ['init', '--yes', ...flags, '--directory', `app${flags.join('')}`];
        expect(await runCommand(words, { folder })).toMatchObject({ code: 0 });
      }
    }
    await compile(folder);
  }, 60_000);
});

describe('check after init', () => {
  it('reads the same .env', async () => {
    const { folder } = await generate('pingfederate', [], 'check');
    const preload = join(ROOT, '__tests__/support/redirect-connections.cjs');
    const child = startChild(COMMAND, ['check', '--provider', 'pingfederate', '--env-file', join(folder, '.env')], {
      NODE_OPTIONS: `--require "${preload}"`,
      STAND_IN_PORT: `${standIn.port}`,
    });
    expect(await child.exit).toBe(0);
    expect(child.errorOutput()).toContain('.env: PINGFEDERATE_URL, CLIENT_ID, CLIENT_SECRET, AUDIENCE');
    expect(child.lines.join('\n')).toContain('ok: tokens can be checked');
    expect(standIn.asked.at(-1)).toBe('https://sso.example.com:9031/as/introspect.oauth2');
  });
});

/** Lets the apps in the folder of this framework import Express 4. */
function useExpress4(framework: Framework): void {
  const modules = join(GENERATED, framework, 'node_modules');
  if (framework !== 'express4' || existsSync(modules)) return;
  mkdirSync(modules, { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/express4'), join(modules, 'express'), 'dir');
}
