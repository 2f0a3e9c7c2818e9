import { createServer, type RequestListener } from 'node:http';
import express, { type RequestHandler } from 'express';
import express4 from 'express4';
import request from 'supertest';
import { AuthError, type Invalidation } from '../../lib/index.js';
import { invalidationEndpoint } from '../../lib/signals/index.js';
import { createAuthenticate } from '../support/api.js';
import { recordEvents } from '../support/channels.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { until } from '../support/until.js';

const SECRET = 'hush-hush-hush-hush-hush-hush-hush';
const FORM = 'application/x-www-form-urlencoded';

/** Longest wait for a response. */
const MAX_WAIT_MS = 10_000;

function createMiddleware(outcome: () => Promise<void> = async () => {}) {
  const invalidated: Invalidation[] = [];
  return {
    invalidated,
    invalidate(invalidation: Invalidation) {
      invalidated.push(invalidation);
      return outcome();
    },
  };
}

function post(listener: RequestListener, authorization = `Bearer ${SECRET}`) {
  return request(createServer(listener)).post('/').timeout(MAX_WAIT_MS).set('Authorization', authorization);
}

const parsers4 = [express4.json() as RequestHandler, express4.urlencoded({ extended: true }) as RequestHandler];
const parsers5 = [express.json(), express.urlencoded({ extended: true })];

type Mount = (handler: ReturnType<typeof invalidationEndpoint>) => RequestListener;

const MOUNTS: readonly (readonly [name: string, mount: Mount])[] = [
  ['node:http', (handler) => (req, res) => handler(req, res)],
  ['Express 5', (handler) => express().use(handler)],
  ['Express 5 behind both parsers', (handler) => express().use(...parsers5, handler)],
  ['Express 5 behind the parser of JSON', (handler) => express().use(express.json(), handler)],
  ['Express 5 behind the parser of forms', (handler) => express().use(express.urlencoded(), handler)],
  ['Express 4', (handler) => express4().use(handler as never) as RequestListener],
  ['Express 4 behind both parsers', (handler) => express4().use(...(parsers4 as never[]), handler as never) as never],
  ['Express 4 behind the parser of JSON', (handler) => express4().use(parsers4[0] as never, handler as never) as never],
  [
    'Express 4 behind the parser of forms',
    (handler) => express4().use(parsers4[1] as never, handler as never) as never,
  ],
];

describe.each(MOUNTS)('invalidationEndpoint on %s', (_, mount) => {
  it.each(['token', 'sub', 'sid', 'client_id', 'jti'])('invalidates by %s, from a form or JSON', async (name) => {
    const authenticate = createMiddleware();
    const listener = mount(invalidationEndpoint({ authenticate, secret: SECRET }));
    const form = await post(listener)
      .type('form')
      .send({ [name]: 'ü &=+' });
    const json = await post(listener).send({ [name]: 'ü &=+', other: 'ignored' });
    expect([form.status, json.status, form.text, json.text]).toEqual([200, 200, '{}', '{}']);
    expect(authenticate.invalidated).toEqual([{ [name]: 'ü &=+' }, { [name]: 'ü &=+' }]);
    expect(form.headers['cache-control']).toBe('no-store');
  });

  it.each([
    ['nothing', '{}', 'application/json'],
    ['no value', '{"token":""}', 'application/json'],
    ['two of them', '{"sub":"a","sid":"b"}', 'application/json'],
    ['a null beside', '{"sub":"a","sid":null}', 'application/json'],
    ['a list', '{"sub":["a"]}', 'application/json'],
    ['a number', '{"sub":7}', 'application/json'],
    ['nothing in a form', 'other=1', FORM],
    ['the same twice', 'sub=a&sub=b', FORM],
    ['two in a form', 'sub=a&token=b', FORM],
    ['another type', 'sub=a', 'text/plain'],
    ['a type that is nearly right', 'sub=a', 'application/x-www-form'],
  ])('answers 400 for a body with %s and invalidates nothing', async (_name, body, type) => {
    const authenticate = createMiddleware();
    const listener = mount(invalidationEndpoint({ authenticate, secret: SECRET }));
    const response = await post(listener).set('Content-Type', type).send(body);
    expect([response.status, response.body]).toEqual([400, { error: 'invalid_request' }]);
    expect(authenticate.invalidated).toEqual([]);
  });

  it.each([
    ['none', undefined],
    ['another', `Bearer ${SECRET}x`],
    ['its beginning', `Bearer ${SECRET.slice(0, -1)}`],
    ['an empty one', 'Bearer '],
    ['another scheme', `Basic ${SECRET}`],
    ['two', `Bearer ${SECRET} ${SECRET}`],
    ['behind another scheme', `x Bearer ${SECRET}`],
    ['without a space', `Bearer${SECRET}`],
  ])('answers 401 when the secret is %s and invalidates nothing', async (_name, authorization) => {
    const authenticate = createMiddleware();
    const listener = mount(invalidationEndpoint({ authenticate, secret: SECRET }));
    const test = request(createServer(listener)).post('/').type('form');
    const response = await (authorization === undefined ? test : test.set('Authorization', authorization)).send(
      'sub=a',
    );
    expect([response.status, response.body]).toEqual([401, {}]);
    expect(response.headers['www-authenticate']).toBe('Bearer realm="invalidation"');
    expect(authenticate.invalidated).toEqual([]);
  });

  it.each(['get', 'put', 'delete', 'head'] as const)('answers 405 to %s with Allow: POST', async (method) => {
    const authenticate = createMiddleware();
    const listener = mount(invalidationEndpoint({ authenticate, secret: SECRET }));
    const response = await request(createServer(listener))[method]('/').set('Authorization', `Bearer ${SECRET}`);
    expect([response.status, response.headers.allow]).toEqual([405, 'POST']);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.body).toEqual(method === 'head' ? {} : { error: 'invalid_request' });
    expect(authenticate.invalidated).toEqual([]);
  });
});

