import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RequestListener, ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import request from 'supertest';
import {
  bearerToken,
  clientSecretBasic,
  clientSecretPost,
  requireClaim,
  requireFresh,
  requireScope,
  type TokenIntrospectionOptions,
  tokenIntrospection,
} from '../../lib/index.js';
import { createApp, createAuthenticate } from '../support/api.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';

/** Part of everything that must stay secret: tokens, secrets, the endpoint's URL and its text. */
const MARK = 'LEAK';
const TOKEN = `${MARK}-token.AZaz09~+/==`;
const SECRET = `${MARK}-secret`;
const CREDENTIALS = Buffer.from(`api:${SECRET}`).toString('base64');
const MEMORY_CHANNEL = 'lru-cache:metrics';

type Row = [title: string, script: Script, options: Partial<TokenIntrospectionOptions>, status: number, token?: string];

const ROWS: readonly Row[] = [
  ['a good token', active(), {}, 200],
  ['a valid token without a cache', active(), { cache: false }, 200],
  ['an inactive token', { active: false, sub: MARK, error: MARK, jwt: MARK }, {}, 401],
  ['an expired token', active({ exp: 1, sub: MARK, username: MARK }), {}, 401],
  ['a token for others', active({ aud: MARK }), { audience: 'api' }, 401],
  ['a token of another issuer', active({ iss: MARK }), { issuer: 'https://as.test' }, 401],
  ['a token that says too little', active({ sub: MARK, scope: MARK }), { scopes: ['admin'] }, 403],
  ['a bound token', active({ cnf: { jkt: MARK } }), {}, 401],
  ['a malformed token', active(), {}, 400, `${MARK} ${MARK}`],
  ['a token too long', active(), {}, 400, MARK.repeat(2049)],
  ['a token in quotes', active(), {}, 400, `"${MARK}"`],
  ['a token with a format in it', active(), {}, 400, `${MARK}%s%0d%0a`],
  [
    'a rejection of our credentials',
    (_asked, res) => json(res, { error: MARK, error_description: SECRET }, 401),
    {},
    503,
  ],
  ['an error page', (_asked, res) => echo(res, 500), {}, 503],
  ['HTML', (_asked, res) => echo(res, 200), {}, 503],
  ['broken JSON', (asked, res) => void res.writeHead(200, JSON_TYPE).end(`{"${asked.body}"`), {}, 503],
  ['claims of a wrong type', { active: true, exp: MARK, sub: [MARK] }, {}, 503],
  ['odd headers', (_asked, res) => void res.writeHead(429, { 'retry-after': MARK, 'x-as': MARK }).end(), {}, 503],
  ['a coding', (_asked, res) => void res.writeHead(200, { ...JSON_TYPE, 'content-encoding': MARK }).end(), {}, 503],
  [
    'a redirect',
    ({ body }, res) => void res.writeHead(307, { location: `http://${MARK}.test/?${body}` }).end(),
    {},
    503,
  ],
  ['a reset', (_asked, res) => void res.destroy(), {}, 503],
  ['a malformed status line', (_asked, res) => void res.socket?.end(`HTTP/1.1 ${MARK}\r\n\r\n`), {}, 503],
  ['silence', () => undefined, { timeoutMs: 50 }, 503],
  ['a normaliser that throws', active(), { normalizeResponse: throwing }, 503],
  ['a schema that throws', active(), { claims: { '~standard': { version: 1, vendor: 'x', validate: throwing } } }, 503],
  [
    'a schema that objects',
    active({ tenant: MARK }),
    {
      claims: {
        '~standard': { version: 1, vendor: 'x', validate: (value) => ({ issues: [{ message: MARK, value }] }) },
      },
    },
    401,
  ],
  ['client authentication that throws', active(), { clientAuth: { identity: 'own', sign: throwing } }, 503],
  ['credentials that are no header', active(), { clientAuth: bearerToken(() => `${MARK}\n`) }, 503],
  ['credentials in the body', (_asked, res) => echo(res, 400), { clientAuth: clientSecretPost('api', SECRET) }, 503],
  ['a bearer token of our own', (_asked, res) => echo(res, 403), { clientAuth: bearerToken(`${MARK}-own`) }, 503],
  ['a dispatcher that throws', active(), { dispatcher: { request: throwing } }, 503],
];

const JSON_TYPE = { 'content-type': 'application/json' };

