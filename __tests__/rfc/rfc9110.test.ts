import type { RequestHandler } from 'express';
import request from 'supertest';
import { type TokenIntrospectionOptions, tokenIntrospection } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { BARE, INVALID_REQUEST } from '../support/challenges.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { exchange } from '../support/serve.js';

const REQUIRED = { endpoint: 'https://as.test', clientAuth: { identity: 'x', sign() {} }, audience: false } as const;

describe('RFC 9110 section 5: fields', () => {
  it('section 5.3: two Authorization lines get 400', async () => {
    const endpoint = await createEndpoint(active());
    const { app } = createApi(endpoint);
    const lines = ['GET / HTTP/1.1', 'Authorization: Bearer a', 'Authorization: Bearer b'];
    const response = await exchange(app, lines);
    expect([response.status, response.header('www-authenticate')]).toEqual([400, [INVALID_REQUEST]]);
    expect(endpoint.asked).toHaveLength(0);
  });

  it('section 5.4: a field that is too long for the server gets 431 without an introspection request', async () => {
    const endpoint = await createEndpoint(active());
    const response = await exchange(createApi(endpoint).app, [
      'GET / HTTP/1.1',
      `Authorization: Bearer ${'a'.repeat(20_000)}`,
    ]);
    expect([response.status, endpoint.asked.length]).toEqual([431, 0]);
  });

  it.each([
    ['NUL', '\0'],
    ['a control character', '\x01'],
    ['a vertical tab', '\x0b'],
    ['DEL', '\x7f'],
    ['a bare CR', '\r'],
    ['a folded line', '\r\n '],
    ['a tab', '\t'],
  ])('section 5.5: %s in a credential gets 400 without an introspection request', async (_title, character) => {
    const endpoint = await createEndpoint(active());
    const response = await exchange(createApi(endpoint).app, [
      'GET / HTTP/1.1',
      `Authorization: Bearer a${character}b`,
    ]);
    expect([response.status, endpoint.asked.length]).toEqual([400, 0]);
  });

  it('section 5.5: white space around the value is ignored', async () => {
    const endpoint = await createEndpoint(active());
    const response = await exchange(createApi(endpoint).app, ['GET / HTTP/1.1', 'Authorization: \t Bearer x \t']);
    expect([response.status, endpoint.asked[0]?.form.get('token')]).toEqual([200, 'x']);
  });

  it.each([
    ['a quote and a backslash', 'a"b\\c', 'Bearer realm="a\\"b\\\\c"'],
    ['a comma and an equals sign', 'a, error="x', 'Bearer realm="a, error=\\"x"'],
    ['a space', 'Reports API', 'Bearer realm="Reports API"'],
  ])('section 5.6.4: %s in the realm is quoted', async (_title, realm, challenge) => {
    const endpoint = await createEndpoint(active());
    expect((await createApi(endpoint, { realm }).get().expect(401)).headers['www-authenticate']).toBe(challenge);
  });

  it.each<[keyof TokenIntrospectionOptions, unknown]>([
    ['realm', 'a\r\nX: y'],
    ['realm', 'a\0'],
    ['realm', 'é'],
    ['realm', '\u2028'],
    ['realm', 7],
    ['resourceMetadata', 'https://api.test/\r\nX: y'],
    ['resourceMetadata', 'https://api.test/é'],
    ['resourceMetadata', '/.well-known/oauth-protected-resource'],
    ['resourceMetadata', 'javascript:alert(1)'],
  ])('section 5.6.4: text that a quoted-string cannot contain throws at start-up: %s %j', (name, value) => {
    expect(() => tokenIntrospection({ ...REQUIRED, [name]: value })).toThrow(`"${name}"`);
    expect(() => tokenIntrospection(REQUIRED).with({ [name]: value })).toThrow(`"${name}"`);
  });
});

