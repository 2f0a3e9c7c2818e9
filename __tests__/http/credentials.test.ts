import express, { type Express, type RequestHandler } from 'express';
import request, { type Test } from 'supertest';
import type { TokenIntrospectionOptions } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate } from '../support/api.js';
import { BARE, INVALID_REQUEST } from '../support/challenges.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';
import { exchange } from '../support/serve.js';

const FORM = 'application/x-www-form-urlencoded';

describe('Authorization header', () => {
  it.each([
    ['twice the same token', ['Authorization: Bearer good', 'Authorization: Bearer good']],
    ['two tokens', ['Authorization: Bearer good', 'authorization: Bearer other']],
    ['a token behind another scheme', ['Authorization: Basic dTpw', 'AUTHORIZATION: Bearer good']],
    ['an empty line behind a token', ['Authorization: Bearer good', 'Authorization:']],
  ])('answers 400 invalid_request when repeated: %s', async (_title, lines) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    const response = await exchange(api.app, ['GET / HTTP/1.1', ...lines]);
    expect([response.status, response.header('www-authenticate')]).toEqual([400, [INVALID_REQUEST]]);
    expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });

  it.each([
    ['no token', 'Bearer'],
    ['two tokens', 'Bearer a b'],
    ['a list', 'Bearer a, Bearer b'],
    ['a quoted token', 'Bearer "good"'],
    ['a parameter', 'Bearer token=good'],
    ['a tab', 'Bearer good\tgood'],
    ['a tab before the token', 'Bearer \tgood'],
    ['a tab instead of the space', 'Bearer\tgood'],
    ['letters beyond ASCII', 'Bearer t\u00e9'],
    ['a percent sign', 'Bearer %67ood'],
    ['padding first', 'Bearer =good'],
    ['padding in the middle', 'Bearer go=od'],
    ['only padding', 'Bearer =='],
    ['an ampersand', 'Bearer x&token=good'],
    ['more than 8 kB', `Bearer ${'a'.repeat(8193)}`],
  ])('answers 400 invalid_request and asks nothing for %s', async (_title, value) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    const response = await exchange(api.app, ['GET / HTTP/1.1', `Authorization: ${value}`]);
    expect([response.status, response.header('www-authenticate')]).toEqual([400, [INVALID_REQUEST]]);
    expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });

  it('accepts a token of 8 kB', async () => {
    const endpoint = await createEndpoint(active());
    const token = 'a'.repeat(8192);
    await createApi(endpoint).get(token).expect(200);
    expect(endpoint.asked[0]?.form.get('token')).toBe(token);
  });

  it.each(['Basic dTpw', 'Bearerx good', 'Bearer-x good', 'BearerToken', 'DPoP good', ','])(
    'answers 401 without an error for another scheme: %j',
    async (authorization) => {
      const endpoint = await createEndpoint(active());
      const api = createApi(endpoint);
      const response = await request(api.app).get('/').set('Authorization', authorization).expect(401);
      expect(response.headers['www-authenticate']).toBe(BARE);
      expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
    },
  );

  it.each([
    ['the query', ['GET /?access_token=good HTTP/1.1']],
    ['a cookie', ['GET / HTTP/1.1', 'Cookie: access_token=good']],
    ['Proxy-Authorization', ['GET / HTTP/1.1', 'Proxy-Authorization: Bearer good']],
    ['X-Authorization', ['GET / HTTP/1.1', 'X-Authorization: Bearer good']],
  ])('is the only source: a token in %s is ignored', async (_place, lines) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    const response = await exchange(api.app, lines);
    expect([response.status, response.header('www-authenticate')]).toEqual([401, [BARE]]);
    expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });

  it('wins over a token in the query, which is ignored', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    await request(api.app).get('/?access_token=other').set('Authorization', 'Bearer good').expect(200);
    expect(endpoint.asked.map(({ form }) => form.get('token'))).toEqual(['good']);
  });

  it('does not change the Cache-Control of the route', async () => {
    const endpoint = await createEndpoint(active());
    const response = await createApi(endpoint).get('good').expect(200);
    expect(response.headers['cache-control']).toBeUndefined();
  });

  it('answers 400 for a malformed token even with optional authentication', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { optional: true });
    expect((await api.get('a b').expect(400)).headers['www-authenticate']).toBe(INVALID_REQUEST);
    expect(api.reached()).toBe(0);
  });
});

