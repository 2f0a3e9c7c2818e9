import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../lib/cli/check.js';
import { createFolder, runCommand } from '../support/command.js';
import { active, createEndpoint } from '../support/endpoint.js';

const SECRET = 'hush-hush';
const TOKEN = 'mF_9.B5f-4.1JqM';

/** Runs `check` in a folder with this file. */
function checkWith(
  lines: readonly string[],
  words: readonly string[] = [],
  env: Record<string, string> = {},
  file = '.env',
) {
  const folder = createFolder();
  writeFileSync(join(folder, file), lines.join('\n'));
  return runCommand(['check', ...words], { env, folder, stdin: TOKEN });
}

const basic = (id: string) => `Basic ${Buffer.from(`${id}:${SECRET}`).toString('base64')}`;

beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

afterEach(() => jest.restoreAllMocks());

describe('check without flags', () => {
  it('reads endpoint, client and audience from .env, and says so without showing values', async () => {
    const endpoint = await createEndpoint(({ form }) =>
      form.get('token') === TOKEN ? active({ aud: 'other' }) : { active: false },
    );
    const file = [
      `INTROSPECTION_ENDPOINT=${endpoint.url}`,
      'CLIENT_ID=api',
      `CLIENT_SECRET=${SECRET}`,
      'AUDIENCE=reports',
    ];
    const { code, out, err } = await checkWith(file, ['--token']);
    expect(code).toBe(EXIT.rejected);
    expect(err).toBe('Read from .env: INTROSPECTION_ENDPOINT, CLIENT_ID, CLIENT_SECRET, AUDIENCE');
    expect(out).toContain('expected:             aud "reports"');
    expect(out).not.toContain(SECRET);
    expect(endpoint.asked[0]?.headers.authorization).toBe(basic('api'));
  });

  it('finds the endpoint by AUTHORIZATION_SERVER', async () => {
    const endpoint = await createEndpoint(({ method }: { method: string | undefined }): object =>
      method === 'POST' ? { active: false } : { issuer, introspection_endpoint: `${issuer}/introspect` },
    );
    const issuer = new URL(endpoint.url).origin;
    const file = [`AUTHORIZATION_SERVER=${issuer}`, 'CLIENT_ID=api', `CLIENT_SECRET=${SECRET}`];
    expect((await checkWith(file)).code).toBe(EXIT.ok);
  });

  it('prefers environment variables to the file, and flags to both', async () => {
    const endpoint = await createEndpoint({ active: false });
    const file = ['INTROSPECTION_ENDPOINT=http://127.0.0.1:9', 'CLIENT_ID=file', `CLIENT_SECRET=${SECRET}`];
    const byVariable = await checkWith(file, ['--endpoint', endpoint.url], { CLIENT_ID: 'variable' });
    expect(byVariable.err).toContain('Set in the environment, so not read from .env: CLIENT_ID');
    expect(byVariable.err).not.toContain('INTROSPECTION_ENDPOINT');
    await checkWith(file, ['--endpoint', endpoint.url, '--client-id', 'flag'], { CLIENT_ID: 'variable' });
    const sent = endpoint.asked.map(({ headers }) => headers.authorization);
    expect(sent).toEqual([basic('variable'), basic('flag')]);
  });

  it('reads the file of --env-file instead of .env', async () => {
    const endpoint = await createEndpoint({ active: false });
    const file = [`INTROSPECTION_ENDPOINT=${endpoint.url}`, 'CLIENT_ID=api', `CLIENT_SECRET=${SECRET}`];
    const { code, err } = await checkWith(file, ['--env-file', 'prod.env'], {}, 'prod.env');
    expect([code, err]).toEqual([EXIT.ok, 'Read from prod.env: INTROSPECTION_ENDPOINT, CLIENT_ID, CLIENT_SECRET']);
    const missing = await runCommand(['check', '--env-file', 'nowhere.env']);
    expect([missing.code, missing.err]).toEqual([EXIT.usage, '--env-file nowhere.env cannot be read (ENOENT)']);
  });

  it('prints only JSON to standard output with --json', async () => {
    const endpoint = await createEndpoint({ active: false });
    const file = [`INTROSPECTION_ENDPOINT=${endpoint.url}`, 'CLIENT_ID=api', `CLIENT_SECRET=${SECRET}`];
    expect(JSON.parse((await checkWith(file, ['--json'])).out)).toMatchObject({ configuration: { ok: true } });
  });

  it.each<[string, string[], string[], string]>([
    ['no server', ['CLIENT_ID=api'], [], 'or set one of the variables INTROSPECTION_ENDPOINT and AUTHORIZATION_SERVER'],
    [
      'two servers',
      ['INTROSPECTION_ENDPOINT=https://a', 'AUTHORIZATION_SERVER=https://a'],
      [],
      'Write one of --endpoint',
    ],
    [
      'a wrong endpoint, without its value',
      ['INTROSPECTION_ENDPOINT=secret.example.com', `CLIENT_SECRET=${SECRET}`, 'CLIENT_ID=api'],
      [],
      '--endpoint or INTROSPECTION_ENDPOINT: write',
    ],
    ['no client', [`CLIENT_SECRET=${SECRET}`], ['--endpoint', 'https://a'], '--client-id or CLIENT_ID: write'],
    [
      'an empty option of a preset',
      ['KEYCLOAK_URL=', 'KEYCLOAK_REALM=shop', 'CLIENT_ID=api', `CLIENT_SECRET=${SECRET}`],
      ['--provider', 'keycloak'],
      '--option url=… or KEYCLOAK_URL: write a URL',
    ],
  ])('names the variable for %s', async (_what, lines, words, message) => {
    const { code, err } = await checkWith(lines, words);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(message)]);
    expect(err).not.toMatch(/secret\.example|hush/);
  });
});

describe('check with a provider', () => {
  it('reads the options of the preset from .env', async () => {
    const endpoint = await createEndpoint({ active: false });
    const file = [
      `KEYCLOAK_URL=${new URL(endpoint.url).origin}`,
      'KEYCLOAK_REALM=shop',
      'CLIENT_ID=api',
      `CLIENT_SECRET=${SECRET}`,
      'AUDIENCE=reports',
      'OKTA_ISSUER=https://not-used.example.com',
    ];
    const { code, err } = await checkWith(file, ['--provider', 'keycloak']);
    expect([code, err]).toEqual([
      EXIT.ok,
      'Read from .env: KEYCLOAK_URL, KEYCLOAK_REALM, CLIENT_ID, CLIENT_SECRET, AUDIENCE',
    ]);
    expect(endpoint.asked[0]?.url).toBe('/realms/shop/protocol/openid-connect/token/introspect');
  });

  it('reads variables that --option-env names', async () => {
    const endpoint = await createEndpoint({ active: false });
    const file = [`HYDRA_ADMIN_URL=${new URL(endpoint.url).origin}`, 'ORY_API_KEY=ory_pat_1', 'CLIENT_ID=not-used'];
    const { code, err } = await checkWith(file, ['--provider', 'hydra', '--option-env', 'apiKey=ORY_API_KEY']);
    expect([code, err]).toEqual([EXIT.ok, 'Read from .env: HYDRA_ADMIN_URL, ORY_API_KEY']);
    expect(endpoint.asked[0]?.headers.authorization).toBe('Bearer ory_pat_1');
  });

  it('asks for no secret that the preset does not take', async () => {
    const endpoint = await createEndpoint({ active: false });
    const { code } = await checkWith([`HYDRA_ADMIN_URL=${new URL(endpoint.url).origin}`], ['--provider', 'hydra']);
    expect(code).toBe(EXIT.ok);
  });
});