const HOOKS: readonly (readonly [string, TokenIntrospectionOptions['onReject']])[] = [
  ['when the middleware responds', undefined],
  ['when the error handling of Express responds', (error, _req, _res, next) => next(error)],
];

describe.each(HOOKS)('no secret is revealed, %s, about', (_how, onReject) => {
  it.each<Row>([...ROWS])('%s', async (_title, script, options, status, token = TOKEN) => {
    const said = listen();
    const endpoint = await createEndpoint(script);
    const url = `${endpoint.url}?tenant=${MARK}`;
    const authenticate = createAuthenticate(
      { url },
      { clientAuth: clientSecretBasic('api', SECRET), ...options, ...(onReject && { onReject }) },
    );
    const { app, errors } = createApp(authenticate);
    app.set('env', 'development');
    for (const method of ['get', 'get', 'head'] as const) {
      const response = await request(app)[method]('/').set('Authorization', `Bearer ${token}`).expect(status);
      said(response.text, response.headers);
    }
    await authenticate.introspect(token).catch((error: unknown) => errors.push(error));
    if (status !== 400) authenticate.invalidate({ token });
    said(errors, authenticate, authenticate.stats());
    expect(errors.length > 0).toBe(status !== 200);
    expectSilence(said(), [new URL(url).host]);
  });
});

describe('no secret is revealed', () => {
  it('by guards', async () => {
    const said = listen();
    const endpoint = await createEndpoint(active({ tenant: MARK, scope: `read ${MARK}` }));
    const authenticate = createAuthenticate(endpoint, { clientAuth: clientSecretBasic('api', SECRET) });
    const guards = [
      requireScope('admin'),
      requireClaim('tenant', 'acme'),
      requireClaim('tenant', throwing),
      requireFresh({ maxAgeSeconds: 0 }),
    ];
    for (const guard of guards) {
      const { app, errors } = createApp(authenticate, guard, (_req, res) => void res.json({}));
      const response = await request(app).get('/').set('Authorization', `Bearer ${TOKEN}`);
      expect(response.status).toBe(guard === guards[3] ? 200 : guard === guards[2] ? 500 : 403);
      said(response.headers, guard);
      if (response.status !== 500) said(response.text, errors);
    }
    expectSilence(said(), [new URL(endpoint.url).host]);
  });

  it('by a bare server that has no next to pass errors to', async () => {
    for (const [, script, options, status, token = TOKEN] of ROWS) {
      if (status === 200) continue;
      const said = listen();
      const endpoint = await createEndpoint(script);
      const authenticate = createAuthenticate(endpoint, { clientAuth: clientSecretBasic('api', SECRET), ...options });
      const listener: RequestListener = (req, res) => authenticate(req, res);
      const response = await request(listener).get('/').set('Authorization', `Bearer ${token}`).expect(status);
      said(response.text, response.headers);
      expectSilence(said(), [new URL(endpoint.url).host]);
    }
  });

  it('on the memory channel, which has digests of one length and no token', async () => {
    const keys = new Set<unknown>();
    const watch = (message: unknown) => void keys.add((message as { key?: unknown }).key);
    subscribe(MEMORY_CHANNEL, watch);
    try {
      const endpoint = await createEndpoint(({ form }) => ({ active: form.get('token') === TOKEN }));
      const authenticate = createAuthenticate(endpoint);
      for (const token of [TOKEN, TOKEN, '__proto__', 'x', `${TOKEN}=`]) {
        await authenticate.introspect(token).catch(() => {});
      }
    } finally {
      unsubscribe(MEMORY_CHANNEL, watch);
    }
    keys.delete(undefined);
    expect(keys.size).toBe(4);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expectSilence(inspect(keys), []);
  });

  it('on the decision channel, which has the same twelve characters for the same token', async () => {
    const decisions = recordDecisions();
    const endpoint = await createEndpoint(({ form }) => ({ active: form.get('token') === TOKEN }));
    const authenticate = createAuthenticate(endpoint, { optional: true });
    const { app } = createApp(authenticate, requireScope('admin'));
    for (const token of [TOKEN, TOKEN, `${MARK}-bad`, `${MARK} bad`]) {
      await request(app).get('/').set('Authorization', `Bearer ${token}`);
    }
    await request(app).get('/');
    const digest = expect.stringMatching(/^[A-Za-z0-9_-]{12}$/);
    const weak = {
      outcome: 'rejected',
      by: 'requireScope',
      status: 403,
      reason: 'insufficient_scope',
      tokenDigest: digest,
    };
    expect(decisions).toEqual([
      { outcome: 'accepted', by: 'tokenIntrospection', tokenDigest: digest },
      weak,
      { outcome: 'accepted', by: 'tokenIntrospection', tokenDigest: digest },
      weak,
      expect.objectContaining({ outcome: 'rejected', by: 'tokenIntrospection', status: 401, reason: 'inactive' }),
      {
        outcome: 'rejected',
        by: 'tokenIntrospection',
        status: 400,
        reason: 'malformed_credentials',
      },
      { outcome: 'anonymous', by: 'tokenIntrospection' },
      { outcome: 'rejected', by: 'requireScope', status: 401, reason: 'no_credentials' },
    ]);
    expect(new Set(decisions.slice(0, 4).map(({ tokenDigest }) => tokenDigest)).size).toBe(1);
    expectSilence(inspect(decisions), []);
  });

  it.each<[string, () => unknown]>([
    ['a secret that cannot be sent unencoded', () => clientSecretBasic('api', `${MARK}\n`, { encode: false })],
    ['an identifier that cannot', () => clientSecretBasic(`${MARK}:`, 'x', { encode: false })],
    ['a bearer token with a line end', () => bearerToken(`${MARK}\n`)],
    ['a URL with credentials', () => create({ endpoint: `https://api:${MARK}@as.test/` })],
    ['a malformed URL', () => create({ endpoint: `${MARK} as.test` })],
    ['an insecure URL', () => create({ endpoint: `http://${MARK}.as.test` })],
    ['parameters that are reserved', () => create({ parameters: { client_secret: MARK } })],
    ['headers that are reserved', () => create({ headers: { authorization: MARK } })],
    ['headers that cannot be sent', () => create({ headers: { 'x-key': `${MARK}\n` } })],
    ['client authentication that is a string', () => create({ clientAuth: MARK as never })],
  ])('by the error at start-up for %s', (_title, start) => {
    let thrown: unknown;
    try {
      start();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TypeError);
    expectSilence(describeAll([thrown]), []);
  });
});

