import type { IncomingMessage, ServerResponse } from 'node:http';
import { inspect, isDeepStrictEqual } from 'node:util';
import { type Auth, type Guard, requireClaim, requireFresh, requireScope } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { createEndpoint } from '../support/endpoint.js';
import { callAndWait, callGuard, createAuthenticatedRequest, createFakeSetup } from '../support/mock-requests.js';

type AuthRequest = IncomingMessage & { auth?: unknown };

/** Middleware that does something to the request. */
function doing(work: (req: AuthRequest) => void): Guard {
  return (req, _res, next) => {
    work(req);
    next?.();
  };
}

const CLAIMS = { active: true, sub: 'alice', scope: 'read', ext: { tags: ['a'] } };

describe('a second middleware', () => {
  it.each<[string, object, number]>([
    ['is the same', {}, 200],
    ['fails a guard behind the first', { scope: 'read' }, 403],
    ['fails the first', { aud: 'web' }, 401],
  ])('runs the earlier checks again on a new response, which %s', async (_title, change, status) => {
    const responses = [
      { scope: 'admin', aud: 'api' },
      { scope: 'admin', aud: 'api', ...change },
    ];
    const { authenticate, token } = createFakeSetup(
      {},
      { normalizeResponse: () => ({ active: true, ...responses.shift() }) },
    );
    const req = await createAuthenticatedRequest(authenticate.with({ audience: 'api' }), token);
    expect(callGuard(requireScope('admin'), req).passed).toEqual([[]]);
    await authenticate.invalidate({ token });
    const { passed, res } = await callAndWait(authenticate, req);
    expect([passed, res.statusCode, responses]).toEqual([status === 200 ? [[]] : [], status, []]);
  });

  it('does not run the earlier checks again on the same response', async () => {
    const { authenticate, token } = createFakeSetup({ scope: 'read' });
    const req = await createAuthenticatedRequest(authenticate, token);
    const isReader = jest.fn((scope) => scope === 'read');
    callGuard(requireClaim('scope', isReader), req);
    expect((await callAndWait(authenticate.with({ realm: 'second' }), req)).passed).toEqual([[]]);
    expect(isReader).toHaveBeenCalledTimes(1);
  });

  it('does not run the earlier checks on another token', async () => {
    const { server, authenticate, token } = createFakeSetup({ scope: 'admin' });
    const req = await createAuthenticatedRequest(authenticate, token);
    expect(callGuard(requireScope('admin'), req).passed).toEqual([[]]);
    req.headers.authorization = `Bearer ${server.issue({ scope: 'read' })}`;
    expect((await callAndWait(authenticate, req)).passed).toEqual([[]]);
    expect(callGuard(requireScope('read'), req).passed).toEqual([[]]);
  });

  it('ends the session of the first, so that its req.auth cannot be used again', async () => {
    const { server, authenticate, token } = createFakeSetup({ scope: 'admin' });
    const req: AuthRequest = await createAuthenticatedRequest(authenticate, token);
    const { auth } = req;
    req.headers.authorization = `Bearer ${server.issue({ scope: 'read' })}`;
    expect((await callAndWait(authenticate, req)).passed).toEqual([[]]);
    req.auth = auth;
    expect(callGuard(requireScope('admin'), req).passed).toEqual([[expect.objectContaining({ status: 500 })]]);
  });

  it('of another server does not run the earlier checks', async () => {
    const { authenticate, token } = createFakeSetup({ scope: 'admin' });
    const other = createFakeSetup(
      {},
      {
        endpoint: 'https://other.example.com/introspect',
        normalizeResponse: () => ({ active: true, scope: 'read' }),
      },
    );
    const req = await createAuthenticatedRequest(authenticate, token);
    expect(callGuard(requireScope('admin'), req).passed).toEqual([[]]);
    expect((await callAndWait(other.authenticate, req)).passed).toEqual([[]]);
    expect(callGuard(requireScope('read'), req).passed).toEqual([[]]);
  });
});

describe('a guard without the middleware', () => {
  it('does not accept claims that introspect() returned', async () => {
    const { authenticate, token } = createFakeSetup({ scope: 'read' });
    const auth = await authenticate.introspect(token);
    expect(callGuard(requireScope('read'), { auth }).passed).toEqual([[expect.objectContaining({ status: 500 })]]);
  });

  it.each([null, 0, '', 'text', () => {}])('takes %p for the req.auth of other code', (auth) => {
    const message =
      'requireScope() found a req.auth that tokenIntrospection() did not set on this request; leave that object in place';
    expect(callGuard(requireScope('read'), { auth }).passed).toEqual([[expect.objectContaining({ message })]]);
  });
});

