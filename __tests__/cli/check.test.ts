import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../../lib/cli/check.js';
import { SELF_SIGNED } from '../support/certificate.js';
import { type Input, type Ran, runCommand } from '../support/command.js';
import { active, createEndpoint, type Endpoint, json } from '../support/endpoint.js';

const SECRET = 'hush-hush';
const TOKEN = 'mF_9.B5f-4.1JqM';

async function check(words: readonly string[], input: Input = {}): Promise<Ran> {
  return runCommand(['check', ...words], { env: { CLIENT_SECRET: SECRET }, ...input });
}

const at = ({ url }: Pick<Endpoint, 'url'>, ...words: string[]) => ['--endpoint', url, '--client-id', 'api', ...words];

/** Claims of `TOKEN` at the endpoint. Any other token is not active. */
function knowing(claims: object): Promise<Endpoint> {
  return createEndpoint(({ form }) => (form.get('token') === TOKEN ? claims : { active: false }));
}

beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

afterEach(() => jest.restoreAllMocks());

describe('check, for a configuration', () => {
  it('reports that it works, and exits with 0', async () => {
    const endpoint = await createEndpoint({ active: false });
    const { code, out, err } = await check(at(endpoint));
    expect([code, err]).toEqual([EXIT.ok, '']);
    expect(out).toContain(`endpoint:             ${endpoint.url}`);
    expect(out).toMatch(
      /reachable: +yes\n.*credentials accepted: yes\n.*response valid: +yes\n.*response time: +\d+ ms\n/,
    );
    expect(out).toContain('ok: tokens can be checked');
    expect(endpoint.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from(`api:${SECRET}`).toString('base64')}`);
  });

  it('reports a wrong secret without showing it, and exits with 3', async () => {
    const endpoint = await createEndpoint((_asked, res) => json(res, { error: 'invalid_client' }, 401));
    const { code, out } = await check(at(endpoint));
    expect(code).toBe(EXIT.outage);
    expect(out).toMatch(/credentials accepted: no\n/);
    expect(out).toContain('client_rejected (HTTP 401)\n  The endpoint does not accept the credentials of this API.');
    expect(out).not.toContain(SECRET);
  });

  it('reports a stopped server, and exits with 3', async () => {
    const endpoint = await createEndpoint({});
    await endpoint.close();
    const { code, out } = await check(at(endpoint, '--token'), { stdin: TOKEN });
    expect(code).toBe(EXIT.outage);
    expect(out).toContain('unreachable (ECONNREFUSED)\n  Nothing listens at this host and port.');
    expect(out).not.toContain('Token\n');
  });

  it('prints colours only when the terminal supports them', async () => {
    const { out } = await check(at(await createEndpoint({ active: false })), { isColourful: true });
    expect(out).toContain('\u001b[32myes\u001b[39m');
    expect((await check(at(await createEndpoint({ active: false })))).out).not.toContain('\u001b');
  });

  it('prints JSON with --json', async () => {
    const { code, out } = await check(at(await knowing(active()), '--json', '--token'), { stdin: TOKEN });
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(out)).toMatchObject({
      configuration: { ok: true, reachable: true },
      token: { accepted: true, status: 200, auth: { sub: 'alice' }, cachedForSeconds: 60 },
    });
  });

  it.each([
    ['a wrong word', ['--method', 'magic']],
    ['a wrong option', ['--timeout-ms', 'soon']],
    ['no secret', []],
  ])('prints JSON even for %s, and the message on standard error', async (_, words) => {
    const env = words.length === 0 ? {} : { CLIENT_SECRET: SECRET };
    const { code, out, err } = await check(at({ url: 'https://as.example.com' }, '--json', ...words), { env });
    expect(code).toBe(EXIT.usage);
    expect(JSON.parse(out)).toEqual({ error: err });
    expect(err).not.toBe('');
  });

  it('warns of a secret that ends with a line break', async () => {
    const env = { CLIENT_SECRET: `${SECRET}\n` };
    const { out } = await check(at(await createEndpoint({ active: false })), { env });
    expect(out).toContain('! The secret begins or ends with a space or a line break');
    expect(out).not.toContain(SECRET);
  });

  it('finds the endpoint in the metadata', async () => {
    const endpoint: Endpoint = await createEndpoint(({ method }) =>
      method === 'POST'
        ? { active: false }
        : {
            issuer: new URL(endpoint.url).origin,
            introspection_endpoint: endpoint.url,
            introspection_endpoint_auth_methods_supported: ['private_key_jwt', 'none\u001b]0;'],
          },
    );
    const words = ['--authorization-server', new URL(endpoint.url).origin, '--client-id', 'api'];
    const { code, out } = await check(words);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain('methods supported:    private_key_jwt, none\\u001b]0;');
    expect(out).toContain('! The metadata do not list client_secret_basic');
    expect((await check([...words, '--signed'])).out).toContain('bad_response (signed reply: not signed)');
  });
});

describe('check, for a token', () => {
  it('reports that it would be accepted, for how long it is cached, and what a handler sees', async () => {
    const endpoint = await knowing(active({ aud: 'a', exp: Math.floor(Date.now() / 1000) + 30 }));
    const { code, out } = await check(at(endpoint, '--token', '--audience', 'a', '--audience', 'b'), {
      stdin: `${TOKEN}\n`,
    });
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(
      /a request with it: +accepted, NOT CHECKED: issuer, scope\n.*cached for: +(?:2\d|30)[.\d]* s: exp is (?:2\d|30) seconds away\n/,
    );
    expect(out).toMatch(/req\.auth:\n {4}\{\n {6}"active": true,/);
    expect(out).not.toMatch(/[!]/);
    expect(out + endpoint.asked.map(({ url }) => url)).not.toContain(TOKEN);
  });

  it.each<[string, object, string[], RegExp]>([
    [
      'nobody knows',
      { active: false },
      [],
      /rejected, 401 \(inactive\)\n {2}The authorization server says that the token is not active.*\n.*cached for: +5 s: cache.inactiveTtlSeconds is 5\n?$/,
    ],
    [
      'is for others',
      active({ aud: 'x' }),
      ['--audience', 'a'],
      /rejected, 401 \(audience_mismatch\)\n {2}expected: +aud "a"\n {2}received: +aud "x"\n {2}Check that the token is meant for this API\./,
    ],
    [
      'names nobody',
      active({ token_type: undefined }),
      ['--audience', 'a'],
      /\(audience_mismatch\)\n {2}expected: +aud "a"\n {2}received: +no aud\n {2}.*typical of a refresh token\. Send the access token/,
    ],
    [
      'is another’s',
      active({ iss: 'https://a' }),
      ['--issuer', 'https://a/'],
      /rejected, 401 \(issuer_mismatch\)\n {2}expected: +iss "https:\/\/a\/"\n {2}received: +iss "https:\/\/a"\n {2}Write "issuer" exactly/,
    ],
    [
      'grants too little',
      active(),
      ['--scope', 'read', '--scope', 'admin'],
      /rejected, 403 \(insufficient_scope\)\n {2}expected: +scope "read", "admin"\n {2}received: +scope "read write"/,
    ],
    [
      'refreshes others',
      active({ token_type: 'refresh_token' }),
      [],
      /rejected, 401 \(refresh_token\)[\s\S]*Send the access token, not the refresh token/,
    ],
    ['is bound', active({ cnf: { jkt: 'x' } }), [], /rejected, 401 \(sender_constrained\)[\s\S]*! cnf/],
    [
      'is over',
      active({ exp: 1 }),
      [],
      /rejected, 401 \(expired\)\n {2}expected: .*\n {2}received: +exp \d+ s ago\n {2}.*clocks.*\n.*cached for: +0 s: exp is -\d+ seconds away/,
    ],
  ])('that %s reports why it would be rejected, and exits with 1', async (_, claims, words, expected) => {
    const { code, out } = await check(at(await knowing(claims), '--token', ...words), { stdin: TOKEN });
    expect(code).toBe(EXIT.rejected);
    expect(out).toMatch(expected);
    expect(out).not.toContain('req.auth');
  });

  it.each<[string, object, string]>([
    ['no exp', active({ exp: undefined }), 'No exp'],
    ['no aud', active(), 'No aud'],
    ['an aud that is not checked', active({ aud: 'a' }), 'The response names an audience'],
    ['no token_type', active({ token_type: undefined }), 'No token_type'],
    ['no scope', active({ scope: undefined }), 'No scope'],
    ['an iat in milliseconds', active({ iat: Date.now() }), 'iat is in milliseconds'],
    ['an exp in milliseconds', active({ exp: Date.now() + 3_600_000 }), 'exp is in milliseconds'],
  ])('warns of %s', async (_, claims, warning) => {
    const { code, out } = await check(at(await knowing(claims), '--token'), { stdin: TOKEN });
    expect(code).toBe(EXIT.ok);
    expect(out).toContain(`! ${warning}`);
  });

  it.each([
    ['not well-formed', 'not a token', 'rejected, 400 (malformed_credentials)'],
    ['too long', 'x'.repeat(8193), 'rejected, 400 (token_too_long)'],
  ])('that is %s does not ask the endpoint', async (_, stdin, expected) => {
    const endpoint = await createEndpoint({ active: false });
    const { code, out } = await check(at(endpoint, '--token'), { stdin });
    expect([code, endpoint.asked.length]).toEqual([EXIT.rejected, 1]);
    expect(out).toContain(expected);
  });

  it('removes the scheme from a pasted token', async () => {
    const { code, out } = await check(at(await knowing(active()), '--token'), { stdin: `Bearer ${TOKEN}\n` });
    expect(code).toBe(EXIT.ok);
    expect(out).toContain('! The word Bearer was removed');
    expect(out).not.toContain(TOKEN);
  });

  it('names the checks that were left out', async () => {
    const { out } = await check(at(await knowing(active()), '--token'), { stdin: TOKEN });
    expect(out).toContain('accepted, NOT CHECKED: audience, issuer, scope');
    const words = ['--audience', 'a', '--issuer', 'i', '--scope', 'read'];
    const all = await check(at(await knowing(active({ aud: 'a', iss: 'i' })), '--token', ...words), { stdin: TOKEN });
    expect(all.out).toMatch(/a request with it: +accepted\n/);
  });

  it('escapes control characters', async () => {
    const endpoint = await knowing(active({ username: '\u001b[2J\u009b2J\u007f\u202e' }));
    for (const words of [[], ['--json']]) {
      const { out } = await check(at(endpoint, '--token', ...words), { stdin: TOKEN });
      expect(out).toContain('"username": "\\u001b[2J\\u009b2J\\u007f\\u202e"');
    }
  });

  it.each(['', ' \n'])('that is missing exits with 2: %j', async (stdin) => {
    const { code, err } = await check(at(await createEndpoint({ active: false }), '--token'), { stdin });
    expect([code, err]).toEqual([EXIT.usage, 'The token is missing: standard input is empty']);
  });

  it.each([[[]], [['--json']]])('hides the token and the secret when the server repeats them: %j', async (words) => {
    const endpoint = await knowing(active({ token: TOKEN, note: `by ${SECRET}` }));
    const { code, out } = await check(at(endpoint, '--token', ...words), { stdin: TOKEN });
    expect(code).toBe(EXIT.ok);
    expect(out).toContain('"note": "by …"');
    expect(out).not.toMatch(new RegExp(`${TOKEN}|${SECRET}`));
  });

  it('reports an outage when the server fails for the token', async () => {
    const endpoint = await createEndpoint(({ form }, res) =>
      form.get('token') === TOKEN ? json(res, {}, 500) : { active: false },
    );
    const { code, out, err } = await check(at(endpoint, '--token'), { stdin: TOKEN });
    expect([code, err]).toEqual([EXIT.outage, '']);
    expect(out).toContain('ok: tokens can be checked');
    expect(out).toMatch(
      /a request with it: +not checked, 503 \(server_error\)\n {2}received: +HTTP 500\n {2}The authorization/,
    );
  });
});

describe('check, for each client authentication method', () => {
  const folder = mkdtempSync(join(tmpdir(), 'check-'));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const key = file(
    'key.pem',
    String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })),
  );

  afterAll(() => rmSync(folder, { recursive: true }));

  it.each<[string, string[], (sent: URLSearchParams, authorization: string | undefined) => unknown]>([
    ['client_secret_post', [], (sent) => sent.get('client_secret') === SECRET],
    ['client_secret_jwt', ['--issuer', 'https://as.example.com'], (sent) => sent.has('client_assertion')],
    [
      'private_key_jwt',
      ['--issuer', 'https://as.example.com', '--key', key, '--key-id', 'k', '--alg', 'ES256'],
      (sent) => sent.has('client_assertion'),
    ],
    ['bearer', [], (_sent, authorization) => authorization === `Bearer ${SECRET}`],
    ['none', [], (sent, authorization) => [...sent.keys()].length === 1 && authorization === undefined],
  ])('uses %s', async (method, words, isRight) => {
    const endpoint = await createEndpoint({ active: false });
    const { code } = await check(at(endpoint, '--method', method, ...words));
    expect(code).toBe(EXIT.ok);
    const [{ form, headers } = { form: new URLSearchParams(), headers: {} }] = endpoint.asked;
    expect(isRight(form, headers.authorization)).toBe(true);
  });

  it('uses tls_client_auth, and its certificate authorities', async () => {
    const [cert, ownKey] = [file('cert.pem', SELF_SIGNED.cert), file('own-key.pem', SELF_SIGNED.key)];
    const words = ['--endpoint', 'https://127.0.0.1:9/', '--client-id', 'api', '--method', 'tls_client_auth'];
    const { code, out } = await check([...words, '--cert', cert, '--key', ownKey, '--ca', cert]);
    expect([code, out]).toEqual([EXIT.outage, expect.stringContaining('unreachable (ECONNREFUSED)')]);
  });

  it.each([
    [['--method', 'private_key_jwt'], '--key FILE is missing'],
    [['--method', 'private_key_jwt', '--key', join(folder, 'nowhere.pem')], 'cannot be read (ENOENT)'],
    [['--method', 'tls_client_auth', '--key', key], '--cert FILE is missing'],
    [
      ['--method', 'private_key_jwt', '--key', key],
      '--issuer: write the issuer identifier of the authorization server',
    ],
    [['--ca', key], 'NODE_EXTRA_CA_CERTS'],
  ])('rejects %j, and names what is missing', async (words, message) => {
    const { code, err } = await check(at({ url: 'https://as.example.com/introspect' }, ...words));
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(message)]);
  });
});

describe('check, for a provider', () => {
  it('uses the preset', async () => {
    const endpoint = await createEndpoint((asked) =>
      asked.url === '/token/introspection' ? { active: false } : undefined,
    );
    const issuer = new URL(endpoint.url).origin;
    const words = ['--provider', 'oidcProvider', '--option', `issuer=${issuer}`, '--client-id', 'api'];
    const { code, out } = await check(words);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain(`${issuer}/token/introspection`);
  });

  it('reads an option from the environment', async () => {
    const endpoint = await createEndpoint({ active: false });
    const adminUrl = new URL(endpoint.url).origin;
    const words = ['--provider', 'hydra', '--option', `adminUrl=${adminUrl}`];
    const withKey = [...words, '--option-env', 'apiKey=ORY_KEY'];
    expect((await check(withKey, { env: { ORY_KEY: 'ory_pat_1' } })).code).toBe(EXIT.ok);
    expect((await check([...words, '--method', 'none'], { env: {} })).code).toBe(EXIT.ok);
    expect(endpoint.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer ory_pat_1', undefined]);
    expect((await check(withKey, { env: {} })).err).toBe('The environment variable ORY_KEY is not set');
  });

  it('passes a private key to a preset that takes one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'check-'));
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const endpoint = await createEndpoint({ active: false });
    const issuer = `issuer=${new URL(endpoint.url).origin}`;
    const words = ['--provider', 'zitadel', '--option', issuer, '--client-id', 'api', '--key-id', '7'];
    expect((await check([...words, '--key', join(folder, 'key.pem')], { env: {} })).code).toBe(EXIT.ok);
    expect(endpoint.asked[0]?.form.has('client_assertion')).toBe(true);
    rmSync(folder, { recursive: true });
  });

  it.each([
    [['--provider', 'nobody'], '--provider is one of '],
    [['--provider', 'toString'], '--provider is one of '],
    [['--provider', 'keyclok'], 'Did you mean keycloak?'],
    [
      ['--provider', 'workos', '--client-id', 'api'],
      '--option authkitDomain=… or AUTHKIT_DOMAIN: write a host name without https://',
    ],
    [['--provider', 'okta', '--client-id', 'api'], '--option issuer=… or OKTA_ISSUER: write a URL'],
    [['--provider', 'workos', '--option', 'authkitDomain'], 'NAME=VALUE'],
    [['--provider', 'workos', '--option', '=x'], 'NAME=VALUE'],
    [
      ['--provider', 'hydra', '--option', 'apiKey=x'],
      'Do not pass secrets as arguments: write --option-env apiKey=VARIABLE',
    ],
    [['--provider', 'workos', '--option', 'clientSecret=x'], 'Do not pass secrets as arguments'],
  ])('rejects %j', async (words, message) => {
    const { code, err } = await check(words);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(message)]);
  });
});

describe('secrets of check', () => {
  const words = at({ url: 'https://as.example.com/introspect' });

  it.each([['--client-secret=hush-hush'], ['--client-secret'], ['--secret=hush-hush'], ['--token=hush-hush']])(
    'are not accepted as arguments: %s',
    async (word) => {
      const { code, err } = await check([...words, word]);
      expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('Do not pass secrets and tokens as arguments')]);
      expect(err).not.toContain(SECRET);
    },
  );

  it.each([[{}], [{ CLIENT_SECRET: '' }]])('are reported missing without a terminal: %j', async (env) => {
    const { code, err } = await check(words, { env: env as Record<string, string> });
    expect([code, err]).toEqual([EXIT.usage, 'The client secret is missing: set CLIENT_SECRET']);
  });

  it('are asked for in a terminal, and not shown', async () => {
    const endpoint = await createEndpoint({ active: false });
    const { code, out, err } = await check(at(endpoint), { env: {}, stdin: `${SECRET}\n`, isTTY: true });
    expect([code, err]).toEqual([EXIT.ok, 'client secret (not shown): \n']);
    expect(out).not.toContain(SECRET);
    expect(endpoint.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from(`api:${SECRET}`).toString('base64')}`);
  });

  it('are reported missing when the terminal is closed', async () => {
    const { code, err } = await check(words, { env: {}, stdin: '', isTTY: true });
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('The client secret is missing')]);
  });

  it('can be asked for together with a token', async () => {
    const { code, out, err } = await check(at(await knowing(active()), '--token'), {
      stdin: `${TOKEN}\n`,
      isTTY: true,
    });
    expect([code, err]).toEqual([EXIT.ok, 'token (not shown): \n']);
    expect(out).toContain('accepted');
  });
});

