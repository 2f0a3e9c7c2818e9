import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { requireFresh, type TokenIntrospectionOptions } from '../../lib/index.js';
import { type FakeFailure, fakeAuthorizationServer } from '../../lib/testing/index.js';
import { createAuthenticate, get } from '../support/api.js';
import { recordWarnings } from '../support/warnings.js';

const URL = 'https://as.example.com/introspect';

afterEach(() => jest.useRealTimers());

/** An app with an error handler: the default one of Express responds by a timer, which is fake here. */
function createApi(...middlewares: RequestHandler[]) {
  const errors: unknown[] = [];
  const app = express();
  const answer: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error);
    res.status(error.status).end();
  };
  app.use(...middlewares, (_req, res) => void res.end());
  app.use(answer);
  return { errors, get: (token?: string) => get({ app }, token) };
}

function createSetup(options: Partial<TokenIntrospectionOptions> = {}) {
  const server = fakeAuthorizationServer();
  const authenticate = createAuthenticate({ url: URL }, { dispatcher: server.dispatcher, ...options });
  return { server, api: createApi(authenticate, requireFresh({ maxAgeSeconds: 0 })) };
}

describe.each<[string, Parameters<typeof jest.useFakeTimers>[0]]>([
  ['all faked', undefined],
  ['all but some faked', { doNotFake: ['nextTick', 'setImmediate'] }],
])('with fake timers, %s,', (_how, config) => {
  it('a valid token is accepted, once from the endpoint and once from the cache', async () => {
    jest.useFakeTimers(config);
    const { server, api } = createSetup();
    const token = server.issue({ sub: 'alice' });
    await api.get(token).expect(200);
    await api.get(token).expect(200);
  });

  it('other tokens are rejected', async () => {
    jest.useFakeTimers(config);
    const { server, api } = createSetup({ scopes: ['read'] });
    await api.get(server.issue({ scope: 'write' })).expect(403);
    await api.get('unknown').expect(401);
    await api.get().expect(401);
  });

  it('onReject is called and passes the error on', async () => {
    jest.useFakeTimers(config);
    const { api } = createSetup({ onReject: async (error, _req, _res, next) => next(error) });
    await api.get('unknown').expect(401);
    expect(api.errors).toHaveLength(1);
  });

  it.each<FakeFailure>(['timeout', 'unreachable', 'server_error', 'rate_limited', 'bad_response', 'client_rejected'])(
    'an outage is reported: %s',
    async (failure) => {
      recordWarnings();
      jest.useFakeTimers(config);
      const { server, api } = createSetup();
      const token = server.issue();
      server.fail(failure);
      await api.get(token).expect(503);
      expect(api.errors).toMatchObject([{ code: failure }]);
    },
  );

  it('a token expires and a response is fetched again when the clock is set', async () => {
    jest.useFakeTimers(config);
    const server = fakeAuthorizationServer();
    const api = createApi(createAuthenticate({ url: URL }, { dispatcher: server.dispatcher }));
    const token = server.issue();
    await api.get(token).expect(200);
    jest.advanceTimersByTime(61_000);
    await api.get(token).expect(200);
    expect(server.requests).toHaveLength(2);
    jest.advanceTimersByTime(3_600_000);
    await api.get(token).expect(401);
  });
});

it('a middleware that was loaded under fake timers works, too', async () => {
  jest.useFakeTimers();
  jest.resetModules();
  const fresh: typeof import('../../lib/index.js') = require('../../lib/index');
  const server = fakeAuthorizationServer();
  const { dispatcher } = server;
  const authenticate = fresh.tokenIntrospection({
    endpoint: URL,
    clientAuth: fresh.noClientAuth(),
    audience: false,
    dispatcher,
  });
  const api = createApi(authenticate);
  await api.get(server.issue()).expect(200);
  server.fail('unreachable');
  await api.get(server.issue()).expect(503);
  jest.useRealTimers();
  await authenticate.close();
});