describe('req.auth', () => {
  async function authOf(claims: object = CLAIMS): Promise<Auth> {
    const endpoint = await createEndpoint(claims);
    let auth: unknown;
    const app = createApp(
      createAuthenticate(endpoint),
      doing((req) => {
        auth = req.auth;
      }),
    );
    await get(app, 'good').expect(200);
    return auth as Auth;
  }

  it('is a plain object with the claims and no other visible property', async () => {
    const auth = await authOf();
    expect(Object.getPrototypeOf(auth)).toBe(Object.prototype);
    expect(Reflect.ownKeys(auth)).toEqual(Object.keys({ ...auth }));
    expect(JSON.parse(JSON.stringify(auth))).toEqual(CLAIMS);
    expect(isDeepStrictEqual({ ...auth }, auth)).toBe(true);
    expect(inspect(auth)).not.toMatch(/session|record|token/i);
  });

  it('belongs to one request: additions stay on it, nested values are shared and frozen', async () => {
    const endpoint = await createEndpoint(CLAIMS);
    const seen: Auth[] = [];
    const app = createApp(
      createAuthenticate(endpoint),
      doing((req) => {
        const auth = req.auth as Auth;
        seen.push({ ...auth });
        auth.note = 'mine';
        auth.sub = 'mallory';
        expect(() => (auth.ext as { tags: string[] }).tags.push('b')).toThrow(TypeError);
      }),
    );
    await get(app, 'good').expect(200);
    const second = await get(app, 'good').expect(200);
    expect(endpoint.asked).toHaveLength(1);
    expect(seen).toEqual([CLAIMS, CLAIMS]);
    expect(seen[0]?.ext).toBe(seen[1]?.ext);
    expect(second.body).toEqual({ auth: { ...CLAIMS, sub: 'mallory', note: 'mine' } });
  });

  it('has a claim whose name is a member of Object.prototype that nothing can assign', async () => {
    const { authenticate, token } = createFakeSetup({ tenant: 'acme' });
    Object.defineProperty(Object.prototype, 'tenant', { get: () => 'umbrella', configurable: true });
    try {
      const { auth }: AuthRequest = await createAuthenticatedRequest(authenticate, token);
      expect(Object.getOwnPropertyDescriptor(auth, 'tenant')).toMatchObject({ value: 'acme', writable: true });
    } finally {
      Reflect.deleteProperty(Object.prototype, 'tenant');
    }
  });

  it('has no prototype from the endpoint', async () => {
    const endpoint = await createEndpoint((_: unknown, res: ServerResponse) => {
      res.setHeader('content-type', 'application/json').end('{"active":true,"__proto__":{"admin":true}}');
    });
    const api = createApi(endpoint);
    const response = await api.get('good').expect(200);
    expect(response.text).toBe('{"auth":{"active":true,"scope":""}}');
  });
});

describe('a guard', () => {
  const guard = requireScope('admin');

  it.each<[string, (req: AuthRequest) => void, number]>([
    ['edits that add a scope', (req) => Object.assign(req.auth as object, { scope: 'admin' }), 403],
    [
      'a copy',
      (req) => {
        req.auth = { ...(req.auth as object), scope: 'admin' };
      },
      500,
    ],
    [
      'an object made up',
      (req) => {
        req.auth = { active: true, scope: 'admin' };
      },
      500,
    ],
    [
      'an object that inherits',
      (req) => {
        req.auth = Object.create(req.auth as object);
      },
      500,
    ],
    [
      'a proxy',
      (req) => {
        req.auth = new Proxy(req.auth as object, {});
      },
      500,
    ],
    [
      'text',
      (req) => {
        req.auth = 'admin';
      },
      500,
    ],
    [
      'nothing',
      (req) => {
        delete req.auth;
      },
      500,
    ],
  ])('is not deceived by %s', async (_, work, status) => {
    const api = createApi(await createEndpoint(CLAIMS), {}, doing(work), guard);
    await api.get('good').expect(status);
    expect(api.reached()).toBe(0);
  });

  it('is not deceived by the auth of another request', async () => {
    const endpoint = await createEndpoint((request: { form: URLSearchParams }) => ({
      active: true,
      scope: request.form.get('token') === 'strong' ? 'admin' : 'read',
    }));
    let strong: unknown;
    const api = createApi(
      endpoint,
      {},
      doing((req) => {
        if ((req.auth as Auth).scope === 'admin') strong = req.auth;
        else req.auth = strong;
      }),
      guard,
    );
    await api.get('strong').expect(200);
    await api.get('weak').expect(500);
    expect(api.reached()).toBe(1);
  });

  it('is not deceived by an earlier auth of the same request', async () => {
    let earlier: unknown;
    let requests = 0;
    const endpoint = await createEndpoint(() => ({ active: true, scope: requests++ === 0 ? 'admin' : 'read' }));
    const clock = createClock();
    const api = createApi(
      endpoint,
      { clock },
      doing((req) => {
        earlier = req.auth;
      }),
      requireFresh({ maxAgeSeconds: 0 }),
      doing((req) => {
        req.auth = earlier;
      }),
      guard,
    );
    await api.authenticate.introspect('good');
    clock.advance(1);
    await api.get('good').expect(500);
    expect([endpoint.asked.length, api.reached()]).toEqual([2, 0]);
  });

  it('still checks when edits remove a scope', async () => {
    const edit = doing((req) => Object.assign(req.auth as object, { scope: '' }));
    const api = createApi(await createEndpoint({ active: true, scope: 'admin' }), {}, edit, guard);
    await api.get('good').expect(200);
  });
});