function create(options: Partial<TokenIntrospectionOptions>): void {
  tokenIntrospection({
    endpoint: 'https://as.test',
    clientAuth: clientSecretBasic('api', SECRET),
    audience: false,
    ...options,
  });
}

function throwing(): never {
  throw new Error(`${MARK} ${SECRET}`, { cause: new Error(MARK) });
}

/** The worst response: it repeats what the server was sent. */
function echo(res: ServerResponse, status: number): void {
  const { authorization } = res.req.headers;
  res.writeHead(status, { 'content-type': 'text/html', 'www-authenticate': `Basic realm="${MARK}"` });
  res.end(`<h1>${MARK}</h1>${authorization}`);
}

const restores: (() => void)[] = [];

afterEach(() => {
  for (const restore of restores.splice(0)) restore();
});

/** Collects all output, warnings and publications from now on, and the values it is called with. */
function listen(): (...heard: unknown[]) => string {
  const texts: string[] = [];
  const take = (...heard: unknown[]) => void texts.push(describeAll(heard));
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    const spy = jest.spyOn(console, method).mockImplementation(take);
    restores.push(() => spy.mockRestore());
  }
  const spies = [
    jest.spyOn(process, 'emitWarning').mockImplementation(take as typeof process.emitWarning),
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => take(text) ?? true),
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => take(text) ?? true),
  ];
  restores.push(() => {
    for (const spy of spies) spy.mockRestore();
  });
  const decisions = recordDecisions();
  return (...heard) => {
    take(...heard);
    return texts.join('\n') + describeAll(decisions);
  };
}

/** Every text form in which a log might print a value. */
function describeAll(values: readonly unknown[]): string {
  return values
    .map((value) => [inspect(value, { depth: 20, showHidden: true }), JSON.stringify(value), ...ofErrors(value)])
    .join('\n');
}

function ofErrors(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(ofErrors);
  return value instanceof Error ? [String(value), value.stack, inspect(value.cause)] : [];
}

function expectSilence(said: string, others: readonly string[]): void {
  for (const secret of [MARK, CREDENTIALS, ...others]) expect(said).not.toContain(secret);
}