describe('the command line', () => {
  const runWords = (...words: string[]) => runCommand(words);

  it.each([[[]], [['--help']], [['-h']]])('%j lists the commands', async (words) => {
    const { code, out } = await runWords(...words);
    expect([code, out]).toEqual([EXIT.ok, expect.stringMatching(/\n {2}init \[options\] .*\n {2}check \[options\]/)]);
  });

  it.each([[['check', '--help']], [['check', '-h']]])('%j prints the usage with every exit code', async (words) => {
    const { code, out } = await runWords(...words);
    expect(code).toBe(EXIT.ok);
    for (const exit of Object.values(EXIT)) expect(out).toMatch(new RegExp(`^  ${exit}  \\S`, 'm'));
  });

  it('prints the version with --version', async () => {
    expect((await runWords('--version')).out).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it.each([
    [['verify'], 'There is no command verify; the commands are init, check and probe; see --help'],
    [['chek'], 'did you mean check?'],
    [['--endpoint', 'https://a', 'check'], 'Write the command first: init, check or probe; see --help'],
    [['check', 'again'], "Unexpected argument 'again'"],
    [['check', '--tokens'], "Unknown option '--tokens'; did you mean --token?"],
    [['check', '--xyz'], "Unknown option '--xyz'; see --help"],
    [['check', '--endpoint'], 'argument missing'],
    [['check'], 'Write one of --endpoint, --authorization-server and --provider'],
    [['check', '--endpoint', 'https://a', '--provider', 'polar'], 'Write one of'],
    [['check', '--endpoint', 'https://a', '--option', 'a=b'], 'require --provider'],
    [['check', '--endpoint', 'https://a', '--option-env', 'a=b'], 'require --provider'],
    [['check', '--endpoint', 'https://a', '--signed'], '--signed requires --authorization-server'],
    [['check', '--endpoint', 'https://a', '--method', 'magic'], '--method is one of'],
    [
      ['check', '--endpoint', 'https://a', '--method', 'none', '--timeout-ms', 'soon'],
      '--timeout-ms soon: write whole milliseconds',
    ],
    [
      ['check', '--endpoint', 'http://as.example.com', '--method', 'none'],
      '--endpoint http://as.example.com: write an https: URL',
    ],
    [['check', '--endpoint', 'as.example.com', '--method', 'none'], 'endpoint, or --authorization-server instead'],
    [['check', '--endpoint', 'https://a:b@as.example.com', '--method', 'none'], '--endpoint: leave the credentials'],
    [
      ['check', '--authorization-server', 'as.example.com', '--method', 'none'],
      '--authorization-server as.example.com: write',
    ],
  ])('%j exits with 2', async (words, message) => {
    const { code, out, err } = await runWords(...words);
    expect([code, out]).toEqual([EXIT.usage, '']);
    expect(err).toContain(message);
  });
});
