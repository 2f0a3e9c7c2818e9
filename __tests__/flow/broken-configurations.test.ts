import { EXPIRED_CLIENT, SELF_SIGNED } from '../support/certificate.js';
import { startChild } from '../support/child.js';

/** A configuration that `run-configuration.mjs` runs in a child process. */
interface ConfigurationCase {
  /** Responses of the endpoint. `metadata` is the response to every GET. */
  readonly endpoint?: object;
  readonly api?: object;
  readonly authorization?: string;
}

type Row = [title: string, statuses: number[], subject: ConfigurationCase, told: RegExp[], untold?: RegExp[]];

const TOKEN = 'mF_9.B5f-4.1JqM';
const SECRET = 'hush-hush-hush';
const CLAIM = 'alice-of-the-claims';

/** The script replaces placeholders: `"NOW+60"` is a minute from now. */
const ACTIVE = {
  active: true,
  sub: CLAIM,
  username: CLAIM,
  token_type: 'Bearer',
  scope: 'read',
  aud: 'https://api.example.com',
  exp: 'NOW+3600',
};
const { aud: _aud, token_type: _type, ...UNTYPED } = ACTIVE;

const html = (status: number, body = '<h1>A page</h1>') => ({ status, type: 'text/html', body });
const metadata = (reply: object): ConfigurationCase => ({ endpoint: { metadata: reply }, api: { discovers: true } });

