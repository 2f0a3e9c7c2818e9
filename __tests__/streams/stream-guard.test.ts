import { ServerResponse } from 'node:http';
import express, { type RequestHandler } from 'express';
import { requireScope } from '../../lib/index.js';
import { endWithToken, streamGuard } from '../../lib/streams/index.js';
import { createAuthenticate } from '../support/api.js';
import { BARE } from '../support/challenges.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { callGuard, createAuthenticatedRequest, createFakeSetup } from '../support/mock-requests.js';
import { serve } from '../support/serve.js';
import { openStream } from '../support/streams.js';

const startStream: RequestHandler = (_req, res) => void res.type('text/event-stream').write('data: hello\n\n');

async function start(handler: RequestHandler, options = {}, ...guards: RequestHandler[]) {
  const authenticate = createAuthenticate(await createEndpoint(active()), options);
  const app = express().set('env', 'test');
  app.use(authenticate, ...guards, handler);
  return { authenticate, ...(await serve(app)) };
}

const get = (url: string, token?: string) =>
  fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

describe('streamGuard', () => {
  it('calls next once for a valid token, and works without next', async () => {
    const { authenticate, token } = createFakeSetup();
    const call = async () => callGuard(streamGuard(), await createAuthenticatedRequest(authenticate, token));
    expect((await call()).passed).toEqual([[]]);
    const req = await createAuthenticatedRequest(authenticate, token);
    expect(() => streamGuard()(req, new ServerResponse(req))).not.toThrow();
  });

  it('rejects a token that has ended since the middleware, and does not call next', async () => {
    const { authenticate, token } = createFakeSetup();
    const req = await createAuthenticatedRequest(authenticate, token);
    await authenticate.invalidate({ token });
    const { passed, res } = callGuard(streamGuard(), req);
    expect([passed, res.statusCode]).toEqual([[], 401]);
  });

  it('names no scopes of its own when it rejects an anonymous request, and does not call next', () => {
    const { authenticate } = createFakeSetup({}, { optional: true });
    const req = { method: 'GET', url: '/', headers: {}, rawHeaders: [] };
    callGuard(authenticate, req);
    const { passed, res } = callGuard(streamGuard(), req);
    expect([passed, res.statusCode, res.getHeader('www-authenticate')]).toEqual([[], 401, BARE]);
  });

  it('passes one error to next without the middleware, and when the response cannot end with its token', async () => {
    const guard = streamGuard();
    expect(guard.name).toBe('streamGuardMiddleware');
    const missing = 'streamGuard() found no req.auth; mount tokenIntrospection() before it';
    expect(callGuard(guard, {}).passed).toEqual([[expect.objectContaining({ status: 500, message: missing })]]);
    const { authenticate, token } = createFakeSetup();
    const req = await createAuthenticatedRequest(authenticate, token);
    const res = new ServerResponse(req);
    const passed: unknown[] = [];
    for (let call = 0; call < 2; call++) guard(req, res, (error) => passed.push(error));
    const repeated =
      'streamGuard() was called for a response that ends with its token already; call it once for each response';
    expect(passed).toEqual([undefined, expect.objectContaining({ status: 500, message: repeated })]);
  });

  it('ends the streams of its route with their token', async () => {
    const decisions = recordDecisions();
    const { url, authenticate } = await start(startStream, {}, streamGuard({ lastEvent: 'data: bye\n\n' }));
    const stream = await openStream(url);
    await authenticate.invalidate({ token: 'abc' });
    expect(await stream.end).toBe('end');
    expect(stream.text()).toBe('data: hello\n\ndata: bye\n\n');
    expect(decisions.map(({ outcome, by }) => [outcome, by])).toEqual([
      ['accepted', 'tokenIntrospection'],
      ['accepted', 'streamGuard'],
      ['rejected', 'streamGuard'],
    ]);
  });

  it('applies guards that are mounted behind it, too', async () => {
    const { url, authenticate } = await start(startStream, {}, streamGuard(), requireScope('admin'));
    expect((await get(url, 'abc')).status).toBe(403);
    await authenticate.invalidate({ token: 'abc' });
  });

  it('leaves other responses as they are', async () => {
    const { url } = await start((_req, res) => void res.json({ fine: true }), {}, streamGuard());
    expect(await (await get(url, 'abc')).json()).toEqual({ fine: true });
  });

  it('rejects an anonymous request with 401', async () => {
    const { url } = await start(startStream, { optional: true }, streamGuard());
    expect((await get(url)).status).toBe(401);
  });

  it('fails with 500 without any middleware before it, and does not call the handler', async () => {
    let reached = 0;
    const app = express().set('env', 'test');
    app.use(streamGuard(), (_req, res) => {
      reached++;
      res.end();
    });
    const { url } = await serve(app);
    expect([(await get(url)).status, reached]).toEqual([500, 0]);
  });

  it.each<[string, RequestHandler[], RequestHandler]>([
    ['it is mounted twice', [streamGuard()], startStream],
    ['the handler calls endWithToken() too', [], (req, res) => void endWithToken(req, res)],
  ])('fails with 500 when %s', async (_when, guards, handler) => {
    const { url } = await start(handler, {}, streamGuard(), ...guards);
    expect((await get(url, 'abc')).status).toBe(500);
  });

  it('throws for a wrong option, and when it is mounted without being called', () => {
    expect(() => streamGuard({ last: 'x' } as never)).toThrow('Option "last" is not known');
    expect(() => streamGuard({ pipe() {} } as never)).toThrow('write streamGuard()');
  });
});
