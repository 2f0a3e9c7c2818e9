import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { type Child, ROOT, startChild } from '../support/child.js';
import { describeWithChromium, startChromium } from '../support/chromium.js';
import { contrast, leastDifference } from '../support/colour.js';

/** A browser starts, and remembered answers take seconds to end. */
const PATIENCE_MS = 120_000;

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

/** What has the focus in the page, by its name, and whether that is to be seen on it or on what stands for it. */
const FOCUSED = `(() => {
  const { activeElement: at } = document;
  const shown = at.matches('input') ? (at.nextElementSibling ?? at) : at;
  const name = at.getAttribute('aria-label') ?? at.closest('label')?.textContent ?? at.textContent;
  const isOutlined = [at, shown].some((element) => getComputedStyle(element).outlineStyle === 'solid');
  return { name: name.trim(), isOutlined };
})()`;

/** How charts draw a reason. */
interface Look {
  readonly reason: string;
  readonly text: string;
  readonly hex: string;
  readonly texture: string;
}

const LOOKS = `async (reasons) => {
  const { lookOf, reasonText } = await import('/console/reasons.js');
  const { css } = await import('/console/paint.js');
  return reasons.map((reason) => {
    const { color, texture } = lookOf(reason);
    return { reason, text: reasonText(reason), hex: css(color), texture };
  });
}`;

let app: Child;
let api: string;

beforeAll(async () => {
  app = startChild('example-app/dist/start.mjs', [], { PORT: '0', AS_PORT: '0' });
  const line = await app.line((text) => text.startsWith('Open http'));
  api = /http:\/\/[\d.:]+/.exec(line)?.[0] ?? '';
  await app.line((text) => text === 'Press Ctrl+C to stop.');
}, PATIENCE_MS);

const bash = async (command: string): Promise<string> =>
  (await promisify(execFile)('bash', ['-c', command], { timeout: 30_000 })).stdout;

const post = (path: string, headers: Record<string, string> = {}, body: unknown = {}): Promise<Response> =>
  fetch(`${api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** As it is laid out, without empty lines. */
const textOf = async (element: Locator): Promise<string> => {
  // biome-ignore lint/performance/useDomNodeTextContent: lines are what is seen
  const text = await element.innerText();
  return text.trim().replaceAll(/\s*\n\s*/g, '\n');
};

describe('what the console’s buttons ask for', () => {
  it.each([
    ['comes from a page of another site', { origin: 'https://evil.example' }],
    ['comes from a page that says nothing of its site', { origin: 'null' }],
    ['is sent across sites', { 'sec-fetch-site': 'cross-site' }],
  ])('is refused with a 403 where it %s', async (_, headers) => {
    for (const path of ['/console/flush', '/console/delay', '/authorization-server/stop']) {
      expect([path, (await post(path, headers)).status]).toEqual([path, 403]);
    }
    expect((await fetch(`${api}/console/settings`, { headers })).status).toBe(403);
  });

  it('is refused with a 403 under a host name that was made to point here, and so is the page', async () => {
    const statuses = `curl -s -o /dev/null -w '%{http_code} ' -H 'Host: evil.example'`;
    expect(await bash(`${statuses} ${api}/; ${statuses} -X POST ${api}/authorization-server/stop`)).toBe('403 403 ');
  });

  it('is refused with a 415 unless it is JSON, which no form of another site can send', async () => {
    const response = await post('/console/flush', { 'content-type': 'text/plain' });
    expect([response.status, await response.json()]).toMatchObject([415, { error: 'not_json' }]);
  });

  it.each([
    ['/console/token', { subject: '<b>', scopes: ['admin'], ttlSeconds: 60 }],
    ['/console/token', { subject: 'alice', scopes: ['root'], ttlSeconds: 60 }],
    ['/console/flood', { requests: 1e6, distinct: true }],
    ['/console/delay', { ms: -1 }],
    ['/console/introspect', { token: '' }],
    ['/console/flush', { all: true }],
    ['/console/flush', '{'],
  ])('is refused with a 400 and a hint where %s is sent %j', async (path, body) => {
    const response = await post(path, {}, body);
    expect([response.status, await response.json()]).toEqual([400, { error: 'bad_order', hint: expect.any(String) }]);
  });

  it('sends who asks for localhost to the one address that proofs name', async () => {
    const { host, port } = new URL(api);
    const located = `curl -s -o /dev/null -w '%{http_code} %{redirect_url}' -H 'Host: localhost:${port}' ${api}/`;
    expect(await bash(located)).toBe(`302 http://${host}/`);
  });

  it('is served with a policy that lets nothing in from elsewhere, and nothing inline', async () => {
    const policy = (await fetch(`${api}/`)).headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).not.toContain('unsafe');
  });

  it('introspects a token as the API does, and says so when the authorization server does not answer', async () => {
    const issued = await post('/console/token', {}, { subject: 'alice', scopes: ['profile:read'], ttlSeconds: 60 });
    const { access_token: token } = (await issued.json()) as { access_token: string };
    const ask = async (of: string) => (await (await post('/console/introspect', {}, { token: of })).json()) as object;
    expect(await ask('made-up')).toEqual({ body: '{"active":false}' });
    const { body } = (await ask(token)) as { body: string };
    expect(JSON.parse(body)).toMatchObject({ active: true, sub: 'alice', client_id: 'reports-app' });
    await post('/authorization-server/stop');
    expect(await ask(token)).toMatchObject({ error: 'authorization_server' });
    await post('/authorization-server/start');
  });

  it('is told of a request without its token, without the API’s secret', async () => {
    const issued = await post('/console/token', {}, { subject: 'alice', scopes: ['profile:read'], ttlSeconds: 60 });
    const { access_token: token } = (await issued.json()) as { access_token: string };
    const called = await fetch(`${api}/api/profile`, { headers: { authorization: `Bearer ${token}` } });
    const told = await (await fetch(`${api}/console/exchanges/${called.headers.get('x-request-id')}`)).text();
    expect(told).toContain(`Bearer ${token.slice(0, 6)}…${token.slice(-4)}`);
    expect(told).toContain('Basic ••••••••');
    expect(told).not.toContain(token);
    expect(app.errorOutput()).not.toContain(token);
  });
});