describe('RFC 9110 section 9.3: methods', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'section 9.3: %s requires authentication',
    async (method) => {
      const endpoint = await createEndpoint(active());
      const api = createApi(endpoint);
      const response = await exchange(api.app, [`${method} / HTTP/1.1`]);
      expect([response.status, response.header('www-authenticate')]).toEqual([401, [BARE]]);
      expect(api.reached()).toBe(0);
    },
  );

  it.each([
    ['a preflight', 'OPTIONS', ['Origin: https://web.test', 'Access-Control-Request-Method: GET']],
    [
      'a GET with the headers of a preflight',
      'GET',
      ['Origin: https://web.test', 'Access-Control-Request-Method: GET'],
    ],
    ['an overridden method', 'POST', ['X-HTTP-Method-Override: OPTIONS']],
  ])('section 9.3.7: %s requires authentication', async (_title, method, headers) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint);
    const response = await exchange(api.app, [`${method} / HTTP/1.1`, ...headers]);
    expect([response.status, api.reached()]).toEqual([401, 0]);
  });

  it('section 9.3.7: CORS middleware mounted before handles preflights without an introspection request', async () => {
    const endpoint = await createEndpoint(active());
    const cors: RequestHandler = (req, res, next) => {
      res.set('Access-Control-Allow-Origin', '*');
      if (req.method === 'OPTIONS') res.sendStatus(204);
      else next();
    };
    const app = createApp(cors, createAuthenticate(endpoint));
    await request(app.app).options('/').expect(204);
    expect((await get(app).expect(401)).headers['access-control-allow-origin']).toBe('*');
    expect(endpoint.asked).toHaveLength(0);
  });

  it.each([
    ['200', active(), 'good', 200],
    ['401', active(), undefined, 401],
    ['401 invalid_token', { active: false }, 'bad', 401],
    ['403', active({ scope: '' }), 'weak', 403],
  ])('section 9.3.2: HEAD has the headers of a GET, %s, and no content', async (_title, script, token, status) => {
    const endpoint = await createEndpoint(script);
    const { app } = createApi(endpoint, { scopes: ['read'] });
    const credentials = token === undefined ? [] : [`Authorization: Bearer ${token}`];
    const head = await exchange(app, ['HEAD / HTTP/1.1', ...credentials]);
    const whole = await exchange(app, ['GET / HTTP/1.1', ...credentials]);
    const withoutDate = (response: typeof head) => response.headers.filter(([name]) => name !== 'date');
    expect([head.status, whole.status]).toEqual([status, status]);
    expect(withoutDate(head)).toEqual(withoutDate(whole));
    expect([head.body, whole.body.length > 0]).toEqual(['', true]);
  });
});

describe('RFC 9110 section 10.2.3: Retry-After', () => {
  it.each([
    ['7', '7'],
    ['007', '7'],
    ['120', '120'],
    ['121', '120'],
    ['99999999999999999999', '120'],
    ['0', '1'],
    ['-5', '1'],
    ['1.5', '1'],
    ['1e2', '1'],
    ['soon', '1'],
    ['7, 8', '1'],
    ['Fri, 31 Dec 2100 23:59:59 GMT', '120'],
    ['Thu, 01 Jan 1970 00:00:00 GMT', '1'],
    ['in 2100', '1'],
  ])('section 10.2.3: %j of the endpoint becomes %s', async (given, told) => {
    const endpoint = await createEndpoint((_asked, res) => void res.writeHead(503, { 'retry-after': given }).end());
    expect((await createApi(endpoint).get('any').expect(503)).headers['retry-after']).toBe(told);
  });
});