describe('req.auth of an earlier middleware', () => {
  const forged = { active: true, scope: 'admin', sub: 'mallory' };
  const anonymous = (members: object = {}) => ({ method: 'GET', url: '/', headers: {}, rawHeaders: [], ...members });

  it.each<[string, (req: AuthRequest) => void]>([
    [
      'as a property',
      (req) => {
        req.auth = forged;
      },
    ],
    [
      'behind the request',
      (req) => {
        Object.setPrototypeOf(
          req,
          Object.create(Object.getPrototypeOf(req), { auth: { value: forged, writable: true } }),
        );
      },
    ],
    [
      'behind the request, not to be written',
      (req) => {
        Object.setPrototypeOf(req, Object.create(Object.getPrototypeOf(req), { auth: { value: forged } }));
      },
    ],
    [
      'as a getter',
      (req) => {
        Object.defineProperty(req, 'auth', { get: () => forged, configurable: true });
      },
    ],
  ])('%s is removed, for anonymous requests and for valid tokens', async (_, work) => {
    const authenticate = createAuthenticate(await createEndpoint(CLAIMS), { optional: true });
    const app = createApp(doing(work), authenticate);
    expect((await get(app).expect(200)).body).toEqual({ auth: null });
    expect((await get(app, 'good').expect(200)).body).toEqual({ auth: CLAIMS });
  });

  it('leaves no property on an anonymous request', () => {
    const req = anonymous({ auth: forged });
    expect(callGuard(createFakeSetup({}, { optional: true }).authenticate, req).passed).toEqual([[]]);
    expect('auth' in req).toBe(false);
  });

  it('is hidden for an anonymous request that inherits it, by a property that code can replace or delete', () => {
    const req = Object.assign(Object.create({ auth: forged }), anonymous());
    expect(callGuard(createFakeSetup({}, { optional: true }).authenticate, req).passed).toEqual([[]]);
    expect(Object.getOwnPropertyDescriptor(req, 'auth')).toEqual({
      value: undefined,
      writable: true,
      enumerable: false,
      configurable: true,
    });
  });

  it('that is locked causes an error that says so', () => {
    const req = Object.defineProperty(anonymous(), 'auth', { value: forged });
    expect(callGuard(createFakeSetup({}, { optional: true }).authenticate, req).passed).toEqual([
      [new Error('req.auth was locked before tokenIntrospection() ran')],
    ]);
  });

  it('is removed for a rejected request, before its error handler runs', async () => {
    let seen: unknown = 'not looked';
    const authenticate = createAuthenticate(await createEndpoint({ active: false }), {
      onReject(error, req, _res, next) {
        seen = (req as AuthRequest).auth;
        next(error);
      },
    });
    const app = createApp(
      doing((req) => {
        req.auth = forged;
      }),
      authenticate,
    );
    await get(app, 'bad').expect(401);
    expect(seen).toBeUndefined();
  });

  it('is removed while the endpoint is asked', async () => {
    let req: AuthRequest | undefined;
    let seen: unknown = 'not looked';
    const endpoint = await createEndpoint(() => {
      seen = req?.auth;
      return CLAIMS;
    });
    const app = createApp(
      doing((incoming) => {
        incoming.auth = forged;
        req = incoming;
      }),
      createAuthenticate(endpoint),
    );
    await get(app, 'good').expect(200);
    expect(seen).toBeUndefined();
  });

  it('that is locked fails the request instead of passing as ours', async () => {
    const app = createApp(
      doing((req) => Object.defineProperty(req, 'auth', { value: forged })),
      createAuthenticate(await createEndpoint(CLAIMS), { optional: true }),
    );
    await get(app).expect(500);
    await get(app, 'good').expect(500);
    expect(app.reached()).toBe(0);
  });
});