const ROWS: readonly Row[] = [
  [
    'the wrong audience',
    [401],
    { endpoint: { body: { ...ACTIVE, aud: 'https://other.example.com' } } },
    [
      /\[AUDIENCE_MISMATCH\].*No token has been accepted so far, and \d+ were rejected \(audience_mismatch\)\. If some of them were valid/,
      /write "audience" exactly as aud in the response/,
      /expected aud "https:\/\/api\.example\.com"; received aud "https:\/\/other\.example\.com"/,
    ],
    [/false/],
  ],
  [
    'the wrong secret',
    [503],
    { endpoint: { status: 401, headers: { 'www-authenticate': 'Basic' }, body: { error: 'invalid_client' } } },
    [/\[CLIENT_REJECTED\]/, /does not accept the credentials of this API\. Check the client identifier, the secret/],
  ],
  [
    'the wrong path',
    [503],
    { endpoint: html(404) },
    [/\[NOT_AN_ENDPOINT\]/, /"introspection_endpoint" in the server’s metadata/],
  ],
  [
    'a web page instead of the endpoint',
    [503],
    { endpoint: html(200) },
    [/\[NOT_AN_ENDPOINT\]/, /not JSON\. It may be a web page/],
  ],
  [
    'https: on an http: port',
    [503],
    { endpoint: { scheme: 'https' } },
    [/\[UNREACHABLE\]/, /The port does not speak TLS.*http:/],
  ],
  [
    'http: on an https: port',
    [503],
    { endpoint: { tls: SELF_SIGNED, scheme: 'http' } },
    [/https:/, /\[(?:UNREACHABLE|NOT_AN_ENDPOINT)\]/],
    [/that the server is running/],
  ],
  [
    'an expired client certificate',
    [503],
    {
      endpoint: { tls: { ...SELF_SIGNED, requestCert: true, ca: SELF_SIGNED.cert } },
      api: { tls: { ...EXPIRED_CLIENT, ca: SELF_SIGNED.cert } },
    },
    [/\[CLIENT_CERTIFICATE_EXPIRES\].*expired on 2021-01-31/, /\[UNREACHABLE\]/],
    [/that the server is running/],
  ],
  [
    'another client, which gets no claims',
    [401],
    { endpoint: { body: { active: false } } },
    [/\[ALL_INACTIVE\]/, /issued for another client, or if the secret of this API is wrong/],
  ],
  [
    'a refresh token',
    [401],
    { endpoint: { body: { ...ACTIVE, token_type: 'refresh_token' } } },
    [/\[REFRESH_TOKEN\]/, /Send the access token, not the refresh token/],
    [/allowRefreshTokens/],
  ],
  [
    'a refresh token that the response does not call so',
    [401],
    { endpoint: { body: UNTYPED } },
    [/\[AUDIENCE_MISMATCH\]/, /typical of a refresh token\. Send the access token/, /received no aud/],
    [/"audience" to false/],
  ],
  [
    'a response without aud',
    [401],
    { endpoint: { body: { ...ACTIVE, aud: undefined } } },
    [/Configure the server to put the audience of this API into access tokens\. Only if this server never/],
  ],
  [
    'an issuer without its trailing slash',
    [401],
    {
      endpoint: { body: { ...ACTIVE, iss: 'https://as.example.com/' } },
      api: { options: { issuer: 'https://as.example.com' } },
    },
    [
      /\[ISSUER_MISMATCH\]/,
      /including a slash at the end/,
      /expected iss "https:\/\/as\.example\.com"; received iss "https:\/\/as\.example\.com\/"/,
    ],
  ],
  ['a scope that tokens lack', [403], { endpoint: { body: ACTIVE }, api: { options: { scopes: ['admin'] } } }, []],
  [
    'a clock that is ten minutes fast',
    [401],
    { endpoint: { body: { ...ACTIVE, exp: 'NOW+300' } }, api: { clockSeconds: 600 } },
    [/\[EXPIRED\]/, /the clocks differ\. Synchronize both clocks with NTP/, /received exp (?:299|300|301) s ago/],
  ],
  [
    'a clock that is ten minutes slow',
    [401],
    { endpoint: { body: { ...ACTIVE, nbf: 'NOW-1' } }, api: { clockSeconds: -600 } },
    [/\[NOT_YET_VALID\]/, /the clocks differ\. Synchronize both clocks with NTP/, /received nbf in (?:598|599|600) s/],
  ],
  [
    'a certificate that is not trusted',
    [503],
    { endpoint: { tls: SELF_SIGNED } },
    [/\[UNREACHABLE\]/, /certificate is not trusted/, /NODE_EXTRA_CA_CERTS/],
  ],
  [
    'a port that nothing listens on',
    [503],
    { endpoint: { port: 9 } },
    [/\[UNREACHABLE\]/, /Nothing listens at this host and port/, /ECONNREFUSED/],
  ],
  [
    'a host that does not exist',
    [503],
    { endpoint: { scheme: 'https', host: 'as.invalid' } },
    [/\[UNREACHABLE\]/, /host name cannot be resolved/],
  ],
  [
    'responses that are signed with another algorithm',
    [503],
    {
      endpoint: {
        type: 'application/token-introspection+jwt',
        isSigned: true,
        body: ACTIVE,
        metadata: {
          body: { issuer: 'ORIGIN', introspection_endpoint: 'ORIGIN/introspect', jwks_uri: 'ORIGIN/jwks', keys: [] },
        },
      },
      api: { discovers: true, options: { jwtResponse: true } },
    },
    [/\[SIGNED_REPLY_REJECTED\]/, /another algorithm\. Check "jwtResponse\.algorithms"/],
  ],
  [
    'responses that are not signed',
    [503],
    {
      endpoint: {
        body: ACTIVE,
        metadata: {
          body: { issuer: 'ORIGIN', introspection_endpoint: 'ORIGIN/introspect', jwks_uri: 'ORIGIN/jwks', keys: [] },
        },
      },
      api: { discovers: true, options: { jwtResponse: true } },
    },
    [/\[SIGNED_REPLY_REJECTED\]/, /introspection_signed_response_alg/],
  ],
  [
    'JWTs at a server that cannot introspect them',
    [401],
    { endpoint: { status: 400, body: { error: 'unsupported_token_type' } } },
    [/\[UNSUPPORTED_TOKEN_TYPE\]/, /cannot introspect tokens of this type, such as JWTs/],
    [/\[ALL_INACTIVE\]/],
  ],
  [
    'exp: 0 from a server that means "never"',
    [401],
    { endpoint: { body: { ...ACTIVE, exp: 0 } } },
    [/\[EXPIRED\]/, /exp is 0, which means 1970.*"normalizeResponse"/],
    [/NTP/],
  ],
  [
    'a wrong secret, with a 403 without a body',
    [503],
    { endpoint: { status: 403, type: 'text/html; charset=utf-8', body: '' } },
    [/\[CLIENT_REJECTED\]/, /is not allowed to introspect tokens, or its secret is wrong/],
  ],
  [
    'a proxy that responds with plain text',
    [503],
    { endpoint: { status: 403, type: 'text/plain', body: 'Unknown ALPN Protocol, expected `h2` to be available.' } },
    [/\[NOT_FROM_THE_ENDPOINT\]/, /A firewall, a proxy or another service sent it instead of the endpoint/],
    [/secret/],
  ],
  [
    'a proxy that requires https:',
    [503],
    { endpoint: html(400, '<center>The plain HTTP request was sent to HTTPS port</center>') },
    [/\[NOT_FROM_THE_ENDPOINT\]/, /Check scheme \(https:\), host and port/],
    [/client authentication/],
  ],
  [
    'a secret that ends with a line break',
    [503],
    { endpoint: { status: 401, body: { error: 'invalid_client' } }, api: { secret: `${SECRET}\n` } },
    [
      /\[SECRET_HAS_WHITESPACE\].*clientSecretBasic\('reports-api', secret\): the secret ends with a line break/,
      /\[CLIENT_REJECTED\]/,
    ],
  ],
  [
    'the word Bearer in the token',
    [400],
    { authorization: 'Bearer Bearer TOKEN' },
    [/\[MALFORMED_CREDENTIALS\]/, /begins with the word Bearer\. Send the word only once/],
  ],
  [
    'an issuer without metadata',
    [503],
    metadata({ status: 404, body: '' }),
    [/\[DISCOVERY_FAILED\]/, /There are no metadata at this issuer/, /HTTP 404/],
  ],
  ['metadata that are elsewhere', [503], metadata(html(302)), [/\[DISCOVERY_FAILED\]/, /redirects are not followed/]],
  [
    'metadata behind a firewall',
    [503],
    metadata(html(403)),
    [/\[DISCOVERY_FAILED\]/, /that a firewall lets this machine through/],
  ],
  ['metadata that are a page', [503], metadata(html(200)), [/\[DISCOVERY_FAILED\]/, /The metadata are not JSON/]],
  [
    'compressed metadata',
    [503],
    metadata({ headers: { 'content-encoding': 'gzip' }, body: 'x' }),
    [/\[DISCOVERY_FAILED\]/, /The metadata are compressed/],
  ],
  [
    'metadata of another issuer',
    [503],
    metadata({ body: { issuer: 'https://other.example.com' } }),
    [/\[DISCOVERY_FAILED\]/, /exactly as "issuer" in the metadata/],
  ],
];

