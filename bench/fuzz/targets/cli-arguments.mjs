// The words after `express-token-introspection` on the command line.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { requireOneOf } from '../errors.mjs';
import { textWithLines } from '../lines.mjs';
import { inSandbox } from '../sandbox.mjs';

const SECRETS = { CLIENT_SECRET: 'secret-of-the-client-5d1f', API_KEY: 'key-of-the-api-8c2e' };
const TOKEN = 'token-on-standard-input-77ab';
const EXIT_CODES = new Map(Object.entries({ init: [0, 1, 2], check: [0, 1, 2, 3], probe: [0, 1, 2] }));
/** Control characters, which a terminal would interpret, and characters that change the direction of text. Lines may end. */
const UNPRINTABLE = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const INTERNAL = / is not a function|Cannot read prop|is not iterable| must be of type |\[object |\[native code/;
const ENDPOINT = 'https://as.example.com/introspect';

export const cliArguments = {
  name: 'cli-arguments',
  input: 'one word in each line',
  isSynchronous: false,
  maxLength: 1024,
  words: [
    ...[
      'init\n',
      'check\n',
      'probe\n',
      '--help',
      '--version',
      '--endpoint\n',
      ENDPOINT,
      '--authorization-server\n',
      '--provider\n',
    ],
    ...[
      'keycloak',
      'workos',
      'oidcProvider',
      'hydra',
      '--option\n',
      '--option-env\n',
      'apiKey=API_KEY',
      'realm=shop',
      '--method\n',
    ],
    ...[
      'private_key_jwt',
      'tls_client_auth',
      'client_secret_post',
      'bearer',
      'none',
      '--client-id\n',
      '--key\n',
      'key.pem',
      '--cert\n',
    ],
    ...[
      '--ca\n',
      '--audience\n',
      '--issuer\n',
      '--scope\n',
      '--signed',
      '--token',
      '--timeout-ms\n',
      '--env-file\n',
      '.env',
      '--json',
    ],
    ...[
      '--dangerously-allow-http',
      '--token-stdin',
      '--framework\n',
      'express',
      'fastify',
      '--typescript',
      '--commonjs',
      '--directory\n',
    ],
    ...['--yes', '-y', '--', '--no-', '=', '__proto__', 'toString', '\x1b[2J'],
  ],
  seeds: () =>
    [
      [],
      ['--help'],
      ['--version'],
      ['chekc'],
      ['\x1b[2Jcheck'],
      ['check', '--\x1b[2J'],
      ['init', '--yes'],
      ['init', '--provider', 'keycloak', '--typescript', '--scope', 'reports:read'],
      ['init', '--provider', 'oidcProvider', '--framework', 'fastify', '--commonjs', '--directory', 'app'],
      ['init', '--yes', '--directory', '/outside'],
      ['init', '--yes', '--directory', '../outside'],
      ['init', '--scope', 'a b'],
      ['check', '--help'],
      ['check', '--endpoint', ENDPOINT, '--client-id', 'api', '--token', '--json'],
      ['check', '--endpoint', ENDPOINT, '--client-id', 'api', '--method', 'client_secret_post', '--scope', 'read'],
      ['check', '--endpoint', 'http://as.example.com', '--client-id', 'api'],
      ['check', '--endpoint', 'no URL', '--client-id', 'api', '--timeout-ms', '-1'],
      ['check', '--authorization-server', 'https://as.example.com', '--client-id', 'api', '--signed', '--issuer', 'x'],
      [
        'check',
        '--provider',
        'keycloak',
        '--option',
        'url=https://sso.example.com',
        '--option',
        'realm=shop',
        '--client-id',
        'api',
      ],
      [
        'check',
        '--provider',
        'hydra',
        '--option',
        'adminUrl=https://hydra.example.com',
        '--option-env',
        'apiKey=API_KEY',
      ],
      [
        'check',
        '--provider',
        'hydra',
        '--option',
        'adminUrl=https://hydra.example.com',
        '--option-env',
        'apiKey=toString',
      ],
      ['check', '--provider', 'workos', '--option', '__proto__=x', '--option-env', 'apiKey=API_KEY'],
      [
        'check',
        '--endpoint',
        ENDPOINT,
        '--method',
        'private_key_jwt',
        '--client-id',
        'api',
        '--key',
        'key.pem',
        '--alg',
        'ES256',
      ],
      ['check', '--endpoint', ENDPOINT, '--method', 'none', '--client-id', 'api', '--env-file', '.env'],
      ['check', '--env-file', 'missing', '--json'],
      ['check', '--client-secret', 'x'],
      ['probe', 'https://api.example.com/reports', '--token-stdin', '--json'],
      ['probe', 'http://api.example.com', '--timeout-ms', '1'],
      ['probe', 'https://user:password@api.example.com/#a'],
      ['probe'],
    ].map((words) => textWithLines(...words)),
  typical: (length) =>
    textWithLines('check', '--endpoint', ENDPOINT, '--client-id', 'api', '--audience', 'a'.repeat(length), '--token'),
  guards: [
    { file: 'cli/run.js', from: 'return command_js_1.USAGE_ERROR;', to: 'return 7;' },
    { file: 'cli/run.js', from: '(0, printable_js_1.printable)(text)', to: 'text' },
    { file: 'cli/words.js', from: 'const unknown =', to: 'throw error; const unknown =' },
    { file: 'cli/options.js', from: 'Object.hasOwn(env, variable)', to: 'true' },
  ],

  create(load) {
    const { run } = load('cli/run.js');
    const folder = mkdtempSync(join(tmpdir(), 'fuzz-cli-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    return {
      read(bytes) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        writeFileSync(join(folder, '.env'), 'AUDIENCE=api\nKEYCLOAK_REALM=shop\nUNUSED=x\n');
        const text = Buffer.from(bytes).toString('utf8');
        return text === '' ? [] : text.split('\n');
      },
      async run(words) {
        let output = '';
        const print = (text) => {
          output += `${text}\n`;
        };
        const terminal = {
          ...{ env: SECRETS, folder, isColourful: false, out: print, err: print },
          stdin: Readable.from([Buffer.from(TOKEN)]),
          stderr: new Writable({ write: (chunk, _encoding, done) => done(print(String(chunk))) }),
        };
        const { result, refused } = await inSandbox(folder, () => run(words, terminal));
        return { code: result, output, refused };
      },
      check(words, { value, error }) {
        if (error !== undefined) throw error;
        const { code, output, refused } = value;
        requireOneOf(EXIT_CODES.get(words[0]) ?? [0, 2], code, 'exit code');
        assert(!/^ {4}at .*[:(]\d+/m.test(output), 'no stack trace');
        assert(!INTERNAL.test(output), `no message of JavaScript itself: ${output}`);
        const [unprintable] = UNPRINTABLE.exec(output) ?? [];
        assert(
          unprintable === undefined,
          `no control character: ${escape(unprintable ?? '')} in ${JSON.stringify(output)}`,
        );
        for (const secret of [...Object.values(SECRETS), TOKEN]) {
          assert(!output.includes(secret) || words.join('\n').includes(secret), 'no secret in the output');
        }
        for (const path of refused) requireNamed(path, words, folder);
        if (words[0] !== 'init') assert(!existsSync(join(folder, '.env.example')), 'only init writes files');
        return code === 0;
      },
    };
  },
};

/** A file outside of the folder is written only if the command line names the other folder. */
function requireNamed(path, words, folder) {
  const named = words
    .flatMap((word) => [word, word.slice(word.indexOf('=') + 1)])
    .map((word) => resolveIn(folder, word));
  assert(
    words.some((word) => word.startsWith('--directory')) && named.some((each) => path.startsWith(each)),
    'no file outside of the folder',
  );
}

function resolveIn(folder, word) {
  return word.includes('\0') ? word : resolve(folder, word);
}
