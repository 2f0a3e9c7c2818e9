import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { type Child, ROOT, startChild } from '../support/child.js';
import { describeWithChromium, startChromium } from '../support/chromium.js';
import { contrast, leastDifference } from '../support/colour.js';

/** Enough for a browser to start and for cached responses to expire. */
const TEST_TIMEOUT_MS = 120_000;

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

/** Accessible name of the focused element, and whether it or its visible label has an outline. */
const FOCUSED = `(() => {
  const { activeElement: focused } = document;
  const visible = focused.matches('input') ? (focused.nextElementSibling ?? focused) : focused;
  const name = focused.getAttribute('aria-label') ?? focused.closest('label')?.textContent ?? focused.textContent;
  const isOutlined = [focused, visible].some((element) => getComputedStyle(element).outlineStyle === 'solid');
  return { name: name.trim(), isOutlined };
})()`;

/** Text, colour and texture of a reason in charts. */
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
}, TEST_TIMEOUT_MS);

const bash = async (command: string): Promise<string> =>
  (await promisify(execFile)('bash', ['-c', command], { timeout: 30_000 })).stdout;

const post = (path: string, headers: Record<string, string> = {}, body: unknown = {}): Promise<Response> =>
  fetch(`${api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** Visible text of an element, without empty lines. */
const textOf = async (element: Locator): Promise<string> => {
  // biome-ignore lint/performance/useDomNodeTextContent: only innerText has the line breaks that are visible
  const text = await element.innerText();
  return text.trim().replaceAll(/\s*\n\s*/g, '\n');
};

describe('the endpoints of the console', () => {
  it.each([
    ['comes from a page of another origin', { origin: 'https://evil.example' }],
    ['comes from a page with an opaque origin', { origin: 'null' }],
    ['is marked as cross-site by the browser', { 'sec-fetch-site': 'cross-site' }],
  ])('reject a request with 403 if it %s', async (_, headers) => {
    for (const path of ['/console/flush', '/console/delay', '/authorization-server/stop']) {
      expect([path, (await post(path, headers)).status]).toEqual([path, 403]);
    }
    expect((await fetch(`${api}/console/settings`, { headers })).status).toBe(403);
  });

  it('reject a request with 403 under another host name (DNS rebinding), like the page itself', async () => {
    const statuses = `curl -s -o /dev/null -w '%{http_code} ' -H 'Host: evil.example'`;
    expect(await bash(`${statuses} ${api}/; ${statuses} -X POST ${api}/authorization-server/stop`)).toBe('403 403 ');
  });

  it('reject a body with 415 if it is not JSON, because a form of another site cannot send JSON', async () => {
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
  ])('reject an invalid body with 400 and a hint: %s %j', async (path, body) => {
    const response = await post(path, {}, body);
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'invalid_request', hint: expect.any(String) },
    ]);
  });

  it('redirect localhost to 127.0.0.1, the address that DPoP proofs contain', async () => {
    const { host, port } = new URL(api);
    const command = `curl -s -o /dev/null -w '%{http_code} %{redirect_url}' -H 'Host: localhost:${port}' ${api}/`;
    expect(await bash(command)).toBe(`302 http://${host}/`);
  });

  it('send a Content-Security-Policy that allows only files of this server and no inline code', async () => {
    const policy = (await fetch(`${api}/`)).headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).not.toContain('unsafe');
  });

  it('introspect a token, and report when the authorization server does not respond', async () => {
    const issued = await post('/console/token', {}, { subject: 'alice', scopes: ['profile:read'], ttlSeconds: 60 });
    const { access_token: token } = (await issued.json()) as { access_token: string };
    const introspect = async (text: string) =>
      (await (await post('/console/introspect', {}, { token: text })).json()) as object;
    expect(await introspect('made-up')).toEqual({ body: '{"active":false}' });
    const { body } = (await introspect(token)) as { body: string };
    expect(JSON.parse(body)).toMatchObject({ active: true, sub: 'alice', client_id: 'reports-app' });
    await post('/authorization-server/stop');
    expect(await introspect(token)).toMatchObject({ error: 'authorization_server' });
    await post('/authorization-server/start');
  });

  it('return a logged request without its token and without the API’s secret', async () => {
    const issued = await post('/console/token', {}, { subject: 'alice', scopes: ['profile:read'], ttlSeconds: 60 });
    const { access_token: token } = (await issued.json()) as { access_token: string };
    const called = await fetch(`${api}/api/profile`, { headers: { authorization: `Bearer ${token}` } });
    const logged = await (await fetch(`${api}/console/requests/${called.headers.get('x-request-id')}`)).text();
    expect(logged).toContain(`Bearer ${token.slice(0, 6)}…${token.slice(-4)}`);
    expect(logged).toContain('Basic ••••••••');
    expect(logged).not.toContain(token);
    expect(app.errorOutput()).not.toContain(token);
  });
});

