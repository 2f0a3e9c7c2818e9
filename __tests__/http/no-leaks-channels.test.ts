import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { CHANNELS } from '../../lib/diagnostics/channels.js';
import {
  bearerToken,
  clientSecretPost,
  requireFresh,
  requireScope,
  type TokenIntrospectionOptions,
} from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { createClock, type FakeClock } from '../support/clock.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';

/** Part of every token, of our own secrets, of the endpoint's URL and of all its responses. */
const MARK = 'LEAK';
const TOKEN = `${MARK}-token.AZaz09~+/==`;
const SECRET = `${MARK}-secret`;

const CHANNEL_NAMES = [
  CHANNELS.decision,
  CHANNELS.cache,
  CHANNELS.circuit,
  CHANNELS.misconfiguration,
  ...['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((part) => `tracing:${CHANNELS.endpoint}:${part}`),
];

/** Responses of the endpoint, in the order of the run. It repeats what it was sent. */
const SAID: readonly Script[] = [
  ({ body }) => active({ sub: MARK, username: body, scope: `read ${MARK}`, exp: undefined }),
  ({ body }, res) => json(res, { error: MARK, error_description: body }, 401),
  ({ body }, res) => json(res, { error: MARK, error_description: body }, 400),
  ({ body }, res) => void res.writeHead(307, { location: `https://${MARK}.test/?${body}` }).end(),
  ({ body }, res) => void res.writeHead(200, { 'content-type': `text/html; x=${MARK}` }).end(`<p>${body}`),
  ({ body }, res) => void res.writeHead(404, MARK, { 'x-as': MARK }).end(body),
  ({ body }, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(`{"${body}"`),
  (_asked, res) => void res.socket?.end(`HTTP/1.1 ${MARK}\r\n\r\n`),
  (_asked, res) => void res.destroy(),
  (_asked, res) => void res.writeHead(503, { 'retry-after': MARK }).end(MARK),
  ({ body }, res) => void res.writeHead(500, { 'x-as': MARK }).end(body),
  ({ body }, res) => void res.writeHead(429, { 'retry-after': '3' }).end(body),
  ({ body }) => ({ active: false, error: MARK, reason: body }),
];

const restores: (() => void)[] = [];

afterEach(() => {
  for (const restore of restores.splice(0)) restore();
  jest.restoreAllMocks();
});

/** Collects everything published on any channel and every process warning, as an operator's log may hold it. */
function listen(): { readonly texts: string[]; readonly heard: Map<string, number> } {
  const texts: string[] = [];
  const heard = new Map<string, number>();
  const hear = (name: string, ...values: unknown[]) => {
    heard.set(name, (heard.get(name) ?? 0) + 1);
    texts.push(describeAll(values));
  };
  for (const name of CHANNEL_NAMES) {
    const listener = (message: unknown) => hear(name, message);
    subscribe(name, listener);
    restores.push(() => unsubscribe(name, listener));
  }
  jest
    .spyOn(process, 'emitWarning')
    .mockImplementation(((...warning: unknown[]) => hear('warning', ...warning)) as typeof process.emitWarning);
  return { texts, heard };
}

function describeAll(values: readonly unknown[]): string {
  return values
    .map((value) => {
      const stack = value instanceof Error ? `${value.stack}${inspect(value.cause)}` : '';
      return `${inspect(value, { depth: 20, showHidden: true })}${JSON.stringify(value)}${stack}`;
    })
    .join('\n');
}

type Row = [title: string, options: (clock: FakeClock) => Partial<TokenIntrospectionOptions>];

const ROWS: readonly Row[] = [
  ['with a cache and stale responses', () => ({ cache: { ttlSeconds: 10, staleIfErrorSeconds: 1000 } })],
  ['with the cache as it is by default', () => ({})],
  ['without a cache', () => ({ cache: false })],
  ['with a bearer token of our own', () => ({ clientAuth: bearerToken(SECRET), cache: { staleIfErrorSeconds: 100 } })],
];

describe('channels and warnings reveal no token, secret or claim, whatever the endpoint sends', () => {
  it.each<Row>([...ROWS])('%s', async (_title, options) => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const { texts, heard } = listen();
    const clock = createClock(Math.floor(Date.now() / 1000));
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(
      { url: `${endpoint.url}?tenant=${MARK}` },
      { clock, clientAuth: clientSecretPost('api', SECRET), ...options(clock) },
    );
    const apps = [
      createApp(authenticate, (_req, res) => void res.json({})),
      createApp(
        authenticate,
        requireScope('read'),
        requireFresh({ maxAgeSeconds: 5 }),
        (_req, res) => void res.json({}),
      ),
      createApp(authenticate, requireScope('admin')),
    ];
    for (const script of SAID) {
      endpoint.script = script;
      for (const app of apps) {
        for (const token of [TOKEN, TOKEN, `${MARK}-other`]) {
          const response = await get(app, token);
          texts.push(describeAll([response.headers, response.text]));
        }
      }
      clock.advance(8);
    }
    for (let token = 0; token < 8; token++) {
      endpoint.script = (_asked, res) => void res.writeHead(500).end(MARK);
      await get(apps[0] as (typeof apps)[0], `${MARK}${token}`);
    }
    await authenticate.introspect(TOKEN).catch((error: unknown) => texts.push(describeAll([error])));
    texts.push(describeAll([await authenticate.verifyConfiguration(), authenticate.stats()]));
    for (const { errors } of apps) texts.push(...errors.map((error) => describeAll([error])));
    for (const name of [...CHANNEL_NAMES, 'warning']) {
      if (name !== CHANNELS.cache || options(clock).cache !== false)
        expect([name, heard.get(name)]).not.toEqual([name, undefined]);
    }
    const credentials = Buffer.from(`api:${SECRET}`).toString('base64');
    for (const secret of [MARK, credentials, encodeURIComponent(TOKEN)]) expect(texts.join('\n')).not.toContain(secret);
  });
});

describe('the warning that every token is rejected reveals no token, secret or claim of a user', () => {
  const secretive = { sub: MARK, username: MARK, scope: MARK, client_id: MARK, jti: MARK, tenant: MARK };
  const objecting = {
    '~standard': { version: 1, vendor: 'x', validate: () => ({ issues: [{ message: MARK }] }) },
  } as const;

  it.each<[string, Script, Partial<TokenIntrospectionOptions>, token?: string]>([
    ['audience_mismatch', active({ ...secretive, aud: 'other' }), { audience: 'api' }],
    [
      'audience_mismatch',
      ({ form }) => active({ ...secretive, aud: [`urn:${form.get('token')}`] }),
      { audience: 'api' },
    ],
    ['issuer_mismatch', active({ ...secretive, iss: 'https://b.test' }), { issuer: 'https://a.test' }],
    ['expired', active({ ...secretive, exp: 1 }), {}],
    ['not_yet_valid', active({ ...secretive, nbf: Date.now() }), {}],
    ['refresh_token', active({ ...secretive, token_type: 'refresh_token' }), {}],
    ['inactive', { active: false, ...secretive }, {}],
    ['claims_rejected', active(secretive), { claims: objecting }],
    ['sender_constrained', active({ ...secretive, cnf: { jkt: MARK } }), {}],
    ['malformed_credentials', active(), {}, `Bearer ${TOKEN}`],
    ['unsupported_token_type', ({ body }, res) => json(res, { error: 'unsupported_token_type', was: body }, 400), {}],
  ])('%s', async (reason, script, options, token = TOKEN) => {
    const { texts } = listen();
    const endpoint = await createEndpoint(script);
    const authenticate = createAuthenticate(endpoint, { clientAuth: clientSecretPost('api', SECRET), ...options });
    const app = createApp(authenticate);
    for (let request = 0; request < 20; request++) await get(app, token);
    const warned = texts.filter((text) => text.includes('No token has been accepted so far'));
    expect(warned.join()).toContain(`20 were rejected (${reason})`);
    expect(texts.join('\n')).not.toContain(MARK);
  });
});

describe('the endpoint channel', () => {
  it('publishes no response of the endpoint', async () => {
    const contexts: unknown[] = [];
    const ended = channel(`tracing:${CHANNELS.endpoint}:asyncEnd`);
    const listener = (context: unknown) => void contexts.push(context);
    ended.subscribe(listener);
    restores.push(() => ended.unsubscribe(listener));
    const endpoint = await createEndpoint(active({ sub: MARK }));
    await createAuthenticate(endpoint).introspect(TOKEN);
    expect(contexts).toEqual([expect.objectContaining({ status: 200 })]);
    expect(contexts[0]).not.toHaveProperty('result');
    expect(inspect(contexts, { depth: 20, showHidden: true })).not.toContain(MARK);
  });
});