describe('a malformed token', () => {
  /** Ways in which a request can present one. */
  const WAYS: [string, Partial<TokenIntrospectionOptions>, (app: Express, token: string) => Test][] = [
    ['in the header', {}, (app, token) => request(app).get('/').set('Authorization', `Bearer ${token}`)],
    [
      'in a form',
      { tokenFromBody: true },
      (app, token) => request(app).post('/').type('form').send({ access_token: token }),
    ],
    [
      'of getToken',
      { getToken: ({ headers }) => JSON.parse(`"${headers['x-token']}"`) as string },
      (app, token) => request(app).get('/').set('X-Token', token.replaceAll('"', '\\"')),
    ],
  ];
  const CACHES: [string, TokenIntrospectionOptions['cache']][] = [
    ['with the cache', { inactiveTtlSeconds: 60 }],
    ['without a cache', false],
  ];
  const CASES = WAYS.flatMap(([way, options, present]) =>
    CACHES.map(([memory, cache]) => [`${way}, ${memory}`, { ...options, cache }, present] as const),
  );

  it.each(CASES)('is answered 400 each time, and the endpoint is never asked: %s', async (_title, options, present) => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint, options);
    const app = createApp(express.urlencoded(), authenticate);
    const answers = [];
    for (const token of ['good bad', 'good bad', 'go=od', '"good"']) answers.push(await present(app.app, token));
    answers.push(...(await Promise.all(Array.from({ length: 10 }, () => present(app.app, 'good bad')))));
    for (const { status, headers, text } of answers) {
      expect([status, headers['www-authenticate']]).toEqual([400, INVALID_REQUEST]);
      expect(text).not.toMatch(/good|go=od/);
    }
    expect([app.reached(), app.errors, endpoint.asked.length]).toEqual([0, [], 0]);
    expect(authenticate.stats()).toMatchObject({ hits: 0, coalesced: 0, endpointCalls: 0, entries: 0 });
    await present(app.app, 'good').expect(200);
    await present(app.app, 'good bad').expect(400);
    expect(endpoint.asked.map(({ form }) => form.get('token'))).toEqual(['good']);
  });

  it.each([
    'good\ud800',
    '\udc00good',
    'go\ud800\ud800od',
    'good\ufffd',
    '\u{1f600}',
    'good\r\n',
    'good\u0000',
    'g\u00f6\u00f6d',
  ])('from getToken is rejected before and after a token like it is cached: %j', async (text) => {
    const endpoint = await createEndpoint(active());
    for (const cache of [{}, false] as const) {
      let token = text;
      const api = createApi(endpoint, { getToken: () => token, cache });
      for (const current of [text, text, 'good', text, 'good']) {
        token = current;
        const response = await api.get().expect(current === 'good' ? 200 : 400);
        expect(response.headers['www-authenticate']).toBe(current === 'good' ? undefined : INVALID_REQUEST);
      }
      expect(() => api.authenticate.invalidate({ token: text })).toThrow(
        expect.objectContaining({ name: 'AuthError', reason: 'malformed_credentials' }),
      );
      await api.get().expect(200);
      expect(api.authenticate.stats()).toMatchObject({ endpointCalls: cache === false ? 3 : 1, coalesced: 0 });
    }
    expect(new Set(endpoint.asked.map(({ form }) => form.get('token')))).toEqual(new Set(['good']));
  });

  it('is rejected by introspect() too, once and many times at once, and leaves nothing behind', async () => {
    const endpoint = await createEndpoint(active());
    for (const cache of [{}, false] as const) {
      const authenticate = createAuthenticate(endpoint, { cache });
      const asked = ['a b', 'a b', 'a\ud800', 'a\ud801', 'a\ufffd'].map((token) => authenticate.introspect(token));
      for (const outcome of await Promise.allSettled(asked)) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { status: 400, reason: 'malformed_credentials' } });
      }
      expect(authenticate.stats()).toMatchObject({ coalesced: 0, endpointCalls: 0, entries: 0 });
    }
    expect(endpoint.asked).toHaveLength(0);
  });

  it('is rejected without an introspection request when an earlier middleware accepted another token', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    const app = createApp(authenticate, authenticate.with({ getToken: () => 'good bad' }));
    const response = await request(app.app).get('/').set('Authorization', 'Bearer good').expect(400);
    expect(response.headers['www-authenticate']).toBe(INVALID_REQUEST);
    expect([app.reached(), endpoint.asked.length]).toEqual([0, 1]);
  });
});