describe('the body of an invalidation', () => {
  const padded = (length: number) => `sub=a&padding=${'x'.repeat(length - 14)}`;

  it.each([
    [64 * 1024, 200],
    [64 * 1024 + 1, 400],
    [5_000_000, 400],
  ])('of %i bytes is answered %i', async (length, status) => {
    const authenticate = createMiddleware();
    const listener: RequestListener = invalidationEndpoint({ authenticate, secret: SECRET });
    expect((await post(listener).type('form').send(padded(length))).status).toBe(status);
    expect(authenticate.invalidated).toHaveLength(status === 200 ? 1 : 0);
  });

  it.each([
    ['gzip', 400],
    ['br, identity', 400],
    ['identity', 200],
  ])('with Content-Encoding: %s is answered %i', async (coding, status) => {
    const authenticate = createMiddleware();
    const listener: RequestListener = invalidationEndpoint({ authenticate, secret: SECRET });
    const response = await post(listener).type('form').set('Content-Encoding', coding).send('sub=a');
    expect(response.status).toBe(status);
    expect(authenticate.invalidated).toHaveLength(status === 200 ? 1 : 0);
  });

  it.each([
    ['text', express.text({ type: '*/*' }), 'sub=a', 200],
    ['bytes', express.raw({ type: '*/*' }), 'sub=a', 200],
    ['more than 64 kB of text', express.text({ type: '*/*', limit: '1mb' }), padded(64 * 1024 + 1), 400],
    ['more than 64 kB of bytes', express.raw({ type: '*/*', limit: '1mb' }), padded(64 * 1024 + 1), 400],
  ])('that another parser left as %s is answered', async (_name, parser, body, status) => {
    const authenticate = createMiddleware();
    const listener = express().use(parser, invalidationEndpoint({ authenticate, secret: SECRET }));
    expect((await post(listener).type('form').send(body)).status).toBe(status);
    expect(authenticate.invalidated).toHaveLength(status === 200 ? 1 : 0);
  });

  it('that is not JSON is answered 400', async () => {
    const listener: RequestListener = invalidationEndpoint({ authenticate: createMiddleware(), secret: SECRET });
    for (const body of ['{', 'null', '[]', '"sub"']) {
      expect((await post(listener).type('json').send(body)).status).toBe(400);
    }
  });

  it('that another parser read and discarded is answered 400', async () => {
    const handler = invalidationEndpoint({ authenticate: createMiddleware(), secret: SECRET });
    const listener: RequestListener = (req, res) =>
      void req.resume().once('end', () => setImmediate(handler, req, res));
    expect((await post(listener).type('form').send('sub=a')).status).toBe(400);
  });
});