describe('a request whose credentials are malformed', () => {
  it.each([
    ['no scheme', 'a-token-by-itself-1234567890'],
    ['a space in them', 'Bearer first-token-1234567890 second-token-1234567890'],
    ['a password with a space', 'Basic first-secret second-secret-1234567890'],
    ['two of them', 'Bearer first-token-1234567890, second-token-1234567890'],
  ])('is told of without them where they have %s', async (_, authorization) => {
    const called = await fetch(`${api}/api/profile`, { headers: { authorization } });
    const told = await (await fetch(`${api}/console/exchanges/${called.headers.get('x-request-id')}`)).text();
    expect(told).not.toMatch(/-(token|secret|itself)-1234567890|second-secret/);
  });
});

describeWithChromium('the console', () => {
  let context: BrowserContext;
  let page: Page;
  /** What the browser complained about. That a call was answered 401 or 503 it tells too; that is what was asked for. */
  const complaints: string[] = [];

  beforeAll(async () => {
    context = await startChromium({ viewport: SIZES.desktop, permissions: ['clipboard-read', 'clipboard-write'] });
    context.on('weberror', (error) => complaints.push(error.error().message));
    context.on('console', (message) => {
      const isAnswer = /^Failed to load resource: .* status of (?:400|401|403|502|503)/.test(message.text());
      const isCall = isAnswer && message.location().url.startsWith(`${api}/`);
      if (message.type() !== 'log' && !isCall) complaints.push(`${message.type()}: ${message.text()}`);
    });
    page = await context.newPage();
  }, PATIENCE_MS);

  beforeEach(async () => {
    await page.goto(`${api}/`);
    await page.getByText('Authorization server: running').waitFor();
  }, PATIENCE_MS);

  afterEach(async () => {
    await page.setViewportSize(SIZES.desktop);
    await page.emulateMedia({ colorScheme: 'light' });
    await post('/console/delay', {}, { ms: 0 });
    await fetch(`${api}/authorization-server/start`, { method: 'POST' });
    // Any answer closes the circuit breaker, once it lets a question through as a probe.
    const isOut = async () =>
      (await fetch(`${api}/api/profile`, { headers: { authorization: `Bearer ${Math.random()}` } })).status === 503;
    while (await isOut()) await setTimeout(100);
    expect(complaints.splice(0)).toEqual([]);
  }, PATIENCE_MS);

  const button = (name: string) => page.getByRole('button', { name, exact: true });

  /** Presses a button that calls the API, and waits for what is shown of that call. */
  async function press(name: string): Promise<string> {
    const answered = page.waitForResponse((response) => response.url().includes('/console/exchanges/'));
    await button(name).click();
    await answered;
    await page.locator('.hops:not(.empty)').waitFor();
    return textOf(page.locator('#verdict'));
  }

  async function getToken(...scopes: string[]): Promise<string> {
    for (const scope of scopes) await page.getByLabel(scope, { exact: true }).check();
    await button('Get a token').click();
    return textOf(page.locator('#token-card .value'));
  }

  const hop = (number: number) => page.locator(`.hops > li:nth-child(${number})`);
  /** Why a button cannot be pressed, as it is written beside it; empty if it can. */
  const reasonBeside = async (name: string): Promise<string> => {
    const id = await button(name).getAttribute('aria-describedby');
    const text = await textOf(page.locator(`#${id}`));
    expect([name, await button(name).isDisabled()]).toEqual([name, text !== '']);
    return text;
  };

  const finding = (title: string) => page.locator('.finding', { has: page.getByRole('heading', { name: title }) });
  const outcome = (of: string) => page.locator(`[data-outcome=${of}]`);

  it(
    'says first what token introspection is, then leads through three steps, of which the second is that call itself',
    async () => {
      expect(await textOf(page.locator('.lead'))).toMatch(
        /“Is this token good\?” That question is token introspection.$/,
      );
      const actors = (await page.locator('.actor .name').allInnerTexts()).join(', ');
      expect(actors).toBe('reports-app, reports-api, Authorization server');
      expect((await page.locator('.step').allInnerTexts()).join()).toBe('Step 1,Step 2,Step 3');
      const line = () => textOf(page.locator('#curl-code-introspect'));
      expect(await line()).toMatch(
        /^curl -s \\\n-u 'reports-api:[\w-]{32}' \\\n-d 'token=TOKEN' \\\nhttp:\/\/127.0.0.1:\d+\/token\/introspection$/,
      );
      const token = await getToken();
      expect(await line()).toContain(`-d 'token=${token}'`);
      await button('Introspect the token').click();
      await page.getByText('The token is good.').waitFor();
      const shown = JSON.parse(await textOf(page.locator('#introspected pre')));
      expect(shown).toMatchObject({ active: true, sub: 'alice', aud: 'urn:example:reports-api' });
      expect(JSON.parse(await bash(await line()))).toEqual(shown);
    },
    PATIENCE_MS,
  );

  it(
    'says beside each button that cannot be pressed why not',
    async () => {
      for (const name of ['Introspect the token', 'Call', 'Revoke the token', 'Call with a changed token']) {
        expect([name, await reasonBeside(name)]).toEqual([name, 'Needs a token: step 1.']);
      }
      expect(await reasonBeside('Start')).toBe('It is running.');
      expect(await reasonBeside('Answer at once')).toBe('It does so now.');
      await getToken();
      await button('Revoke the token').click();
      await outcome('revoke').filter({ hasText: 'Revoked' }).waitFor();
      expect(await reasonBeside('Revoke the token')).toBe('It is revoked.');
      for (const name of ['Introspect the token', 'Call', 'Call with a changed token']) {
        expect([name, await reasonBeside(name)]).toEqual([name, '']);
      }
      const disabled = await page.locator('[data-action] > button:disabled').all();
      for (const each of disabled) expect(await reasonBeside(await textOf(each))).not.toBe('');
    },
    PATIENCE_MS,
  );

  it(
    'marks a call as old once a later action has changed something, and shows the outcome of the last action only',
    async () => {
      const old = page.locator('#wire .old-note');
      const act = async (name: string, place: string) => {
        await button(name).click();
        await outcome(place).filter({ hasText: /\S/ }).waitFor();
        const said = await page.locator('.outcome:not(:empty)').all();
        expect([name, said.length]).toEqual([name, 1]);
        await old.filter({ hasText: name }).waitFor();
      };
      await getToken();
      expect(await press('Call')).toMatch(/^200/);
      expect(await old.isVisible()).toBe(false);
      await act('Stop', 'server');
      await act('Start', 'server');
      expect(await textOf(old)).toBe('This result is old. Since then: Stop, Start.');
      for (const [name, place] of [
        ['Restart', 'server'],
        ['Fill it with 50 users', 'cache'],
        ['Empty the cache', 'cache'],
        ['Flood the API', 'flood'],
        ['Revoke the token', 'revoke'],
      ] as const) {
        await press('Call without a token');
        expect([name, await old.isVisible()]).toEqual([name, false]);
        expect([name, await page.locator('.outcome:not(:empty)').count()]).toEqual([name, 0]);
        await act(name, place);
      }
      await press('Call without a token');
      await getToken();
      await old.filter({ hasText: 'Get a token' }).waitFor();
      expect(await page.locator('.outcome:not(:empty)').count()).toBe(0);
    },
    PATIENCE_MS,
  );

  it(
    'marks what the authorization server said of a token as old once it is revoked, and clears it for a new token',
    async () => {
      const introspected = page.locator('#introspected pre');
      await getToken();
      await button('Introspect the token').click();
      await introspected.waitFor();
      await button('Revoke the token').click();
      await page.locator('#introspection .old-note').filter({ hasText: 'Revoke the token' }).waitFor();
      await button('Introspect the token').click();
      await page.getByText('The token is not good').waitFor();
      expect(await page.locator('#introspection .old-note').isVisible()).toBe(false);
      await getToken();
      await introspected.waitFor({ state: 'detached' });
    },
    PATIENCE_MS,
  );

  it(
    'shows the code of an API of your own, which runs as it is',
    async () => {
      await getToken();
      await button('Copy the code').click();
      await button('Copy the code').filter({ hasText: 'Copied' }).waitFor();
      const code = await page.evaluate<string>('navigator.clipboard.readText()');
      const start = await textOf(page.locator('#code-start'));
      const call = await textOf(page.locator('#code-call'));
      const directory = join(__dirname, '../.generated', 'app-of-the-console');
      mkdirSync(directory, { recursive: true });
      const script = join(directory, 'app.mjs');
      writeFileSync(
        script,
        code.replace('app.listen(3001)', 'const server = app.listen(0, () => console.log(server.address().port))'),
      );
      const [, CLIENT_SECRET = ''] = /^CLIENT_SECRET='(.+)' node app.mjs$/.exec(start) ?? [];
      const own = startChild(script, [], { CLIENT_SECRET, NODE_OPTIONS: '' });
      const port = await own.line((line) => /^\d+$/.test(line));
      expect(await bash(call.replace(':3001', `:${port}`))).toMatch(/^HTTP\/1.1 200 OK[\s\S]*"for":"alice"\}$/);
      rmSync(directory, { recursive: true, force: true });
    },
    PATIENCE_MS,
  );

  it(
    'shows both hops of a call, then that the second call of the token needs only one, and for how long',
    async () => {
      const token = await getToken();
      expect(await press('Call')).toMatch(
        /^200\s+GET \/api\/profile in \d+ ms. The authorization server was asked once.$/,
      );
      const short = `${token.slice(0, 6)}…${token.slice(-4)}`;
      expect(await textOf(hop(1))).toContain(
        `GET /api/profile HTTP/1.1\nHost: ${new URL(api).host}\nAuthorization: Bearer ${short}`,
      );
      expect(await textOf(hop(2))).toMatch(/POST \/token\/introspection HTTP\/1.1\n.*\nauthorization: Basic •+\n/);
      expect(await textOf(hop(2))).toContain(`token=${short}`);
      expect(await textOf(hop(2))).toContain('"active": true');
      expect(await textOf(hop(3))).toContain('HTTP/1.1 200 OK');
      expect(await textOf(finding('req.auth'))).toMatch(/sub\s+alice[\s\S]*exp\s+\d+\s*in 60 min/);
      await button('Show the whole token').click();
      expect(await textOf(hop(1))).toContain(`Authorization: Bearer ${token}\n`);

      expect(await press('Call')).toContain('The authorization server was not asked.');
      expect(await textOf(hop(2))).toMatch(
        /^Token introspection: API → authorization server\nNo call. The response of \d\d:\d\d:\d\d is in the cache.$/,
      );
      expect(await textOf(finding('Cache'))).toMatch(
        /The response stays in the cache for another \d\.\d s.\nKept until the earlier of exp \(3[56]\d\d s away when asked\) and cache.ttlSeconds \(5 s\): cache.ttlSeconds decides./,
      );
    },
    PATIENCE_MS,
  );

  it(
    'shows that exp decides where it comes before cache.ttlSeconds',
    async () => {
      const { access_token } = await as({ ttlSeconds: 3 });
      const called = await fetch(`${api}/api/profile`, { headers: { authorization: `Bearer ${access_token}` } });
      expect(called.status).toBe(200);
      await page.locator(`#latest [data-id="${called.headers.get('x-request-id')}"]`).click();
      await page.locator('.hops:not(.empty)').waitFor();
      expect(await textOf(finding('Cache'))).toMatch(/and cache.ttlSeconds \(5 s\): exp decides.$/);
    },
    PATIENCE_MS,
  );

  it(
    'shows a revoked token accepted from memory, and refused once the memory is flushed, each parameter of the challenge explained',
    async () => {
      await getToken();
      await press('Call');
      await button('Revoke the token').click();
      await page.getByText('Revoked. The API may accept it').waitFor();
      expect(await textOf(page.locator('#token-card'))).toMatch(/revoked$/);
      expect(await press('Call')).toMatch(/^200/);
      await button('Empty the cache').click();
      await outcome('cache')
        .filter({ hasText: /^\d+ removed/ })
        .waitFor();
      expect(await press('Call')).toMatch(/^401[\s\S]*The authorization server calls the token inactive/);
      expect(await textOf(hop(2))).toContain('"active": false');
      const explained = await finding('The challenge').locator('dl > div').allInnerTexts();
      expect(explained.map((text) => text.split('\n')[0])).toEqual([
        'Bearer',
        'realm="api"',
        'error="invalid_token"',
        'error_description="The access token is not valid for this resource"',
        'DPoP',
        'realm="api"',
        'algs="ES256 ES384 ES512 PS256 RS256 EdDSA Ed25519"',
      ]);
      for (const text of explained) expect(text).toMatch(/\n[A-Z].+\.$/s);
      expect(await textOf(finding('Cache'))).toContain('cache.inactiveTtlSeconds (5 s)');
    },
    PATIENCE_MS,
  );

  it(
    'shows why an altered token, a refresh token, no token and a missing scope are refused',
    async () => {
      await getToken();
      expect(await press('Call with a changed token')).toMatch(/^401[\s\S]*calls the token inactive/);
      expect(await press('Call with the refresh token')).toMatch(/^401[\s\S]*a refresh token names none/);
      expect(await press('Call without a token')).toMatch(
        /^401[\s\S]*The request carried no token. The authorization server was not asked./,
      );
      expect(await textOf(hop(2))).toContain('No call. There was no token to ask about.');
      await page.getByLabel('POST /api/payments').check();
      expect(await press('Call')).toMatch(/^403[\s\S]*does not have the scope of this route/);
      expect(await textOf(finding('The challenge'))).toContain(
        'scope="payments:write"\nAll scopes that this route requires.',
      );
      expect(await textOf(finding('Decided by'))).toMatch(
        /tokenIntrospection accepted[\s\S]*requireScope rejected: insufficient_scope/,
      );
      await page.getByLabel('GET /public').check();
      expect(await press('Call')).toMatch(/^200[\s\S]*This route has no middleware, so nothing was asked.$/);
    },
    PATIENCE_MS,
  );

  it(
    'makes a proof for each call of a token that is bound to its key, and a curl line whose proof is good once',
    async () => {
      await page.getByLabel('Bound to a key (DPoP)').check();
      await getToken();
      expect(await press('Call')).toMatch(/^200/);
      expect(await textOf(hop(1))).toMatch(/Authorization: DPoP .*\nDPoP: eyJ/);
      expect(await textOf(finding('req.auth'))).toMatch(/cnf\s+\{"jkt":"[\w-]{43}"\}/);
      expect(await press('Call')).toMatch(/^200/);
      await button('curl line of: Call').click();
      await button('Copy the curl line of: Call').click();
      await button('Copy the curl line of: Call').filter({ hasText: 'Copied' }).waitFor();
      const line = await page.evaluate<string>('navigator.clipboard.readText()');
      expect(await bash(line)).toMatch(/^HTTP\/1.1 200 OK/);
      expect(await bash(line)).toMatch(/^HTTP\/1.1 401 Unauthorized[\s\S]*error="invalid_dpop_proof"/);
    },
    PATIENCE_MS,
  );

  it(
    'stops the authorization server until the circuit breaker opens, and all is well once it runs again',
    async () => {
      await getToken();
      await button('Stop').click();
      await page.getByText('Authorization server: stopped').waitFor();
      expect(await press('Call')).toMatch(
        /^503[\s\S]*could not be reached. The API tried 2 times, but no connection came about.$/,
      );
      expect(await textOf(hop(2))).toMatch(
        /No connection came about[\s\S]*unreachable \(ECONNREFUSED\)[\s\S]*A second attempt/,
      );
      expect(await textOf(finding('No challenge'))).toMatch(/Retry-After: 1\nTry again in a second.$/);
      await button('Flood the API').click();
      await page.getByText('Circuit breaker: calls blocked', { exact: true }).waitFor();
      expect(await textOf(page.locator('#circuit-note'))).toMatch(
        /calls blocked, because the authorization server could not be reached. It sends a probe after \d+ s.$/,
      );
      await outcome('flood').filter({ hasText: '200 × 503' }).waitFor();
      // The flood may have ended after the first pause: then this is the probe, and the pause after it is longer.
      while (!/circuit breaker blocks calls/.test(await press('Call with a changed token')));
      expect(await textOf(hop(2))).toContain('No call. The circuit breaker blocks calls.');
      let verdict = '';
      while (!verdict.includes('probe')) verdict = await press('Call');
      expect(verdict).toMatch(
        /^503[\s\S]*could not be reached. The circuit breaker’s probe failed first, so the API did not ask about this token.$/,
      );
      expect(await textOf(hop(2))).toContain('No call. The circuit breaker’s probe failed first.');
      await button('Start').click();
      await page.getByText('Authorization server: running').waitFor();
      while (!verdict.startsWith('200')) verdict = await press('Call');
      expect(verdict).toMatch(/The authorization server was asked once. The circuit breaker sent a probe of its own.$/);
      const [probe = '', own = ''] = await hop(2).locator('.call').allInnerTexts();
      expect(probe).toMatch(/^The circuit breaker’s own probe: about a random token/);
      expect(probe).toMatch(/"active": false/);
      expect(own).not.toContain('probe');
      expect(own).toMatch(/"sub": "alice"/);
      await page.getByText('Circuit breaker: calls allowed', { exact: true }).waitFor();
      expect(await textOf(page.locator('#circuit-note'))).toMatch(/calls allowed again. The probe was answered.$/);
    },
    PATIENCE_MS,
  );

  it(
    'slows the authorization server down, past what the API waits for too, and restarts it',
    async () => {
      await getToken();
      expect(await textOf(page.locator('#server-now'))).toBe('Now: running, answers at once.');
      await button('Answer 0.8 s late').click();
      await page.getByText('Authorization server: 0.8 s late').waitFor();
      expect(await textOf(page.locator('#server-now'))).toBe('Now: running, answers 0.8 s late.');
      expect(await reasonBeside('Answer 0.8 s late')).toBe('It does so now.');
      expect(Number(/in (\d+) ms/.exec(await press('Call'))?.[1])).toBeGreaterThanOrEqual(800);
      await button('Answer 4 s late').click();
      await page.getByText('Authorization server: 4 s late').waitFor();
      expect(await press('Call with a changed token')).toMatch(/^503[\s\S]*did not answer in time/);
      await button('Answer at once').click();
      await page.getByText('Authorization server: running').waitFor();
      await button('Restart').click();
      await outcome('server').filter({ hasText: 'Every connection was dropped' }).waitFor();
      await button('Empty the cache').click();
      await outcome('cache').filter({ hasText: 'removed' }).waitFor();
      expect(await press('Call')).toMatch(/^200[\s\S]*asked once/);
    },
    PATIENCE_MS,
  );

  it(
    'fills and flushes the memory, and asks once about one bad token however often it comes',
    async () => {
      await button('Fill it with 50 users').click();
      await outcome('cache')
        .filter({ hasText: /^50 tokens issued, 50 calls in \d+ ms: 50 × 200.$/ })
        .waitFor();
      await button('Empty the cache').click();
      await outcome('cache')
        .filter({ hasText: /^(?:[5-9]\d|\d{3,}) removed/ })
        .waitFor();
      const flood = async (tokens: string) => {
        await page.getByLabel(tokens).check();
        await outcome('flood').evaluate((element) => element.replaceChildren());
        await button('Flood the API').click();
        await outcome('flood').filter({ hasText: 'asked' }).waitFor();
        return textOf(outcome('flood'));
      };
      // A connection that had just ended costs a retry, which counts.
      expect(await flood('all the same')).toMatch(/200 × 401. The authorization server was asked (?:1 time|2 times).$/);
      expect(await flood('all different')).toMatch(/200 × 401. The authorization server was asked 2\d\d times.$/);
    },
    PATIENCE_MS,
  );

  it(
    'draws what happens as it happens, and says it in a table',
    async () => {
      const pixels = () =>
        page.evaluate<string[]>(`[...document.querySelectorAll('.chart canvas')].map((canvas) => canvas.toDataURL())`);
      const count = async (label: string) => {
        const [total = '0'] = (await page.getByRole('row', { name: label }).locator('td').allTextContents()).slice(-1);
        return Number(total.replaceAll(',', ''));
      };
      await page.getByRole('row', { name: 'Requests' }).waitFor();
      const [before, requests, inactive] = [await pixels(), await count('Requests'), await count('inactive')];
      await button('Flood the API').click();
      await outcome('flood').filter({ hasText: '200 × 401' }).waitFor();
      await page
        .getByRole('row', { name: 'Requests' })
        .filter({ hasText: (requests + 200).toLocaleString('en') })
        .waitFor();
      while ((await count('inactive')) < inactive + 200) await setTimeout(100);
      while ((await pixels())[1] === before[1]) await setTimeout(100);
      const then = await pixels();
      expect(then[0]).not.toBe(before[0]);
      // A second later it has moved on by itself.
      while ((await pixels())[0] === then[0]) await setTimeout(100);
    },
    PATIENCE_MS,
  );

  it(
    'keeps a call in the list of the latest requests whatever Fill and Flood send',
    async () => {
      await getToken();
      const told = page.waitForResponse((response) => response.url().includes('/console/exchanges/'));
      await press('Call');
      const id = (await told).url().split('/').at(-1);
      await button('Fill it with 50 users').click();
      await outcome('cache').filter({ hasText: '50 × 200' }).waitFor();
      await button('Flood the API').click();
      await outcome('flood').filter({ hasText: '200 × 401' }).waitFor();
      await page
        .locator('#latest li:first-child button')
        .and(page.locator(`[data-id="${id}"]`))
        .click();
      await page.getByText(/^Chosen from the list: a request of \d\d:\d\d:\d\d.$/).waitFor();
    },
    PATIENCE_MS,
  );

  it.each(['light', 'dark'] as const)(
    'gives each reason of the library a text, and a colour and texture that colour-blind people can tell apart, in the %s theme',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      const source = readFileSync(join(ROOT, 'lib/core/errors.ts'), 'utf8');
      const names = ['AuthErrorReason', 'IntrospectionErrorCode'].map((type) => {
        const [, union = ''] = new RegExp(`export type ${type} =([^;]+);`).exec(source) ?? [];
        return [...union.matchAll(/'(\w+)'/g)].map(([, name = '']) => name);
      });
      const [rejections = [], outages = []] = names;
      const looks = await page.evaluate<Look[]>(`(${LOOKS})(${JSON.stringify(names.flat())})`);
      for (const { reason, text } of looks) expect([reason, text]).not.toEqual([reason, reason.replaceAll('_', ' ')]);
      expect(new Set(looks.map(({ hex, texture }) => `${hex} ${texture}`)).size).toBe(looks.length);
      const texturesOf = (of: string[]) =>
        new Set(looks.filter(({ reason }) => of.includes(reason)).map(({ texture }) => texture));
      expect([...texturesOf(rejections)].filter((texture) => texturesOf(outages).has(texture))).toEqual([]);
      const colours = [...new Set(looks.map(({ hex }) => hex))];
      expect(leastDifference(colours)).toBeGreaterThan(0.15);
      const lines = await page.evaluate<string[]>(`import('/console/paint.js').then(({ css }) =>
        ['--requests', '--hits', '--coalesced', '--calls'].map(css))`);
      expect(leastDifference(lines)).toBeGreaterThan(0.12);
      const surface = await page.evaluate<string>(`import('/console/paint.js').then(({ css }) => css('--surface'))`);
      for (const hex of [...colours, ...lines]) expect([hex, contrast(hex, surface) >= 3]).toEqual([hex, true]);
      // Reasons that this page brings about most differ by colour, not only by texture.
      const common = [
        'no_credentials',
        'inactive',
        'audience_mismatch',
        'insufficient_scope',
        'unreachable',
        'timeout',
        'circuit_open',
      ];
      expect(new Set(looks.filter(({ reason }) => common.includes(reason)).map(({ hex }) => hex)).size).toBe(
        common.length,
      );
    },
    PATIENCE_MS,
  );

  it(
    'says that the circuit breaker stays closed where the tokens of clients are to blame',
    async () => {
      const note = await page.evaluate<string>(`import('/console/circuit.js').then(({ circuitNote }) =>
        circuitNote({ state: 'closed', reason: 'timeout', tokensToBlame: true, at: Date.now() }))`);
      expect(note).toContain('calls stay allowed. The authorization server failed for tokens of clients, but answered');
    },
    PATIENCE_MS,
  );

  it(
    'folds the experiments and the code on a phone, and shows both on a wide screen',
    async () => {
      await page.setViewportSize(SIZES.phone);
      await page.reload();
      await page.getByText('Authorization server: running').waitFor();
      expect([await button('Stop').isVisible(), await page.locator('#code').isVisible()]).toEqual([false, false]);
      await page.evaluate(AXE);
      expect(await page.evaluate('axe.run().then(({ violations }) => violations)')).toEqual([]);
      await page.getByText('Experiments: bad tokens').click();
      await button('Stop').waitFor();
      await page.setViewportSize(SIZES.desktop);
      await page.locator('#code').waitFor();
    },
    PATIENCE_MS,
  );

  it(
    'shows a request that was made by curl among its own, without knowing its token',
    async () => {
      const headers = await bash(`curl -si -H 'Authorization: Bearer by-curl-1234567890' ${api}/api/reports`);
      await page.locator(`#latest [data-id="${/^x-request-id: (\S+)/im.exec(headers)?.[1]}"]`).click();
      await page.locator('.hops:not(.empty)').waitFor();
      expect(await textOf(page.locator('#verdict'))).toMatch(/^401\s+GET \/api\/reports/);
      expect(await textOf(hop(1))).toContain('Authorization: Bearer by-cur…7890');
      expect(await button('Show the whole token').isVisible()).toBe(false);
    },
    PATIENCE_MS,
  );

  it(
    'has a curl line for every button, which does the same',
    async () => {
      await getToken('admin', 'payments:write');
      const expected: Record<string, RegExp> = {
        'Get a token': /^\{"access_token":"[\w-]+"/,
        Call: /^HTTP\/1.1 200 OK/,
        'Call without a token': /^HTTP\/1.1 401 /,
        'Call with a changed token': /^HTTP\/1.1 401 /,
        'Call with the refresh token': /^HTTP\/1.1 401 /,
        'Revoke the token': /^\{"revoked":true\}$/,
        Stop: /^\{"authorizationServer":"stopped"\}$/,
        Start: /^\{"authorizationServer":"started"\}$/,
        Restart: /^\{"authorizationServer":"restarted"\}$/,
        'Fill it with 50 users': /^\{"requests":50,"statuses":\{"200":50\}/,
        'Empty the cache': /^\{"forgotten":\d+,/,
        'Flood the API': /^\{"requests":200,/,
        'Introspect the token': /^\{"active":/,
        'Answer at once': /^\{"delayMs":0\}$/,
        'Answer 0.8 s late': /^\{"delayMs":800\}$/,
        'Answer 4 s late': /^\{"delayMs":4000\}$/,
      };
      const buttons = await page.locator('[data-action] > button:first-child').allInnerTexts();
      expect(buttons.sort()).toEqual(Object.keys(expected).sort());
      await page.getByLabel('POST /api/payments').check();
      for (const [name, output] of Object.entries(expected)) {
        // The line of the introspection call is shown from the start.
        if (name !== 'Introspect the token') await button(`curl line of: ${name}`).click();
        const id = await button(`curl line of: ${name}`).getAttribute('aria-controls');
        const code = page.locator(`#${id} code`).filter({ hasText: 'curl' });
        await code.waitFor();
        expect([name, await bash(await textOf(code))]).toEqual([name, expect.stringMatching(output)]);
        if (name === 'Stop') await page.getByText('Authorization server: stopped').waitFor();
      }
    },
    PATIENCE_MS,
  );

  it(
    'says what is wrong where the authorization server does not issue a token',
    async () => {
      await button('Stop').click();
      await page.getByText('Authorization server: stopped').waitFor();
      await button('Get a token').click();
      await page.getByText('The authorization server does not answer. Is it stopped?').waitFor();
    },
    PATIENCE_MS,
  );

  describe.each(Object.entries(SIZES))('on a %s', (_, size) => {
    it.each(['light', 'dark'] as const)(
      'has no violation that axe finds in the %s theme, whatever is shown',
      async (colorScheme) => {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme });
        const violations = async () => {
          await page.evaluate(AXE);
          const found = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as {
            violations: { id: string; nodes: { html: string }[] }[];
          };
          return found.violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
        };
        expect(await violations()).toEqual([]);
        await getToken();
        await button('Introspect the token').click();
        await page.locator('#introspected pre').waitFor();
        await press('Call');
        await button('curl line of: Call').click();
        expect(await violations()).toEqual([]);
        await press('Call with a changed token');
        await button('Stop').click();
        await page.getByText('Authorization server: stopped').waitFor();
        await button('Flood the API').click();
        await page.getByText('Circuit breaker: calls blocked', { exact: true }).waitFor();
        await outcome('flood').filter({ hasText: '503' }).waitFor();
        expect(await violations()).toEqual([]);
        await press('Call without a token');
        expect(await violations()).toEqual([]);
      },
      PATIENCE_MS,
    );

    it(
      'needs no scrolling sideways, the longest curl line open',
      async () => {
        await page.setViewportSize(size);
        await page.getByLabel('Bound to a key (DPoP)').check();
        await getToken();
        await press('Call with a changed token');
        await button('curl line of: Call').click();
        await button('curl line of: Get a token').click();
        await page.getByText('eyJ').first().waitFor();
        const [width, content] = await page.evaluate<number[]>('[innerWidth, document.documentElement.scrollWidth]');
        expect(content).toBe(width);
      },
      PATIENCE_MS,
    );
  });

  it(
    'can be walked through and worked with the keyboard alone, the focus always to be seen',
    async () => {
      const focused = () => page.evaluate<{ name: string; isOutlined: boolean }>(FOCUSED);
      const seen: string[] = [];
      const tabTo = async (name: RegExp) => {
        for (let i = 0; i < 60; i++) {
          await page.keyboard.press('Tab');
          const at = await focused();
          seen.push(at.name);
          expect(at).toEqual({ name: at.name, isOutlined: true });
          if (name.test(at.name)) return;
        }
        throw new Error(`Tab does not lead to ${name}, but to ${seen.join(', ')}`);
      };
      await tabTo(/^Skip to step 1$/);
      await tabTo(/^Get a token$/);
      await page.keyboard.press('Enter');
      await page.locator('#token-card .value').waitFor();
      await tabTo(/^GET \/api\/profile/);
      await page.keyboard.press('ArrowDown');
      expect(await page.locator('#routes input:checked').getAttribute('value')).toBe('GET /api/reports');
      await tabTo(/^Call$/);
      const answered = page.waitForResponse((response) => response.url().includes('/console/exchanges/'));
      await page.keyboard.press('Space');
      await answered;
      await page.getByText('GET /api/reports in').waitFor();
      await tabTo(/^curl line of: Call$/);
      await page.keyboard.press('Enter');
      expect(await textOf(page.locator('#curl-call'))).toContain('/api/reports');
      await tabTo(/^Stop$/);
      await tabTo(/^Flood the API$/);
    },
    PATIENCE_MS,
  );

  it(
    'keeps the theme that was chosen',
    async () => {
      const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      const light = await ground();
      await page.getByLabel('Dark').check();
      const dark = await ground();
      expect(dark).not.toBe(light);
      await page.reload();
      expect(await ground()).toBe(dark);
      await page.getByLabel('Auto').check();
      expect(await ground()).toBe(light);
    },
    PATIENCE_MS,
  );

  async function as(of: { ttlSeconds: number }): Promise<{ access_token: string }> {
    const order = { subject: 'alice', scopes: ['profile:read'], ...of };
    return (await (await post('/console/token', {}, order)).json()) as { access_token: string };
  }
});