describe('a logged request with malformed credentials', () => {
  it.each([
    ['no scheme', 'a-token-by-itself-1234567890'],
    ['a space in them', 'Bearer first-token-1234567890 second-token-1234567890'],
    ['a password with a space', 'Basic first-secret second-secret-1234567890'],
    ['two tokens', 'Bearer first-token-1234567890, second-token-1234567890'],
  ])('does not contain them if they have %s', async (_, authorization) => {
    const called = await fetch(`${api}/api/profile`, { headers: { authorization } });
    const logged = await (await fetch(`${api}/console/requests/${called.headers.get('x-request-id')}`)).text();
    expect(logged).not.toMatch(/-(token|secret|itself)-1234567890|second-secret/);
  });
});

describe('the script of the screenshots', () => {
  it('uses only ids that the page has', () => {
    const script = readFileSync(join(ROOT, 'example-app/screenshots.mts'), 'utf8');
    const ids = [...script.matchAll(/'#([a-z-]+)'/g)].map(([, id]) => id);
    const page = readFileSync(join(ROOT, 'example-app/console/page/index.html'), 'utf8');
    expect(ids.length).toBeGreaterThan(0);
    for (const id of ids) expect(page).toContain(`id="${id}"`);
  });
});

describeWithChromium('the console', () => {
  let context: BrowserContext;
  let page: Page;
  /** Errors and warnings of the browser, except those about error statuses that a test expects. */
  const complaints: string[] = [];

  beforeAll(async () => {
    context = await startChromium({ viewport: SIZES.desktop, permissions: ['clipboard-read', 'clipboard-write'] });
    context.on('weberror', (error) => complaints.push(error.error().message));
    context.on('console', (message) => {
      const isStatusError = /^Failed to load resource: .* status of (?:400|401|403|502|503)/.test(message.text());
      const isExpected = isStatusError && message.location().url.startsWith(`${api}/`);
      if (message.type() !== 'log' && !isExpected) complaints.push(`${message.type()}: ${message.text()}`);
    });
    page = await context.newPage();
  }, TEST_TIMEOUT_MS);

  beforeEach(async () => {
    await page.goto(`${api}/`);
    await page.getByText('Authorization server: running').waitFor();
  }, TEST_TIMEOUT_MS);

  afterEach(async () => {
    await page.setViewportSize(SIZES.desktop);
    await page.emulateMedia({ colorScheme: 'light' });
    await post('/console/delay', {}, { ms: 0 });
    await fetch(`${api}/authorization-server/start`, { method: 'POST' });
    // Waits until the circuit breaker is closed. It closes once its probe gets a response.
    const isOutage = async () =>
      (await fetch(`${api}/api/profile`, { headers: { authorization: `Bearer ${Math.random()}` } })).status === 503;
    while (await isOutage()) await setTimeout(100);
    expect(complaints.splice(0)).toEqual([]);
  }, TEST_TIMEOUT_MS);

  const button = (name: string) => page.getByRole('button', { name, exact: true });

  /** Presses a button that calls the API, waits for the response, and returns the summary. */
  async function press(name: string): Promise<string> {
    const logged = page.waitForResponse((response) => response.url().includes('/console/requests/'));
    await button(name).click();
    await logged;
    await page.locator('.hops:not(.empty)').waitFor();
    return textOf(page.locator('#summary'));
  }

  async function getToken(...scopes: string[]): Promise<string> {
    for (const scope of scopes) await page.getByLabel(scope, { exact: true }).check();
    await button('Get a token').click();
    return textOf(page.locator('#token-card .value'));
  }

  const hop = (number: number) => page.locator(`.hops > li:nth-child(${number})`);
  /** Visible reason why a button is disabled. Empty if the button is enabled. */
  const disabledReason = async (name: string): Promise<string> => {
    const id = await button(name).getAttribute('aria-describedby');
    const text = await textOf(page.locator(`#${id}`));
    expect([name, await button(name).isDisabled()]).toEqual([name, text !== '']);
    return text;
  };

  const fact = (title: string) => page.locator('.fact', { has: page.getByRole('heading', { name: title }) });
  const outcome = (place: string) => page.locator(`[data-outcome=${place}]`);

  it(
    'explains token introspection first, then shows three steps, of which the second is the introspection request',
    async () => {
      expect(await textOf(page.locator('.lead'))).toMatch(
        /whether the token is valid\. This request is called token introspection\.$/,
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
      await page.getByText('The token is active.').waitFor();
      const shown = JSON.parse(await textOf(page.locator('#introspected pre')));
      expect(shown).toMatchObject({ active: true, sub: 'alice', aud: 'urn:example:reports-api' });
      expect(JSON.parse(await bash(await line()))).toEqual(shown);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'logs a user out: the API gets a logout token, and rejects the next call with the token',
    async () => {
      await getToken();
      expect(await press('Call')).toMatch(/^200/);
      await button('Log the user out').click();
      await outcome('revoke').filter({ hasText: 'Logged out.' }).waitFor();
      expect(await disabledReason('Log the user out')).toBe('The token is already revoked.');
      await page.locator('#latest').getByText('POST /backchannel-logout').first().click();
      await page.locator('#wire').getByText('The API and its cache').waitFor();
      expect(await page.locator('#wire h3').allInnerTexts()).toEqual([
        'Authorization server → API',
        'The API and its cache',
        'API → authorization server',
      ]);
      expect(await press('Call')).toMatch(/^401/);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'shows below each disabled button why it is disabled',
    async () => {
      for (const name of ['Introspect the token', 'Call', 'Revoke the token', 'Call with a changed token']) {
        expect([name, await disabledReason(name)]).toEqual([name, 'Get a token first (step 1).']);
      }
      expect(await disabledReason('Start')).toBe('It is already running.');
      expect(await disabledReason('Respond at once')).toBe('This is the current setting.');
      await getToken();
      await button('Revoke the token').click();
      await outcome('revoke').filter({ hasText: 'Revoked' }).waitFor();
      expect(await disabledReason('Revoke the token')).toBe('The token is already revoked.');
      for (const name of ['Introspect the token', 'Call', 'Call with a changed token']) {
        expect([name, await disabledReason(name)]).toEqual([name, '']);
      }
      const disabledButtons = await page.locator('[data-action] > button:disabled').all();
      for (const disabled of disabledButtons) expect(await disabledReason(await textOf(disabled))).not.toBe('');
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'marks a call as outdated after an action that changes something, and shows only the outcome of the last action',
    async () => {
      const note = page.locator('#wire .result-note');
      const act = async (name: string, place: string) => {
        await button(name).click();
        await outcome(place).filter({ hasText: /\S/ }).waitFor();
        const outcomes = await page.locator('.outcome:not(:empty)').all();
        expect([name, outcomes.length]).toEqual([name, 1]);
        await note.filter({ hasText: name }).waitFor();
      };
      await getToken();
      expect(await press('Call')).toMatch(/^200/);
      expect(await note.isVisible()).toBe(false);
      await act('Stop', 'server');
      await act('Start', 'server');
      expect(await textOf(note)).toBe('This result is outdated. Later actions: Stop, Start.');
      for (const [name, place] of [
        ['Restart', 'server'],
        ['Fill the cache (50 tokens)', 'cache'],
        ['Empty the cache', 'cache'],
        ['Flood the API', 'flood'],
        ['Revoke the token', 'revoke'],
      ] as const) {
        await press('Call without a token');
        expect([name, await note.isVisible()]).toEqual([name, false]);
        expect([name, await page.locator('.outcome:not(:empty)').count()]).toEqual([name, 0]);
        await act(name, place);
      }
      await press('Call without a token');
      await getToken();
      await note.filter({ hasText: 'Get a token' }).waitFor();
      expect(await page.locator('.outcome:not(:empty)').count()).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'marks an introspection response as outdated once the token is revoked, and clears it for a new token',
    async () => {
      const introspected = page.locator('#introspected pre');
      await getToken();
      await button('Introspect the token').click();
      await introspected.waitFor();
      await button('Revoke the token').click();
      await page.locator('#introspection .result-note').filter({ hasText: 'Revoke the token' }).waitFor();
      await button('Introspect the token').click();
      await page.getByText('The token is not active').waitFor();
      expect(await page.locator('#introspection .result-note').isVisible()).toBe(false);
      await getToken();
      await introspected.waitFor({ state: 'detached' });
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'shows the code of an API, which runs unchanged',
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
    TEST_TIMEOUT_MS,
  );

  it(
    'shows the introspection request of a first call, then the cache hit of a second call and how long the response stays cached',
    async () => {
      const token = await getToken();
      expect(await press('Call')).toMatch(
        /^200\s+GET \/api\/profile in \d+ ms. The API sent one introspection request.$/,
      );
      const shortToken = `${token.slice(0, 6)}…${token.slice(-4)}`;
      expect(await textOf(hop(1))).toContain(
        `GET /api/profile HTTP/1.1\nHost: ${new URL(api).host}\nAuthorization: Bearer ${shortToken}`,
      );
      expect(await textOf(hop(2))).toMatch(/POST \/token\/introspection HTTP\/1.1\n.*\nauthorization: Basic •+\n/);
      expect(await textOf(hop(2))).toContain(`token=${shortToken}`);
      expect(await textOf(hop(2))).toContain('"active": true');
      expect(await textOf(hop(3))).toContain('HTTP/1.1 200 OK');
      expect(await textOf(fact('req.auth'))).toMatch(/sub\s+alice[\s\S]*exp\s+\d+\s*in 60 min/);
      await button('Show the whole token').click();
      expect(await textOf(hop(1))).toContain(`Authorization: Bearer ${token}\n`);

      expect(await press('Call')).toContain('The API sent no introspection request.');
      expect(await textOf(hop(2))).toMatch(
        /^Token introspection: API → authorization server\nNo introspection request. The API used the cached response of \d\d:\d\d:\d\d.$/,
      );
      expect(await textOf(fact('Cache'))).toMatch(
        /The introspection response stays in the cache for another \d\.\d s.\nCached until exp or for cache.ttlSeconds, whichever is shorter \(exp, in 3[56]\d\d s; cache.ttlSeconds, 5 s\). Here it is cache.ttlSeconds./,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'shows that a token is cached only until exp when exp is earlier than cache.ttlSeconds',
    async () => {
      const { access_token } = await issueToken(3);
      const called = await fetch(`${api}/api/profile`, { headers: { authorization: `Bearer ${access_token}` } });
      expect(called.status).toBe(200);
      await page.locator(`#latest [data-id="${called.headers.get('x-request-id')}"]`).click();
      await page.locator('.hops:not(.empty)').waitFor();
      expect(await textOf(fact('Cache'))).toMatch(/cache.ttlSeconds, 5 s\). Here it is exp.$/);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'accepts a revoked token from the cache, rejects it after the cache was emptied, and explains each parameter of the challenge',
    async () => {
      await getToken();
      await press('Call');
      await button('Revoke the token').click();
      await page.getByText('Revoked. The API can accept the token').waitFor();
      expect(await textOf(page.locator('#token-card'))).toMatch(/revoked$/);
      expect(await press('Call')).toMatch(/^200/);
      await button('Empty the cache').click();
      await outcome('cache')
        .filter({ hasText: /^Removed: \d+/ })
        .waitFor();
      expect(await press('Call')).toMatch(/^401[\s\S]*The authorization server reports the token as inactive/);
      expect(await textOf(hop(2))).toContain('"active": false');
      const explained = await fact('The challenge explained').locator('dl > div').allInnerTexts();
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
      expect(await textOf(fact('Cache'))).toContain('cache.inactiveTtlSeconds (5 s)');
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'shows why a changed token, a refresh token, no token and a missing scope are rejected',
    async () => {
      await getToken();
      expect(await press('Call with a changed token')).toMatch(/^401[\s\S]*reports the token as inactive/);
      expect(await press('Call with the refresh token')).toMatch(/^401[\s\S]*a refresh token has no audience/);
      expect(await press('Call without a token')).toMatch(
        /^401[\s\S]*The request has no token. The API sent no introspection request./,
      );
      expect(await textOf(hop(2))).toContain('No introspection request. There was no token to introspect.');
      await page.getByLabel('POST /api/payments').check();
      expect(await press('Call')).toMatch(/^403[\s\S]*does not have the scope that this route requires/);
      expect(await textOf(fact('The challenge explained'))).toContain(
        'scope="payments:write"\nAll scopes that this route requires.',
      );
      expect(await textOf(fact('Decisions'))).toMatch(
        /tokenIntrospection accepted[\s\S]*requireScope rejected: insufficient_scope/,
      );
      await page.getByLabel('GET /public').check();
      expect(await press('Call')).toMatch(
        /^200[\s\S]*This route does not use the middleware, so the API sent no introspection request.$/,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'makes a DPoP proof for each call with a bound token, and a curl command whose proof is accepted once',
    async () => {
      await page.getByLabel('Bind the token to a key (DPoP)').check();
      await getToken();
      expect(await press('Call')).toMatch(/^200/);
      expect(await textOf(hop(1))).toMatch(/Authorization: DPoP .*\nDPoP: eyJ/);
      expect(await textOf(fact('req.auth'))).toMatch(/cnf\s+\{"jkt":"[\w-]{43}"\}/);
      expect(await press('Call')).toMatch(/^200/);
      await button('curl command of: Call').click();
      await button('Copy the curl command of: Call').click();
      await button('Copy the curl command of: Call').filter({ hasText: 'Copied' }).waitFor();
      const line = await page.evaluate<string>('navigator.clipboard.readText()');
      expect(await bash(line)).toMatch(/^HTTP\/1.1 200 OK/);
      expect(await bash(line)).toMatch(/^HTTP\/1.1 401 Unauthorized[\s\S]*error="invalid_dpop_proof"/);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'stops the authorization server until the circuit breaker opens, and recovers after it was started again',
    async () => {
      await getToken();
      await button('Stop').click();
      await page.getByText('Authorization server: stopped').waitFor();
      expect(await press('Call')).toMatch(
        /^503[\s\S]*could not be reached. The API tried to connect 2 times, but could not.$/,
      );
      expect(await textOf(hop(2))).toMatch(
        /The API could not connect[\s\S]*unreachable \(ECONNREFUSED\)[\s\S]*Second attempt/,
      );
      expect(await textOf(fact('No challenge'))).toMatch(/Retry-After: 1\nTry again in a second.$/);
      await button('Flood the API').click();
      await page.getByText('Circuit breaker: calls blocked', { exact: true }).waitFor();
      expect(await textOf(page.locator('#circuit-note'))).toMatch(
        /calls blocked, because the authorization server could not be reached. It sends a probe after \d+ s.$/,
      );
      await outcome('flood').filter({ hasText: '200 × 503' }).waitFor();
      // If the first pause ended during the flood, this call triggers the probe, and the next pause is longer.
      while (!/circuit breaker blocks calls/.test(await press('Call with a changed token')));
      expect(await textOf(hop(2))).toContain('No introspection request. The circuit breaker blocks calls.');
      let summary = '';
      while (!summary.includes('probe')) summary = await press('Call');
      expect(summary).toMatch(
        /^503[\s\S]*could not be reached. The circuit breaker’s probe failed, so the API sent no introspection request for this token.$/,
      );
      expect(await textOf(hop(2))).toContain('No introspection request. The circuit breaker’s probe failed.');
      await button('Start').click();
      await page.getByText('Authorization server: running').waitFor();
      while (!summary.startsWith('200')) summary = await press('Call');
      expect(summary).toMatch(/The API sent one introspection request. The circuit breaker also sent a probe.$/);
      const [probe = '', request = ''] = await hop(2).locator('.call').allInnerTexts();
      expect(probe).toMatch(/^A probe of the circuit breaker for a random token/);
      expect(probe).toMatch(/"active": false/);
      expect(request).not.toContain('probe');
      expect(request).toMatch(/"sub": "alice"/);
      await page.getByText('Circuit breaker: calls allowed', { exact: true }).waitFor();
      expect(await textOf(page.locator('#circuit-note'))).toMatch(
        /calls allowed again, because the authorization server responded to the probe.$/,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'delays the authorization server, also by more than the timeout of the API, and restarts it',
    async () => {
      await getToken();
      expect(await textOf(page.locator('#server-now'))).toBe('Now: running, responds at once.');
      await button('Respond after 0.8 s').click();
      await page.getByText('Authorization server: responds after 0.8 s').waitFor();
      expect(await textOf(page.locator('#server-now'))).toBe('Now: running, responds after 0.8 s.');
      expect(await disabledReason('Respond after 0.8 s')).toBe('This is the current setting.');
      expect(Number(/in (\d+) ms/.exec(await press('Call'))?.[1])).toBeGreaterThanOrEqual(800);
      await button('Respond after 4 s').click();
      await page.getByText('Authorization server: responds after 4 s').waitFor();
      expect(await press('Call with a changed token')).toMatch(/^503[\s\S]*did not respond in time/);
      await button('Respond at once').click();
      await page.getByText('Authorization server: running').waitFor();
      await button('Restart').click();
      await outcome('server').filter({ hasText: 'All connections were dropped' }).waitFor();
      await button('Empty the cache').click();
      await outcome('cache').filter({ hasText: 'Removed' }).waitFor();
      expect(await press('Call')).toMatch(/^200[\s\S]*sent one introspection request/);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'fills and empties the cache, and sends one introspection request for many calls with the same invalid token',
    async () => {
      await button('Fill the cache (50 tokens)').click();
      await outcome('cache')
        .filter({ hasText: /^50 tokens issued. 50 requests in \d+ ms: 50 × 200.$/ })
        .waitFor();
      await button('Empty the cache').click();
      await outcome('cache')
        .filter({ hasText: /^Removed: (?:[5-9]\d|\d{3,})\./ })
        .waitFor();
      const flood = async (tokens: string) => {
        await page.getByLabel(tokens).check();
        await outcome('flood').evaluate((element) => element.replaceChildren());
        await button('Flood the API').click();
        await outcome('flood').filter({ hasText: 'Introspection requests' }).waitFor();
        return textOf(outcome('flood'));
      };
      // If the server has just closed an idle connection, there is also a retry.
      expect(await flood('all the same')).toMatch(/200 × 401. Introspection requests: [12].$/);
      expect(await flood('all different')).toMatch(/200 × 401. Introspection requests: 2\d\d.$/);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'shows requests in charts and tables as they happen',
    async () => {
      const pixels = () =>
        page.evaluate<string[]>(`[...document.querySelectorAll('.chart canvas')].map((canvas) => canvas.toDataURL())`);
      const count = async (label: string) => {
        const [total = '0'] = (await page.getByRole('row', { name: label }).locator('td').allTextContents()).slice(-1);
        return Number(total.replaceAll(',', ''));
      };
      await page.getByRole('row', { name: 'API requests' }).waitFor();
      const [before, requests, inactive] = [await pixels(), await count('API requests'), await count('inactive')];
      await button('Flood the API').click();
      await outcome('flood').filter({ hasText: '200 × 401' }).waitFor();
      await page
        .getByRole('row', { name: 'API requests' })
        .filter({ hasText: (requests + 200).toLocaleString('en') })
        .waitFor();
      while ((await count('inactive')) < inactive + 200) await setTimeout(100);
      while ((await pixels())[1] === before[1]) await setTimeout(100);
      const then = await pixels();
      expect(then[0]).not.toBe(before[0]);
      // The chart moves each second without further requests.
      while ((await pixels())[0] === then[0]) await setTimeout(100);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'does not list the requests of Fill and Flood among the latest requests',
    async () => {
      await getToken();
      const logged = page.waitForResponse((response) => response.url().includes('/console/requests/'));
      await press('Call');
      const id = (await logged).url().split('/').at(-1);
      await button('Fill the cache (50 tokens)').click();
      await outcome('cache').filter({ hasText: '50 × 200' }).waitFor();
      await button('Flood the API').click();
      await outcome('flood').filter({ hasText: '200 × 401' }).waitFor();
      await page
        .locator('#latest li:first-child button')
        .and(page.locator(`[data-id="${id}"]`))
        .click();
      await page.getByText(/^Selected in the list: a request sent at \d\d:\d\d:\d\d.$/).waitFor();
    },
    TEST_TIMEOUT_MS,
  );

  it.each(['light', 'dark'] as const)(
    'gives each reason of the library a text, and a colour and texture that colour-blind people can tell apart, in the %s theme',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      await page.locator(`html[data-theme=${colorScheme}]`).waitFor();
      const source = readFileSync(join(ROOT, 'lib/core/errors.ts'), 'utf8');
      const names = ['AuthErrorReason', 'IntrospectionErrorCode'].map((type) => {
        const [, union = ''] = new RegExp(`export type ${type} =([^;]+);`).exec(source) ?? [];
        return [...union.matchAll(/'(\w+)'/g)].map(([, name = '']) => name);
      });
      const [rejections = [], outages = []] = names;
      const looks = await page.evaluate<Look[]>(`(${LOOKS})(${JSON.stringify(names.flat())})`);
      for (const { reason, text } of looks) expect([reason, text]).not.toEqual([reason, reason.replaceAll('_', ' ')]);
      expect(new Set(looks.map(({ hex, texture }) => `${hex} ${texture}`)).size).toBe(looks.length);
      const texturesOf = (group: string[]) =>
        new Set(looks.filter(({ reason }) => group.includes(reason)).map(({ texture }) => texture));
      expect([...texturesOf(rejections)].filter((texture) => texturesOf(outages).has(texture))).toEqual([]);
      const colours = [...new Set(looks.map(({ hex }) => hex))];
      expect(leastDifference(colours)).toBeGreaterThan(0.15);
      const lines = await page.evaluate<string[]>(`import('/console/paint.js').then(({ css }) =>
        ['--requests', '--hits', '--coalesced', '--calls'].map(css))`);
      expect(leastDifference(lines)).toBeGreaterThan(0.12);
      const surface = await page.evaluate<string>(`import('/console/paint.js').then(({ css }) => css('--surface'))`);
      for (const hex of [...colours, ...lines]) expect([hex, contrast(hex, surface) >= 3]).toEqual([hex, true]);
      // The reasons that this page causes most often differ by colour, not only by texture.
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
    TEST_TIMEOUT_MS,
  );

  it(
    'shows that the circuit breaker stays closed when only tokens of clients cause failures',
    async () => {
      const note = await page.evaluate<string>(`import('/console/circuit.js').then(({ describeCircuitEvent }) =>
        describeCircuitEvent({ state: 'closed', reason: 'timeout', tokensToBlame: true, at: Date.now() }))`);
      expect(note).toContain(
        'calls stay allowed. The authorization server failed for tokens of clients, but responded',
      );
    },
    TEST_TIMEOUT_MS,
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
      await page.getByText('Experiments: invalid tokens').click();
      await button('Stop').waitFor();
      await page.setViewportSize(SIZES.desktop);
      await page.locator('#code').waitFor();
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'shows a request of curl in its list, without its whole token',
    async () => {
      const headers = await bash(`curl -si -H 'Authorization: Bearer by-curl-1234567890' ${api}/api/reports`);
      await page.locator(`#latest [data-id="${/^x-request-id: (\S+)/im.exec(headers)?.[1]}"]`).click();
      await page.locator('.hops:not(.empty)').waitFor();
      expect(await textOf(page.locator('#summary'))).toMatch(/^401\s+GET \/api\/reports/);
      expect(await textOf(hop(1))).toContain('Authorization: Bearer by-cur…7890');
      expect(await button('Show the whole token').isVisible()).toBe(false);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'shows an event stream, which ends at once when the user logs out, and soon after the token is revoked',
    async () => {
      for (const end of ['Log the user out', 'Revoke the token']) {
        await getToken();
        await button('Open an event stream').click();
        const state = page.locator('#stream-state');
        await page.locator('#stream-state[data-state=open]').filter({ hasText: 'Events so far: 2.' }).waitFor();
        expect(await textOf(page.locator('#stream-events li').first())).toContain('data: {"number":1}');
        await button(end).click();
        await page.locator('#stream-state[data-state=ended]').waitFor();
        expect(await textOf(state)).toContain('because the token has expired or was revoked');
        await button('Open an event stream').click();
        await state.filter({ hasText: 'Not opened: the API responded with 401.' }).waitFor();
      }
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'has a curl command for every button that does the same',
    async () => {
      await getToken('admin', 'payments:write');
      const expected: Record<string, RegExp> = {
        'Get a token': /^\{"access_token":"[\w-]+"/,
        Call: /^HTTP\/1.1 200 OK/,
        'Call without a token': /^HTTP\/1.1 401 /,
        'Call with a changed token': /^HTTP\/1.1 401 /,
        'Call with the refresh token': /^HTTP\/1.1 401 /,
        'Revoke the token': /^\{"revoked":true\}$/,
        'Log the user out': /^\{"loggedOut":true,"signals":\[\{"by":"backChannelLogout","outcome":"applied"\}\]\}$/,
        // The token has just been revoked.
        'Open an event stream': /^HTTP\/1.1 401 /,
        Stop: /^\{"authorizationServer":"stopped"\}$/,
        Start: /^\{"authorizationServer":"started"\}$/,
        Restart: /^\{"authorizationServer":"restarted"\}$/,
        'Fill the cache (50 tokens)': /^\{"requests":50,"statuses":\{"200":50\}/,
        'Empty the cache': /^\{"removed":\d+,/,
        'Flood the API': /^\{"requests":200,/,
        'Introspect the token': /^\{"active":/,
        'Respond at once': /^\{"delayMs":0\}$/,
        'Respond after 0.8 s': /^\{"delayMs":800\}$/,
        'Respond after 4 s': /^\{"delayMs":4000\}$/,
      };
      const buttons = await page.locator('[data-action] > button:first-child').allInnerTexts();
      expect(buttons.sort()).toEqual(Object.keys(expected).sort());
      await page.getByLabel('POST /api/payments').check();
      for (const [name, output] of Object.entries(expected)) {
        // The command of the introspection request is visible from the start.
        if (name !== 'Introspect the token') await button(`curl command of: ${name}`).click();
        const id = await button(`curl command of: ${name}`).getAttribute('aria-controls');
        const code = page.locator(`#${id} code`).filter({ hasText: 'curl' });
        await code.waitFor();
        expect([name, await bash(await textOf(code))]).toEqual([name, expect.stringMatching(output)]);
        if (name === 'Stop') await page.getByText('Authorization server: stopped').waitFor();
      }
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'shows an error when the authorization server cannot issue a token',
    async () => {
      await button('Stop').click();
      await page.getByText('Authorization server: stopped').waitFor();
      await button('Get a token').click();
      await page.getByText('The authorization server does not respond. Is it stopped?').waitFor();
    },
    TEST_TIMEOUT_MS,
  );

  describe.each(Object.entries(SIZES))('on a %s', (_, size) => {
    it.each(['light', 'dark'] as const)(
      'has no accessibility violation that axe finds in the %s theme',
      async (colorScheme) => {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme });
        await page.locator(`html[data-theme=${colorScheme}]`).waitFor();
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
        await button('curl command of: Call').click();
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
      TEST_TIMEOUT_MS,
    );

    it(
      'does not scroll horizontally, even with the longest curl command open',
      async () => {
        await page.setViewportSize(size);
        await page.getByLabel('Bind the token to a key (DPoP)').check();
        await getToken();
        await press('Call with a changed token');
        await button('curl command of: Call').click();
        await button('curl command of: Get a token').click();
        await page.getByText('eyJ').first().waitFor();
        const [width, content] = await page.evaluate<number[]>('[innerWidth, document.documentElement.scrollWidth]');
        expect(content).toBe(width);
      },
      TEST_TIMEOUT_MS,
    );
  });

  it(
    'can be used with only the keyboard, and always shows the focus',
    async () => {
      const focused = () => page.evaluate<{ name: string; isOutlined: boolean }>(FOCUSED);
      const seen: string[] = [];
      const tabTo = async (name: RegExp) => {
        for (let i = 0; i < 60; i++) {
          await page.keyboard.press('Tab');
          const element = await focused();
          seen.push(element.name);
          expect(element).toEqual({ name: element.name, isOutlined: true });
          if (name.test(element.name)) return;
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
      const logged = page.waitForResponse((response) => response.url().includes('/console/requests/'));
      await page.keyboard.press('Space');
      await logged;
      await page.getByText('GET /api/reports in').waitFor();
      await tabTo(/^curl command of: Call$/);
      await page.keyboard.press('Enter');
      expect(await textOf(page.locator('#curl-call'))).toContain('/api/reports');
      await tabTo(/^Stop$/);
      await tabTo(/^Flood the API$/);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'keeps the selected theme after a reload',
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
    TEST_TIMEOUT_MS,
  );

  async function issueToken(ttlSeconds: number): Promise<{ access_token: string }> {
    const body = { subject: 'alice', scopes: ['profile:read'], ttlSeconds };
    return (await (await post('/console/token', {}, body)).json()) as { access_token: string };
  }
});
