import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import request from 'supertest';
import {
  type AuthError,
  IntrospectionError,
  requireFresh,
  requireScope,
  type TokenIntrospectionOptions,
} from '../../lib/index.js';
import { whenSettled } from '../../lib/middleware/when-settled.js';
import { createApi, createAuthenticate } from '../support/api.js';
import { BARE, INVALID_TOKEN } from '../support/challenges.js';
import { startChild } from '../support/child.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { createEndpoint, json } from '../support/endpoint.js';
import { until } from '../support/until.js';

type RequestHandlerLike = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

type OnReject = NonNullable<TokenIntrospectionOptions['onReject']>;

describe('asynchronous authentication', () => {
  function run(work: Promise<unknown>, use: (value: unknown) => void = () => {}) {
    const calls: unknown[] = [];
    whenSettled(
      work,
      (value) => {
        calls.push(value);
        use(value);
      },
      () => calls.push('done'),
      (error) => calls.push(error),
    );
    return calls;
  }

  const failure = new Error('no');

  it('calls next with its result, or with its error', async () => {
    const [work, failing] = [createDeferred<string>(), createDeferred()];
    const calls = run(work.promise);
    const failed = run(failing.promise);
    await new Promise((resolve) => setImmediate(resolve));
    expect([calls, failed]).toEqual([[], []]);
    work.resolve('value');
    failing.reject(failure);
    await until(() => calls.length > 1 && failed.length > 0);
    expect([calls, failed]).toEqual([['value', 'done'], [failure]]);
  });

  it('calls next with an error when its result cannot be used', async () => {
    const calls = run(Promise.resolve('value'), () => {
      throw failure;
    });
    await until(() => calls.length > 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual(['value', failure]);
  });

  it('calls next once with whatever it rejects with', async () => {
    const calls = run(Promise.reject(undefined));
    await until(() => calls.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual([undefined]);
  });

  it.each(['going on', 'failing'])(
    'does not catch what the app throws on %s and does not call next twice',
    async (when) => {
      const child = startChild('__tests__/support/run-when-settled.cjs', [when]);
      expect(await child.exit).toBe(0);
      expect(child.lines).toEqual(['called', 'uncaughtException of the app']);
    },
  );
});

describe('synchronous authentication', () => {
  const CLAIMS = { active: true, scope: 'read' };

  /** Runs the middlewares until one waits. Returns how many have called next, the errors, and the status. */
  function pass(authorization: string | undefined, ...middlewares: RequestHandlerLike[]) {
    const headers = authorization === undefined ? {} : { authorization };
    const rawHeaders = Object.entries(headers).flat();
    const req = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: '/', headers, rawHeaders });
    const res = new ServerResponse(req);
    let called = 0;
    const errors: unknown[] = [];
    const step = (error?: unknown): void => {
      if (error !== undefined) errors.push(error);
      else middlewares[called++]?.(req, res, step);
    };
    step();
    return { passed: called - 1, errors, status: res.writableEnded ? res.statusCode : undefined };
  }

  it('calls next or responds in the same tick', async () => {
    const endpoint = await createEndpoint(CLAIMS);
    const authenticate = createAuthenticate(endpoint);
    await authenticate.introspect('good');
    const optional = authenticate.with({ optional: true });
    const guards = [requireScope('read'), requireFresh({ maxAgeSeconds: 60 })];
    expect(pass('Bearer good', authenticate, ...guards)).toEqual({ passed: 3, errors: [], status: undefined });
    expect(pass(undefined, optional)).toEqual({ passed: 1, errors: [], status: undefined });
    expect(pass(undefined, authenticate)).toEqual({ passed: 0, errors: [], status: 401 });
    expect(pass('Bearer a b', authenticate)).toEqual({ passed: 0, errors: [], status: 400 });
    expect(pass('Bearer good', authenticate.with({ scopes: ['admin'] }))).toEqual({
      passed: 0,
      errors: [],
      status: 403,
    });
    expect(pass('Bearer other', authenticate)).toEqual({ passed: 0, errors: [], status: undefined });
    expect(endpoint.asked).toHaveLength(1);
  });

  it('lets requireFresh reject in the same tick, too', async () => {
    const clock = createClock();
    const authenticate = createAuthenticate(await createEndpoint({ ...CLAIMS, exp: clock.seconds() + 10 }), {
      clock,
      cache: { ttlSeconds: 60 },
    });
    await authenticate.introspect('good');
    const late: RequestHandlerLike = (_req, _res, next) => {
      clock.step(40);
      next();
    };
    expect(pass('Bearer good', authenticate, late, requireFresh({ maxAgeSeconds: 60 }))).toEqual({
      passed: 2,
      errors: [],
      status: 401,
    });
  });

  it('does not treat an error that the app throws in next() as an authentication failure', async () => {
    const authenticate = createAuthenticate(await createEndpoint(CLAIMS));
    await authenticate.introspect('good');
    const decisions = recordDecisions();
    const failing: RequestHandlerLike = () => {
      throw new Error('of the app');
    };
    const guard = requireFresh({ maxAgeSeconds: 60 });
    expect(() => pass('Bearer good', authenticate, failing)).toThrow('of the app');
    expect(() => pass(undefined, authenticate.with({ optional: true }), failing)).toThrow('of the app');
    expect(() => pass('Bearer good', authenticate, guard, failing)).toThrow('of the app');
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['accepted', 'anonymous', 'accepted', 'accepted']);
  });
});