const STARTUP: readonly (readonly [title: string, subject: ConfigurationCase, told: RegExp])[] = [
  [
    'an http: endpoint on another host',
    { endpoint: { scheme: 'http', host: 'as.example.com' } },
    /TypeError: Option "endpoint" is .*write an https: URL/,
  ],
  [
    'no secret',
    { api: { secret: undefined } },
    /TypeError: clientSecretBasic\('reports-api', secret\): the secret is undefined\. Is CLIENT_SECRET set\?/,
  ],
];

async function run({ endpoint, api = {}, authorization }: ConfigurationCase, env: Record<string, string> = {}) {
  const given = { endpoint, api: { secret: SECRET, ...api }, authorization, token: TOKEN };
  const child = startChild('__tests__/support/run-configuration.mjs', [JSON.stringify(given)], env);
  const code = await child.exit;
  return { code, answers: child.lines, terminal: child.errorOutput() };
}

const requestsOf = (answers: readonly string[]) => answers.map((line) => Number(line.slice(0, 3)));

describe('a new process and ten requests with', () => {
  it.each<Row>([...ROWS])('%s: prints what is wrong', async (_, statuses, subject, told, untold = []) => {
    const { code, answers, terminal } = await run(subject);
    expect([code, terminal.includes('Error:')]).toEqual([0, false]);
    expect([...new Set(requestsOf(answers))]).toEqual(statuses);
    for (const text of told) expect(terminal).toMatch(text);
    for (const text of untold) expect(terminal).not.toMatch(text);
    for (const hush of [TOKEN, SECRET, CLAIM]) expect(terminal).not.toContain(hush);
  });

  it.each([...STARTUP])('%s: does not start', async (_, subject, told) => {
    const { code, answers, terminal } = await run(subject);
    expect([code, answers]).toEqual([1, []]);
    expect(terminal).toMatch(told);
    expect(terminal).not.toContain(SECRET);
  });

  it('a working configuration: prints nothing', async () => {
    const { answers, terminal } = await run({ endpoint: { body: ACTIVE } });
    expect([requestsOf(answers).every((status) => status === 200), terminal]).toEqual([true, '']);
  });

  it('tokens without a required scope: names the scope to the client', async () => {
    const { answers } = await run({ endpoint: { body: ACTIVE }, api: { options: { scopes: ['admin'] } } });
    expect(answers[0]).toContain('scope="admin"');
  });

  it('a server that repeats the token in aud: does not print the token', async () => {
    const { terminal } = await run({ endpoint: { body: { ...ACTIVE, aud: 'urn:ECHO' } } });
    expect(terminal).toContain('received aud (a value with the token in it)');
    expect(terminal).not.toContain(TOKEN);
  });
});