describe('the outcome of an invalidation', () => {
  it('is 200 again for a repeated request, and for a malformed token', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    const listener: RequestListener = invalidationEndpoint({ authenticate, secret: SECRET });
    for (const token of ['abc', 'abc', 'no token!']) {
      expect((await post(listener).type('form').send({ token })).status).toBe(200);
    }
  });

  it('makes the next request introspect the token again, or all tokens of the user', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    const listener: RequestListener = invalidationEndpoint({ authenticate, secret: SECRET });
    for (const [index, body] of ['token=abc', 'sub=alice', 'client_id=app'].entries()) {
      await authenticate.introspect('abc');
      expect(endpoint.asked).toHaveLength(index + 1);
      await post(listener).type('form').send(body);
    }
    await authenticate.introspect('abc');
    expect(endpoint.asked).toHaveLength(4);
  });

  it('reaches every middleware, and is 503 when one could not reach the other processes', async () => {
    const all = [createMiddleware(), createMiddleware(() => Promise.reject(new Error('hush'))), createMiddleware()];
    const listener: RequestListener = invalidationEndpoint({ authenticate: all, secret: SECRET });
    const response = await post(listener).send({ sub: 'alice' });
    expect([response.status, response.headers['retry-after'], response.text]).toEqual([
      503,
      '1',
      '{"error":"temporarily_unavailable"}',
    ]);
    expect(all.map(({ invalidated }) => invalidated)).toEqual([
      [{ sub: 'alice' }],
      [{ sub: 'alice' }],
      [{ sub: 'alice' }],
    ]);
  });

  it('is 200 when the middleware rejects the token as malformed', async () => {
    const authenticate = createMiddleware(async () => {
      throw new AuthError('malformed_credentials');
    });
    const listener: RequestListener = invalidationEndpoint({ authenticate, secret: SECRET });
    expect((await post(listener).send({ token: 'x' })).status).toBe(200);
  });

  it('is sent again while the same one is on its way, and answered once it is known everywhere', async () => {
    const done = createDeferred();
    const authenticate = createMiddleware(() => done.promise);
    const listener: RequestListener = invalidationEndpoint({ authenticate, secret: SECRET });
    let answered = 0;
    const both = [1, 2].map(async () => {
      const { status } = await post(listener).send({ sub: 'alice' });
      answered++;
      return status;
    });
    await until(() => authenticate.invalidated.length === 2);
    expect(answered).toBe(0);
    done.resolve();
    expect(await Promise.all(both)).toEqual([200, 200]);
  });
});

describe('the secret of invalidationEndpoint', () => {
  it.each([`bearer ${SECRET}`, `BEARER   ${SECRET}`])('may be sent as %s', async (authorization) => {
    const listener: RequestListener = invalidationEndpoint({ authenticate: createMiddleware(), secret: SECRET });
    expect((await post(listener, authorization).send({ sub: 'a' })).status).toBe(200);
  });

  it('may have 32 characters', async () => {
    const secret = 'x'.repeat(32);
    const events = recordEvents('signal');
    const listener: RequestListener = invalidationEndpoint({ authenticate: createMiddleware(), secret });
    expect((await post(listener, `Bearer ${secret}`).send({ sub: 'a' })).status).toBe(200);
    expect((await post(listener, 'Bearer x').send({ sub: 'a' })).status).toBe(401);
    expect(events).toEqual([
      { by: 'invalidationEndpoint', outcome: 'applied' },
      { by: 'invalidationEndpoint', outcome: 'rejected', reason: 'missing_credentials' },
    ]);
  });

  it('may come from a function that is called for each request', async () => {
    const secrets = [SECRET, `${SECRET}-new`];
    const authenticate = createMiddleware();
    const listener: RequestListener = invalidationEndpoint({ authenticate, secret: async () => secrets.shift() ?? '' });
    expect((await post(listener).send({ sub: 'a' })).status).toBe(200);
    expect((await post(listener).send({ sub: 'a' })).status).toBe(401);
  });

  it('causes an error of the app when its function fails, or 500 without next', async () => {
    const handler = invalidationEndpoint({ authenticate: createMiddleware(), secret: () => 'short' });
    const errors: unknown[] = [];
    const withNext: RequestListener = (req, res) =>
      handler(req, res, (error) => {
        errors.push(error);
        res.writeHead(500).end();
      });
    expect((await post(withNext, 'Bearer short').send({ sub: 'a' })).status).toBe(500);
    expect(errors).toEqual([expect.any(TypeError)]);
    const response = await post(handler, 'Bearer short').send({ sub: 'a' });
    expect([response.status, response.body]).toEqual([500, { error: 'server_error' }]);
  });

  it.each([undefined, '', 'x'.repeat(31), 7, null])('is rejected when it is %j, and is never shown', (secret) => {
    const create = () => invalidationEndpoint({ authenticate: createMiddleware(), secret: secret as string });
    expect(create).toThrow(/^Option "secret" is .*; write at least 32 characters; is the environment variable set\?$/);
  });
});

it.each([[undefined], [[]], [{}], [[createMiddleware(), {}]], [() => {}]])(
  'throws for %j instead of a middleware',
  (authenticate) => {
    const create = () => invalidationEndpoint({ authenticate: authenticate as never, secret: SECRET });
    expect(create).toThrow(/^Option "authenticate" is .*; write what tokenIntrospection\(\) returned$/);
  },
);

it.each(['utf8', 'latin1', 'hex'] as const)('reads a body after req.setEncoding(%j)', async (encoding) => {
  const authenticate = createMiddleware();
  const handler = invalidationEndpoint({ authenticate, secret: SECRET });
  const listener: RequestListener = (req, res) => handler(req.setEncoding(encoding), res);
  const { status } = await post(listener).set('Content-Type', 'application/json').send('{"sub":"ü"}');
  expect([status, authenticate.invalidated]).toEqual([200, [{ sub: 'ü' }]]);
});