describe('onReject', () => {
  const INACTIVE = { active: false };

  it('receives the error with its headers, the request and the response', async () => {
    const endpoint = await createEndpoint(INACTIVE);
    const seen: unknown[] = [];
    const api = createApi(endpoint, {
      onReject(error, req, res) {
        seen.push(error, req.url);
        res.writeHead(418, error.headers).end(error.reason);
      },
    });
    const response = await api.get('bad').expect(418);
    expect(response.text).toBe('inactive');
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(seen).toEqual([
      expect.objectContaining({
        name: 'AuthError',
        status: 401,
        statusCode: 401,
        code: 'invalid_token',
        reason: 'inactive',
        headers: { 'WWW-Authenticate': INVALID_TOKEN, 'Cache-Control': 'no-store' },
      }),
      '/',
    ]);
    expect([api.reached(), api.errors]).toEqual([0, []]);
  });

  const CALLS: [string, OnReject][] = [
    ['next()', (_error, _req, _res, next) => next()],
    ['next(undefined)', (_error, _req, _res, next) => next(undefined)],
    ['next(null)', (_error, _req, _res, next) => next(null)],
    ["next('route')", (_error, _req, _res, next) => next('route')],
    ["next('router')", (_error, _req, _res, next) => next('router')],
    ['next(false)', (_error, _req, _res, next) => next(false)],
    ['next(error)', (error, _req, _res, next) => next(error)],
    [
      'next() twice',
      (_error, _req, _res, next) => {
        next();
        next();
      },
    ],
    ['next() after a while', async (_error, _req, _res, next) => void setImmediate(() => next())],
    [
      'a throw of nothing',
      () => {
        throw undefined;
      },
    ],
    ['a rejection with nothing', () => Promise.reject(undefined)],
  ];

  it.each(CALLS)('cannot let a request through with %s: next receives the rejection once', async (_, onReject) => {
    const endpoint = await createEndpoint(INACTIVE);
    const api = createApi(endpoint, { onReject });
    const response = await api.get('bad').expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(api.errors).toEqual([expect.objectContaining({ reason: 'inactive' })]);
    expect(api.reached()).toBe(0);
  });

  const FAILURE = Object.assign(new Error('of the app'), { status: 502 });

  it.each<[string, OnReject]>([
    ['passes on', (_error, _req, _res, next) => next(FAILURE)],
    [
      'throws',
      () => {
        throw FAILURE;
      },
    ],
    ['rejects with', () => Promise.reject(FAILURE)],
  ])('may respond with an error of its own, which it %s', async (_, onReject) => {
    const endpoint = await createEndpoint(INACTIVE);
    const api = createApi(endpoint, { onReject });
    await api.get('bad').expect(502);
    expect(api.errors).toEqual([FAILURE]);
    expect(api.reached()).toBe(0);
  });

  it.each<[string, OnReject, number, string]>([
    ['passes the rejection on', (error, _req, _res, next) => next(error), 401, '{}'],
    ['goes on', (_error, _req, _res, next) => next(), 401, '{}'],
    ['passes on an error of its own', (_error, _req, _res, next) => next(FAILURE), 500, '{"error":"server_error"}'],
    [
      'throws',
      () => {
        throw FAILURE;
      },
      500,
      '{"error":"server_error"}',
    ],
  ])('that %s leaves the response to the middleware when there is no next', async (_, onReject, status, text) => {
    const authenticate = createAuthenticate(await createEndpoint(INACTIVE), { onReject });
    const response = await request(createServer((req, res) => authenticate(req, res))).get('/');
    expect([response.status, response.text]).toEqual([status, text]);
    expect(response.headers['www-authenticate']).toBe(status === 401 ? BARE : undefined);
  });

  it('passes on one error, however often it calls next', async () => {
    const authenticate = createAuthenticate(await createEndpoint(INACTIVE), {
      onReject(_error, _req, _res, next) {
        next();
        next(FAILURE);
        throw FAILURE;
      },
    });
    const passed: unknown[] = [];
    const server = createServer((req, res) =>
      authenticate(req, res, (error) => {
        passed.push(error);
        if (!res.writableEnded) res.end();
      }),
    );
    await request(server).get('/').expect(200);
    expect(passed).toEqual([expect.objectContaining({ reason: 'no_credentials' })]);
  });

  it('is not called in an outage', async () => {
    const onReject = jest.fn<void, Parameters<OnReject>>();
    const endpoint = await createEndpoint((_: unknown, res: Parameters<typeof json>[0]) => json(res, {}, 500));
    const api = createApi(endpoint, { onReject });
    await api.get('good').expect(503);
    expect(onReject).not.toHaveBeenCalled();
  });
});

