import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { requireScope } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { INVALID_TOKEN } from '../support/challenges.js';
import { active, createEndpoint } from '../support/endpoint.js';

const FORGED = { active: true, sub: 'mallory', scope: 'admin' };

type Preset = readonly [title: string, preset: (req: IncomingMessage) => void];

/** Ways in which something can be on `req.auth` before the middleware runs. */
const PRESETS: readonly Preset[] = [
  ['a plain property', (req) => void Object.assign(req, { auth: { ...FORGED } })],
  ['a read-only property', (req) => define(req, { value: { ...FORGED }, configurable: true })],
  ['a getter', (req) => define(req, { get: () => ({ ...FORGED }), configurable: true })],
  [
    'a property of the prototype',
    (req) => define(prototype(req), { value: { ...FORGED }, configurable: true, writable: true }),
  ],
  ['a read-only property of the prototype', (req) => define(prototype(req), { value: { ...FORGED } })],
  ['a getter of the prototype', (req) => define(prototype(req), { get: () => ({ ...FORGED }) })],
  ['a getter of the prototype that returns nothing', (req) => define(prototype(req), { get: () => undefined })],
  ['an accessor of the prototype', (req) => define(prototype(req), { get: () => ({ ...FORGED }), set: () => {} })],
  [
    'a property hidden by another',
    (req) => {
      define(prototype(req), { value: { ...FORGED } });
      define(req, { value: { ...FORGED }, configurable: true });
    },
  ],
];

describe.each<Preset>([...PRESETS])('req.auth that exists already as %s', (_title, preset) => {
  const forge: RequestHandler = (req, _res, next) => {
    preset(req);
    next();
  };

  it('is replaced by the claims of a valid token, from the endpoint or the cache', async () => {
    const endpoint = await createEndpoint(active({ scope: 'read' }));
    const app = createApp(forge, createAuthenticate(endpoint), requireScope('read'));
    for (const _time of ['asked', 'remembered']) {
      expect((await get(app, 'token').expect(200)).body.auth).toMatchObject({ sub: 'alice', scope: 'read' });
    }
    expect([app.errors, endpoint.asked.length]).toEqual([[], 1]);
  });

  it('is removed for an anonymous request', async () => {
    const endpoint = await createEndpoint(active());
    const app = createApp(forge, createAuthenticate(endpoint, { optional: true }));
    expect((await get(app).expect(200)).body).toEqual({ auth: null });
  });

  it('satisfies no guard', async () => {
    const endpoint = await createEndpoint(active());
    const app = createApp(forge, createAuthenticate(endpoint, { optional: true }), requireScope('admin'));
    await get(app).expect(401);
    await get(app, 'token').expect(403);
    expect(app.reached()).toBe(0);
  });

  it.each([
    ['a rejection', { active: false }, 401],
    ['an outage', { active: 'yes' }, 503],
  ])('is removed when an error handler receives %s', async (_what, script, status) => {
    const endpoint = await createEndpoint(script);
    const seen: unknown[] = [];
    const authenticate = createAuthenticate(endpoint, {
      onReject: (error, _req, _res, next) => next(error),
    });
    const app = createApp(forge, authenticate);
    app.app.use(((error, req, _res, next) => {
      seen.push((req as { auth?: unknown }).auth);
      next(error);
    }) as import('express').ErrorRequestHandler);
    await get(app, 'token').expect(status);
    expect(seen).toEqual([undefined]);
  });
});