describe('tokenFromBody', () => {
  it('is off by default: a token in a form is ignored', async () => {
    const endpoint = await createEndpoint(active());
    const { app } = formApp(endpoint, { tokenFromBody: false });
    const response = await request(app).post('/').type('form').send('access_token=good').expect(401);
    expect([response.headers['www-authenticate'], endpoint.asked.length]).toEqual([BARE, 0]);
  });

  it.each(['POST', 'PUT', 'PATCH'] as const)(
    'accepts the token of a %s form and leaves the form readable',
    async (method) => {
      const endpoint = await createEndpoint(active());
      const app = express().use(
        express.urlencoded(),
        createAuthenticate(endpoint, { tokenFromBody: true }),
        ((req, res) => void res.json(req.body)) as RequestHandler,
      );
      const test = { POST: request(app).post, PUT: request(app).put, PATCH: request(app).patch }[method];
      const response = await test('/').type('form').send('p=q&access_token=good&z=1').expect(200);
      expect(response.body).toEqual({ p: 'q', access_token: 'good', z: '1' });
      expect(response.headers['cache-control']).toBe('private');
      expect(endpoint.asked[0]?.form.get('token')).toBe('good');
    },
  );

  it.each([`${FORM}; charset=UTF-8`, 'Application/X-WWW-Form-UrlEncoded'])(
    'accepts a form of type %s',
    async (type) => {
      const endpoint = await createEndpoint(active());
      const { app } = formApp(endpoint, { tokenFromBody: true });
      await request(app).post('/').set('Content-Type', type).send('access_token=good').expect(200);
    },
  );

  it('answers 400 invalid_request when both header and form hold a token', async () => {
    const endpoint = await createEndpoint(active());
    const { app, reached } = formApp(endpoint, { tokenFromBody: true });
    const test = request(app).post('/').set('Authorization', 'Bearer good').type('form');
    const response = await test.send('access_token=good').expect(400);
    expect(response.headers['www-authenticate']).toBe(INVALID_REQUEST);
    expect([reached(), endpoint.asked.length]).toEqual([0, 0]);
  });

  it.each([
    ['a repeated parameter', 'access_token=good&access_token=good'],
    ['a list', 'access_token[]=good'],
    ['an object', 'access_token[x]=good'],
    ['an empty value', 'access_token='],
    ['letters beyond ASCII', 'access_token=%C3%A9'],
    ['a line end', 'access_token=good%0D%0A'],
  ])('answers 400 invalid_request to %s', async (_title, body) => {
    const endpoint = await createEndpoint(active());
    const { app, errors } = formApp(endpoint, { tokenFromBody: true });
    const response = await request(app).post('/').type('form').send(body).expect(400);
    expect(response.headers['www-authenticate']).toBe(INVALID_REQUEST);
    expect([errors, endpoint.asked.length]).toEqual([[], 0]);
  });

  it.each([
    ['in JSON', ['POST / HTTP/1.1', 'Content-Type: application/json'], '{"access_token":"good"}'],
    ['in the form of a GET', ['GET / HTTP/1.1', `Content-Type: ${FORM}`], 'access_token=good'],
    ['in the form of a DELETE', ['DELETE / HTTP/1.1', `Content-Type: ${FORM}`], 'access_token=good'],
    ['in the form of an OPTIONS', ['OPTIONS / HTTP/1.1', `Content-Type: ${FORM}`], 'access_token=good'],
    ['under another spelling', ['POST / HTTP/1.1', `Content-Type: ${FORM}`], 'Access_Token=good'],
    ['in the query', ['POST /?access_token=good HTTP/1.1', `Content-Type: ${FORM}`], 'p=q'],
    [
      'in a part of a multipart body',
      ['POST / HTTP/1.1', 'Content-Type: multipart/form-data; boundary=b'],
      '--b\r\nContent-Disposition: form-data; name="access_token"\r\n\r\ngood\r\n--b--\r\n',
    ],
  ])('ignores a token %s', async (_title, lines, body) => {
    const endpoint = await createEndpoint(active());
    const { app } = formApp(endpoint, { tokenFromBody: true });
    const response = await exchange(app, lines, body);
    expect([response.status, response.header('www-authenticate')]).toEqual([401, [BARE]]);
    expect(endpoint.asked).toHaveLength(0);
  });

  it('ignores a parsed body whose type is not a form, whichever parser made it', async () => {
    const endpoint = await createEndpoint(active());
    const parse: RequestHandler = (req, _res, next) => {
      req.body = { access_token: 'good' };
      next();
    };
    const { app } = createApp(parse, createAuthenticate(endpoint, { tokenFromBody: true }));
    await request(app).post('/').type('text/plain').send('x').expect(401);
    expect(endpoint.asked).toHaveLength(0);
  });

  it('ignores a token on the prototype of a parsed form', async () => {
    const endpoint = await createEndpoint(active());
    const parse: RequestHandler = (req, _res, next) => {
      req.body = Object.create({ access_token: 'good' });
      next();
    };
    const { app } = createApp(parse, createAuthenticate(endpoint, { tokenFromBody: true }));
    await request(app).post('/').type('form').send('x=y').expect(401);
    expect(endpoint.asked).toHaveLength(0);
  });

  it('still reads the header when no form parser is mounted', async () => {
    const endpoint = await createEndpoint(active());
    const { app } = createApp(createAuthenticate(endpoint, { tokenFromBody: true }));
    await request(app).post('/').set('Authorization', 'Bearer good').expect(200);
  });
});