describe('RFC 9110 section 11: authentication', () => {
  it.each(['Bearer x', 'bearer x', 'BEARER x', 'bEaReR x'])(
    'section 11.1: the scheme of %j is Bearer',
    async (authorization) => {
      const endpoint = await createEndpoint(active());
      await request(createApi(endpoint).app).get('/').set('Authorization', authorization).expect(200);
    },
  );

  it.each([
    'Bearerx y',
    'Bearer-x y',
    'BearerToken',
    'Bear er',
    'Basic Bearer',
    'Digest username="Bearer"',
    '"Bearer" x',
    'B\u00e9arer x',
  ])('section 11.1: the scheme of %j is not', async (authorization) => {
    const endpoint = await createEndpoint(active());
    const { app } = createApi(endpoint);
    const response = await request(app).get('/').set('Authorization', authorization).expect(401);
    expect([response.headers['www-authenticate'], endpoint.asked.length]).toEqual([BARE, 0]);
  });

  it.each([
    ['none', active(), undefined, 401],
    ['invalid', { active: false }, 'bad', 401],
    ['valid and insufficient', active({ scope: '' }), 'weak', 403],
    ['valid', active(), 'good', 200],
  ])('section 11.4: credentials that are %s', async (_title, script, token, status) => {
    const endpoint = await createEndpoint(script);
    const response = await createApi(endpoint, { scopes: ['read'] })
      .get(token)
      .expect(status);
    expect(response.headers['www-authenticate'] !== undefined).toBe(status !== 200);
  });

  it('section 11.5: the realm is always quoted', async () => {
    const endpoint = await createEndpoint(active());
    expect((await createApi(endpoint, { realm: 'plain' }).get()).headers['www-authenticate']).toBe(
      'Bearer realm="plain"',
    );
  });

  it('section 11.6.1: an existing challenge stays in a separate header line', async () => {
    const endpoint = await createEndpoint(active());
    const basic: RequestHandler = (_req, res, next) => {
      res.set('WWW-Authenticate', 'Basic realm="b"');
      next();
    };
    const response = await exchange(createApp(basic, createAuthenticate(endpoint)).app, ['GET / HTTP/1.1']);
    expect(response.header('www-authenticate')).toEqual(['Basic realm="b"', BARE]);
  });

  it('section 11.7.2: Proxy-Authorization is ignored', async () => {
    const endpoint = await createEndpoint(active());
    const { app } = createApi(endpoint);
    await request(app).get('/').set('Proxy-Authorization', 'Bearer x').expect(401);
    expect(endpoint.asked).toHaveLength(0);
  });
});

describe('RFC 9110 section 12.5.5 and RFC 9111: HTTP caches', () => {
  const ANSWERS: readonly [title: string, script: Script, token: string | undefined, status: number][] = [
    ['200', active(), 'good', 200],
    ['400', active(), 'a b', 400],
    ['401', active(), undefined, 401],
    ['401 invalid_token', { active: false }, 'bad', 401],
    ['403', active({ scope: '' }), 'weak', 403],
    ['503', (_asked, res) => json(res, {}, 500), 'any', 503],
  ];

  it.each([...ANSWERS])('section 12.5.5: Vary stays as the app set it, %s', async (_title, script, token, status) => {
    const endpoint = await createEndpoint(script);
    const vary: RequestHandler = (_req, res, next) => {
      res.set('Vary', 'Origin');
      next();
    };
    const app = createApp(vary, createAuthenticate(endpoint, { scopes: ['read'] }));
    expect((await get(app, token).expect(status)).headers.vary).toBe('Origin');
    const bare = createApi(endpoint, { scopes: ['read'] });
    expect((await bare.get(token).expect(status)).headers.vary).toBeUndefined();
  });

  it.each([...ANSWERS])(
    'RFC 9111 sections 3.5 and 5.2: %s is not stored unless the route allows it',
    async (_title, script, token, status) => {
      const endpoint = await createEndpoint(script);
      const response = await createApi(endpoint, { scopes: ['read'] })
        .get(token)
        .expect(status);
      expect(response.headers['cache-control']).toBe(status === 200 ? undefined : 'no-store');
    },
  );

  it.each(['max-age=60, private', 'public, s-maxage=60'])('RFC 9111 section 5.2: a route may set %s', async (value) => {
    const endpoint = await createEndpoint(active());
    const route: RequestHandler = (_req, res, next) => {
      res.set('Cache-Control', value);
      next();
    };
    const app = createApp(createAuthenticate(endpoint), route);
    expect((await get(app, 'good').expect(200)).headers['cache-control']).toBe(value);
  });
});