describe('req.auth', () => {
  it('causes 500 when it cannot be replaced', async () => {
    const endpoint = await createEndpoint(active());
    const nail: RequestHandler = (req, _res, next) => {
      define(req, { value: { ...FORGED } });
      next();
    };
    const app = createApp(nail, createAuthenticate(endpoint, { optional: true }));
    for (const token of [undefined, 'asked', 'asked']) await get(app, token).expect(500);
    expect(app.reached()).toBe(0);
  });

  it('is the only property that is added to the request', async () => {
    const endpoint = await createEndpoint(active());
    const before: PropertyKey[] = [];
    const after: PropertyKey[] = [];
    const note =
      (keys: PropertyKey[]): RequestHandler =>
      (req, _res, next) => {
        keys.push(...Reflect.ownKeys(req));
        next();
      };
    const app = createApp(note(before), createAuthenticate(endpoint), requireScope('read'), note(after));
    await get(app, 'token').expect(200);
    expect(after.filter((key) => !before.includes(key))).toEqual(['auth']);
  });

  it('is a plain object with the claims as sent, except null members, and scope is always a string', async () => {
    const endpoint = await createEndpoint({
      active: true,
      sub: '',
      username: null,
      tenant: { id: [1, { a: null }] },
      jti: null,
    });
    const seen: { auth?: Record<string, unknown> }[] = [];
    const app = createApp(createAuthenticate(endpoint), (req, _res, next) => {
      seen.push(req as never);
      next();
    });
    await get(app, 'token').expect(200);
    const auth = seen[0]?.auth ?? {};
    expect(auth).toStrictEqual({ active: true, sub: '', scope: '', tenant: { id: [1, { a: null }] } });
    expect([Object.getPrototypeOf(auth), Object.isFrozen(auth)]).toEqual([Object.prototype, false]);
    const { tenant } = auth as { tenant: { id: unknown[] } };
    expect([tenant, tenant.id, tenant.id[1]].map((part) => Object.isFrozen(part))).toEqual([true, true, true]);
    expect(Reflect.ownKeys(auth).sort()).toEqual(['active', 'scope', 'sub', 'tenant']);
  });

  it('does not contain the token', async () => {
    const endpoint = await createEndpoint(active());
    expect((await createApi(endpoint).get('tok-1234').expect(200)).text).not.toContain('tok-1234');
  });

  it('is removed when a second middleware rejects the request that the first accepted', async () => {
    const endpoint = await createEndpoint(active({ aud: 'api' }));
    const authenticate = createAuthenticate(endpoint, { audience: 'api' });
    const second = authenticate.with({ audience: 'web', onReject: (error, _req, _res, next) => next(error) });
    const seen: unknown[] = [];
    const app = createApp(authenticate, second);
    app.app.use(((error, req, _res, next) => {
      seen.push((req as { auth?: unknown }).auth);
      next(error);
    }) as import('express').ErrorRequestHandler);
    await get(app, 'token').expect(401);
    expect([seen, app.reached()]).toEqual([[undefined], 0]);
  });
});

describe('headers that are already on the response', () => {
  const cors: RequestHandler = (_req, res, next) => {
    res.set({ 'Access-Control-Allow-Origin': 'https://web.test', Vary: 'Origin', 'X-Request-Id': '7' });
    next();
  };

  it.each<[string, object, string | undefined, number]>([
    ['401', active(), undefined, 401],
    ['400', active(), 'a b', 400],
    ['401 invalid_token', { active: false }, 'bad', 401],
    ['403', active({ scope: '' }), 'weak', 403],
    ['200', active(), 'good', 200],
  ])('stay on a %s, including CORS headers', async (_title, script, token, status) => {
    const endpoint = await createEndpoint(script);
    const app = createApp(cors, createAuthenticate(endpoint, { scopes: ['read'] }));
    const { headers } = await get(app, token).expect(status);
    expect(headers['access-control-allow-origin']).toBe('https://web.test');
    expect([headers.vary, headers['x-request-id']]).toEqual(['Origin', '7']);
  });

  it.each<[string, string | string[], string[]]>([
    ['one challenge', 'Basic realm="b"', ['Basic realm="b"']],
    ['several', ['Basic realm="b"', 'Negotiate'], ['Basic realm="b"', 'Negotiate']],
  ])('stay on a 401, and the challenge is added after them: %s', async (_title, existing, kept) => {
    const endpoint = await createEndpoint({ active: false });
    const before: RequestHandler = (_req, res, next) => {
      res.setHeader('WWW-Authenticate', existing);
      next();
    };
    for (const onReject of [undefined, passOn]) {
      const api = createApp(before, createAuthenticate(endpoint, { onReject } as object));
      const { headers } = await get(api, 'bad').expect(401);
      expect(headers['www-authenticate']).toBe([...kept, INVALID_TOKEN].join(', '));
    }
  });

  it('are dropped when they describe content that is no longer sent', async () => {
    const endpoint = await createEndpoint(active());
    const before: RequestHandler = (_req, res, next) => {
      res.set({ 'Content-Encoding': 'gzip', ETag: '"x"', 'Last-Modified': 'Wed, 21 Oct 2015 07:28:00 GMT' });
      res.set({ 'Content-Length': '99999', 'Content-Type': 'text/html', 'Cache-Control': 'public, max-age=60' });
      next();
    };
    const { headers, body } = await get(createApp(before, createAuthenticate(endpoint))).expect(401);
    expect(body).toEqual({});
    expect([headers['content-encoding'], headers.etag, headers['last-modified']]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([headers['content-length'], headers['cache-control']]).toEqual(['2', 'no-store']);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
  });
});

function passOn(error: unknown, _req: unknown, _res: unknown, next: (error: unknown) => void): void {
  next(error);
}

function define(target: object, descriptor: PropertyDescriptor): void {
  Object.defineProperty(target, 'auth', descriptor);
}

/** A prototype of this request only. */
function prototype(req: IncomingMessage): object {
  const own = Object.create(Object.getPrototypeOf(req));
  Object.setPrototypeOf(req, own);
  return own;
}