describe('getToken', () => {
  const fromCookie: Partial<TokenIntrospectionOptions> = {
    getToken: ({ headers }) => /(?:^|; )session=([^;]*)/.exec(headers.cookie ?? '')?.[1],
  };

  it('returns the token to use, and keeps the response out of shared caches', async () => {
    const endpoint = await createEndpoint(active());
    const { app } = createApi(endpoint, fromCookie);
    const response = await request(app).get('/').set('Cookie', 'session=good').expect(200);
    expect(response.headers['cache-control']).toBe('private');
    expect(endpoint.asked[0]?.form.get('token')).toBe('good');
  });

  it('replaces the header, which is then ignored', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, fromCookie);
    expect((await api.get('good').expect(401)).headers['www-authenticate']).toBe(BARE);
    await request(api.app).get('/').set('Cookie', 'session=good').set('Authorization', 'Bearer a b').expect(200);
    expect(endpoint.asked).toHaveLength(1);
  });

  it.each([undefined, null])('answers 401 without an error when it returns %s', async (value) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { getToken: () => value });
    expect((await api.get('good').expect(401)).headers['www-authenticate']).toBe(BARE);
  });

  it.each<unknown>([
    '',
    'a b',
    'Bearer good',
    7,
    0,
    false,
    true,
    Number.NaN,
    ['good'],
    { token: 'good' },
    Symbol('t'),
    () => 'good',
  ])('answers 400 invalid_request when it returns %p', async (value) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { getToken: () => value as string });
    const response = await api.get('good').expect(400);
    expect(response.headers['www-authenticate']).toBe(INVALID_REQUEST);
    expect([api.errors, api.reached(), endpoint.asked.length]).toEqual([[], 0, 0]);
  });

  it.each([new Error('no cookie jar'), Object.assign(new Error('teapot'), { status: 418 })])(
    'passes on what it throws: %s',
    async (thrown) => {
      const endpoint = await createEndpoint(active());
      const api = createApi(endpoint, {
        optional: true,
        getToken() {
          throw thrown;
        },
      });
      await api.get('good').expect((thrown as { status?: number }).status ?? 500);
      expect(api.errors).toEqual([thrown]);
      expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
    },
  );

  it.each([
    ['resolves', () => Promise.resolve('good')],
    ['rejects', () => Promise.reject(new Error('late'))],
  ])('answers 500 and asks nothing when it is asynchronous and %s', async (_title, getToken) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { getToken: getToken as never });
    await api.get('good').expect(500);
    expect(api.errors).toEqual([expect.objectContaining({ message: expect.stringContaining('"getToken"') })]);
    expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });

  it.each(['max-age=60', 'public'])("does not change a route's own Cache-Control: %s", async (value) => {
    const endpoint = await createEndpoint(active());
    const before: RequestHandler = (_req, res, next) => {
      res.set('Cache-Control', value);
      next();
    };
    const after: RequestHandler = (_req, res, next) => {
      res.set('Cache-Control', value);
      next();
    };
    const authenticate = createAuthenticate(endpoint, fromCookie);
    for (const { app } of [createApp(before, authenticate), createApp(authenticate, after)]) {
      const response = await request(app).get('/').set('Cookie', 'session=good').expect(200);
      expect(response.headers['cache-control']).toBe(value);
    }
  });
});

/** An app with a JSON parser and an extended form parser, which turns names with brackets into lists and objects. */
function formApp(endpoint: Endpoint, options: Partial<TokenIntrospectionOptions>) {
  return createApp(express.urlencoded({ extended: true }), express.json(), createAuthenticate(endpoint, options));
}