describe('NODE_DEBUG=express-token-introspection', () => {
  const DEBUG = { NODE_DEBUG: 'express-token-introspection' };

  it('prints a line for each rejection: what was expected and received, and what to do', async () => {
    const { terminal } = await run({ endpoint: { body: { ...ACTIVE, aud: 'https://other.example.com' } } }, DEBUG);
    const lines = terminal.split('\n').filter((line) => line.startsWith('EXPRESS-TOKEN-INTROSPECTION '));
    expect(lines).toHaveLength(10);
    expect(lines[0]).toMatch(
      /^EXPRESS-TOKEN-INTROSPECTION \d+: rejected 401 audience_mismatch; by tokenIntrospection; route GET \/api\/reports; expected aud "https:\/\/api\.example\.com"; received aud "https:\/\/other\.example\.com"; token digest [\w-]{12}; Check that the token is meant for this API\./,
    );
    for (const hush of [TOKEN, SECRET, CLAIM]) expect(terminal).not.toContain(hush);
  });

  it.each<[string, ConfigurationCase, RegExp]>([
    [
      'accepted',
      { endpoint: { body: ACTIVE } },
      /: accepted; by tokenIntrospection; route GET \/api\/reports; token digest /,
    ],
    [
      'outage',
      { endpoint: { status: 500, body: '' } },
      /: outage 503 server_error; by tokenIntrospection; route GET \/api\/reports; detail HTTP 500; token digest [\w-]{12}; The authorization server failed/,
    ],
    [
      'rejected',
      { authorization: 'Bearer a b' },
      /: rejected 400 malformed_credentials; .*received a token with spaces/,
    ],
  ])('prints what is %s', async (_, subject, line) => {
    const { terminal } = await run(subject, DEBUG);
    expect(terminal).toMatch(line);
    for (const hush of [TOKEN, SECRET, CLAIM]) expect(terminal).not.toContain(hush);
  });

  it('prints nothing for other values', async () => {
    const { terminal } = await run({ endpoint: { body: ACTIVE } }, { NODE_DEBUG: 'http-other' });
    expect(terminal).toBe('');
  });
});
