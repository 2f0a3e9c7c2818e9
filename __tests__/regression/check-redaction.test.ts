import { runCommand } from '../support/command.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';

const TOKEN = 'my-token-abcdef0123456789';

/** Output of the command. It introspects a token if claims are given. */
async function printed(secret: string, words: readonly string[], claims?: object, metadata?: object): Promise<string> {
  const server: Endpoint = await createEndpoint(({ method, form }) => {
    const issuer = new URL(server.url).origin;
    if (method === 'GET') return { issuer, introspection_endpoint: `${issuer}/introspect`, ...metadata };
    return form.get('token') === TOKEN ? claims : { active: false };
  });
  const where = metadata ? ['--authorization-server', new URL(server.url).origin] : ['--endpoint', server.url];
  const command = ['check', ...where, '--client-id', 'api', ...(claims ? ['--token'] : []), ...words];
  const { out, err } = await runCommand(command, { env: { CLIENT_SECRET: secret }, stdin: TOKEN });
  return [out, err].filter((text) => text !== '').join('\n');
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe.each([[[]], [['--json']]])('check %j', (words) => {
  it.each([
    ['percent-encoding in mixed case', 'p@ss/w+rd:0123', 'p%40ss%2Fw%2brd%3a0123'],
    ['percent-encoding in mixed case, in base64', 'p@ss/w+rd:0123', base64('api:p%40ss%2Fw%2brd%3a0123')],
    ['the strict percent-encoding of RFC 3986', "it's(secret)!*1", 'it%27s%28secret%29%21%2a1'],
    ['JSON with escaped slashes', 'path/secret/x9', 'path\\/secret\\/x9'],
    ['JSON in ASCII', 'päss-wörd-99', 'p\\u00E4ss-w\\u00f6rd-99'],
  ])('hides a secret in %s', async (_, secret, spelling) => {
    const output = await printed(secret, words, active({ said: `v ${spelling}` }));
    expect(output).not.toContain(JSON.stringify(spelling).slice(1, -1));
    expect(output).toContain('…');
  });

  it('hides the secret and the token in every encoding that a server may repeat', async () => {
    const secret = 'p"ss\\wörd+/-0123456789abcdef';
    const form = new URLSearchParams({ v: secret }).toString().slice(2);
    const basic = base64(`api:${form}`);
    const spellings = {
      as_it_is: secret,
      in_a_url: encodeURIComponent(secret),
      in_lower_case: form.toLowerCase(),
      in_a_form: `client_secret=${form}&a=b`,
      in_json: JSON.stringify({ client_secret: secret }),
      in_a_header: `Basic ${basic}`,
      in_base64: base64(secret),
      in_base64url: Buffer.from(secret).toString('base64url'),
      in_base64_behind: `/path/x${base64(secret)}`,
      token: TOKEN,
      token_in_base64: base64(TOKEN),
      nested: [{ deep: [`by ${TOKEN}`] }],
    };
    const output = await printed(secret, words, active({ ...spellings, [TOKEN]: 1, [`by-${secret}`]: 2 }));
    for (const hidden of [secret, form, basic, encodeURIComponent(secret), base64(secret), TOKEN, base64(TOKEN)]) {
      for (const text of [hidden, JSON.stringify(hidden).slice(1, -1), hidden.toLowerCase()]) {
        expect(output).not.toContain(text);
      }
    }
    expect(output).not.toContain(Buffer.from(secret).toString('base64url'));
    expect(output).toContain('"in_a_header": "Basic …"');
    expect(output).toContain('"in_a_form": "client_secret=…&a=b"');
    expect(output).toContain('"sub": "alice"');
  });

  it.each(['ok', 'true', 'active', 'endpoint', 'accepted', '"', ',', '\n', 'e', '0', 'configuration', '…'])(
    'does not change its own words when the secret is %j',
    async (secret) => {
      const claims = active({ aud: undefined, note: 'books' });
      const withoutTimes = (text: string) =>
        text.replace(/(?:response time|cached for|latencyMs|cachedForSeconds|cachedBecause|exp").*/g, '');
      const [expected, output] = [await printed('another secret', words, claims), await printed(secret, words, claims)];
      const shown = withoutTimes(output).replace(/127\.0\.0\.1:\d+/g, 'host');
      expect(shown).toBe(withoutTimes(expected).replace(/127\.0\.0\.1:\d+/g, 'host'));
      if (words.length > 0) expect(JSON.parse(output).configuration.ok).toBe(true);
    },
  );

  it('hides a short secret where it is a whole word', async () => {
    const output = await printed('ok', words, active({ note: 'the secret is ok', number: 'books', ok: 'ok' }));
    expect(output).toContain('"note": "the secret is …"');
    expect(output).toContain('"number": "books"');
    expect(output).toContain('"…": "…"');
  });

  it('hides a secret that is a number', async () => {
    const output = await printed('1234567890', words, active({ pin: 1234567890, more: 12345678901, other: 123 }));
    expect(output).not.toContain('1234567890');
    expect(output).toContain('"other": 123');
  });

  it('hides a secret in the metadata', async () => {
    const metadata = { introspection_endpoint_auth_methods_supported: ['none', 'hush-hush-hush'] };
    const output = await printed('hush-hush-hush', words, undefined, metadata);
    expect(output).not.toContain('hush-hush-hush');
    expect(output).toMatch(/none.*\s*.*…/);
  });
});