describe('an exception in the app’s own code', () => {
  it.each([
    ['undefined', undefined],
    ['null', null],
    ['zero', 0],
    ['an empty string', ''],
    ["'route'", 'route'],
    ["'router'", 'router'],
  ])('never lets a request through, not even %s', async (_, thrown) => {
    const endpoint = await createEndpoint({ active: true });
    const api = createApi(endpoint, {
      getToken() {
        throw thrown;
      },
    });
    await api.get().expect(500);
    expect(api.errors).toEqual([new Error('Something other than an error was thrown during authentication')]);
    expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });

  it('reaches the app’s error handling unchanged when it is an error', async () => {
    const failure = Object.assign(new Error('of the app'), { status: 502 });
    const endpoint = await createEndpoint({ active: true });
    const api = createApi(endpoint, {
      getToken() {
        throw failure;
      },
    });
    await api.get().expect(502);
    expect(api.errors).toEqual([failure]);
    expect(api.reached()).toBe(0);
  });
});

describe('an outage', () => {
  it('reaches the app as an error and the client as 503 with Retry-After', async () => {
    const endpoint = await createEndpoint((_: unknown, res: Parameters<typeof json>[0]) => {
      res.setHeader('Retry-After', '30');
      json(res, { error_description: 'hush' }, 503);
    });
    const api = createApi(endpoint);
    const response = await api.get('good').expect(503);
    expect(response.headers).toMatchObject({ 'retry-after': '30', 'cache-control': 'no-store' });
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(api.errors).toEqual([expect.any(IntrospectionError)]);
    expect(api.errors).toEqual([expect.objectContaining({ code: 'server_error', retryAfterSeconds: 30 })]);
    expect(api.reached()).toBe(0);
  });

  it('differs from a rejection in introspect(), too', async () => {
    const endpoint = await createEndpoint({ active: false });
    const authenticate = createAuthenticate(endpoint, { scopes: ['read'] });
    const rejection: AuthError = (await authenticate.introspect('bad').catch((error: AuthError) => error)) as AuthError;
    expect(rejection).toMatchObject({
      name: 'AuthError',
      reason: 'inactive',
      headers: { 'WWW-Authenticate': `${INVALID_TOKEN}, scope="read"`, 'Cache-Control': 'no-store' },
    });
    await endpoint.close();
    await expect(authenticate.introspect('other')).rejects.toMatchObject({ code: 'unreachable', status: 503 });
  });
});
