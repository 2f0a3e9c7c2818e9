import { requireFresh, requireScope } from '../../lib/index.js';
import { recordAttempts } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { callAndWait, callGuard, createAuthenticatedRequest, createFakeSetup } from '../support/mock-requests.js';
import { until } from '../support/until.js';
import { recordWarnings } from '../support/warnings.js';

/** A request whose token was looked up `age` seconds before, and a function that calls `requireFresh()`. */
async function createSetup(age: number) {
  const clock = createClock(Math.floor(Date.now() / 1000));
  const { server, authenticate, token } = createFakeSetup({ scope: 'read write' }, { clock });
  await authenticate.introspect(token);
  clock.advance(age);
  const req = (await createAuthenticatedRequest(authenticate, token)) as object as { auth?: { scope?: string } };
  const decisions = recordDecisions();
  const requireFreshResponse = (maxAgeSeconds: number) => callAndWait(requireFresh({ maxAgeSeconds }), req);
  return { server, authenticate, token, clock, decisions, req, requireFreshResponse };
}

describe('requireFresh', () => {
  it('calls next at once when the response is recent enough', async () => {
    const { server, req, decisions, requireFreshResponse } = await createSetup(10);
    const { auth } = req;
    expect(await requireFreshResponse(10)).toMatchObject({ passed: [[]], isSynchronous: true });
    expect(req.auth).toBe(auth);
    expect([server.requests.length, decisions]).toMatchObject([1, [{ outcome: 'accepted', by: 'requireFresh' }]]);
  });

  it('calls next with a new req.auth after it has asked the endpoint', async () => {
    const { server, req, decisions, requireFreshResponse } = await createSetup(10);
    const { auth } = req;
    expect(await requireFreshResponse(9.999)).toMatchObject({ passed: [[]], isSynchronous: false });
    expect(req.auth).toEqual(auth);
    expect(req.auth).not.toBe(auth);
    expect([server.requests.length, decisions]).toMatchObject([2, [{ outcome: 'accepted', by: 'requireFresh' }]]);
  });

  it('accepts the largest age, and rejects a larger one', () => {
    expect(() => requireFresh({ maxAgeSeconds: 86_400 })).not.toThrow();
    expect(() => requireFresh({ maxAgeSeconds: 86_400.001 })).toThrow(TypeError);
  });

  it('rejects a revoked token, and removes req.auth', async () => {
    const { server, token, req, decisions, requireFreshResponse } = await createSetup(10);
    expect(callGuard(requireScope('write'), req).passed).toEqual([[]]);
    server.revoke(token);
    const { passed, res } = await requireFreshResponse(0);
    expect([passed, res.statusCode, 'auth' in req]).toEqual([[], 401, false]);
    expect(res.getHeader('www-authenticate')).toMatch(/error="invalid_token".*, scope="write"$/);
    expect(decisions).toMatchObject([
      { by: 'requireScope' },
      { outcome: 'rejected', by: 'requireFresh', status: 401, reason: 'inactive', tokenDigest: expect.any(String) },
    ]);
  });

  it('passes an outage to next, and removes req.auth', async () => {
    const { server, req, decisions, requireFreshResponse } = await createSetup(10);
    recordWarnings();
    server.fail('client_rejected');
    const { passed } = await requireFreshResponse(0);
    expect(passed).toEqual([[expect.objectContaining({ status: 503, code: 'client_rejected' })]]);
    expect('auth' in req).toBe(false);
    expect(decisions).toMatchObject([{ outcome: 'outage', by: 'requireFresh', reason: 'client_rejected' }]);
  });

  it('rejects a token that has expired since the middleware, without asking the endpoint', async () => {
    const { server, clock, req, requireFreshResponse } = await createSetup(10);
    clock.advance(3600);
    const { passed, res, isSynchronous } = await requireFreshResponse(10);
    expect([passed, res.statusCode, isSynchronous, 'auth' in req]).toEqual([[], 401, true, false]);
    expect(server.requests).toHaveLength(1);
  });

  it('asks the endpoint in the foreground', async () => {
    const { requireFreshResponse } = await createSetup(10);
    const attempts = recordAttempts();
    expect((await requireFreshResponse(0)).passed).toEqual([[]]);
    const starts = attempts.filter(({ event }) => event === 'start');
    expect(starts.map(({ context }) => context.background)).toEqual([false]);
  });

  it('asks the endpoint again after errors, because the token was active lately', async () => {
    const { server, authenticate, token } = await createSetup(10);
    const requests = [];
    for (let count = 0; count < 4; count++) requests.push(await createAuthenticatedRequest(authenticate, token));
    await authenticate.invalidate({ token });
    server.fail('server_error');
    const outcomes: unknown[] = [];
    for (const req of requests) {
      if (req === requests.at(-1)) server.recover();
      const { passed } = callGuard(requireFresh({ maxAgeSeconds: 0 }), req);
      await until(() => passed.length > 0);
      outcomes.push(...passed);
    }
    const failure = [expect.objectContaining({ code: 'server_error' })];
    expect(outcomes).toEqual([failure, failure, failure, []]);
  });

  it('passes an error to next without the middleware', async () => {
    const { passed } = callGuard(requireFresh({ maxAgeSeconds: 1 }), {});
    const message = 'requireFresh() found no req.auth; mount tokenIntrospection() before it';
    expect(passed).toEqual([[expect.objectContaining({ status: 500, message })]]);
    expect(requireFresh({ maxAgeSeconds: 1 }).name).toBe('requireFreshMiddleware');
  });

  it('names no scopes for itself when it rejects an anonymous request', async () => {
    const { authenticate } = createFakeSetup({}, { optional: true, scopes: ['read'] });
    const req = { method: 'GET', url: '/', headers: {}, rawHeaders: [] };
    expect(callGuard(authenticate, req).passed).toEqual([[]]);
    const { passed, res } = callGuard(requireFresh({ maxAgeSeconds: 1 }), req);
    expect([passed, res.getHeader('www-authenticate')]).toEqual([[], 'Bearer realm="api", scope="read"']);
  });
});
