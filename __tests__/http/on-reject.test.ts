import type { RequestListener } from 'node:http';
import request from 'supertest';
import { AuthError, requireScope, type TokenIntrospectionOptions } from '../../lib/index.js';
import { createApi, createAuthenticate } from '../support/api.js';
import { BARE, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { active, createEndpoint } from '../support/endpoint.js';

type OnReject = NonNullable<TokenIntrospectionOptions['onReject']>;

describe('onReject', () => {
  it('replaces the response', async () => {
    const endpoint = await createEndpoint({ active: false });
    const api = createApi(endpoint, {
      onReject(error, req, res) {
        res.writeHead(error.status, { ...error.headers, 'content-type': 'application/problem+json' });
        res.end(JSON.stringify({ title: error.code, reason: error.reason, path: req.url }));
      },
    });
    const response = await api.get('bad').expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(response.text)).toEqual({ title: 'invalid_token', reason: 'inactive', path: '/' });
    expect([api.reached(), api.errors]).toEqual([0, []]);
  });

  it.each<[string, string | undefined, number, string]>([
    ['no credentials', undefined, 401, BARE],
    ['a bad token', 'bad', 401, INVALID_TOKEN],
  ])('hands %s to the error handling of Express with status and headers', async (_title, token, status, challenge) => {
    const endpoint = await createEndpoint({ active: false });
    const api = createApi(endpoint, { onReject: (error, _req, _res, next) => next(error) });
    const response = await api.get(token).expect(status);
    expect(response.headers['www-authenticate']).toBe(challenge);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(api.errors).toEqual([expect.any(AuthError)]);
    expect(api.reached()).toBe(0);
  });

  it('responds for guards too', async () => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { onReject: (error, _req, _res, next) => next(error) }, requireScope('admin'));
    const response = await api.get('weak').expect(403);
    expect(response.headers['www-authenticate']).toBe(insufficientScope('admin'));
    expect(api.errors).toEqual([expect.objectContaining({ reason: 'insufficient_scope', scopes: ['admin'] })]);
  });

  it.each<[string, OnReject]>([
    ['next()', (_error, _req, _res, next) => next()],
    ['next(undefined)', (_error, _req, _res, next) => next(undefined)],
    ['next(null)', (_error, _req, _res, next) => next(null)],
    ["next('route')", (_error, _req, _res, next) => next('route')],
    ["next('router')", (_error, _req, _res, next) => next('router')],
    ['next(false)', (_error, _req, _res, next) => next(false)],
    ['next() later', (_error, _req, _res, next) => void setImmediate(next)],
    [
      'next() twice',
      (_error, _req, _res, next) => {
        next();
        next();
      },
    ],
    [
      'throwing undefined',
      () => {
        throw undefined;
      },
    ],
    ['a rejection without a reason', () => Promise.reject()],
  ])('cannot let a request through by %s', async (_title, onReject) => {
    const endpoint = await createEndpoint({ active: false });
    for (const token of [undefined, 'a b', 'bad']) {
      const api = createApi(endpoint, { onReject });
      await api.get(token).expect(token === 'a b' ? 400 : 401);
      expect(api.errors).toEqual([expect.any(AuthError)]);
      expect(api.reached()).toBe(0);
    }
  });

  it.each<[string, (thrown: Error) => OnReject]>([
    [
      'throws',
      (thrown) => () => {
        throw thrown;
      },
    ],
    ['rejects', (thrown) => async () => Promise.reject(thrown)],
    ['passes on', (thrown) => (_error, _req, _res, next) => next(thrown)],
  ])('passes on the error it %s', async (_title, make) => {
    const thrown = Object.assign(new Error('audit log is full'), { status: 507 });
    const endpoint = await createEndpoint({ active: false });
    const api = createApi(endpoint, { onReject: make(thrown) });
    await api.get('bad').expect(507);
    expect(api.errors).toEqual([thrown]);
    expect(api.reached()).toBe(0);
  });

  it('that responds and then fails passes the failure on, and the client gets the response', async () => {
    const endpoint = await createEndpoint({ active: false });
    const finished: Promise<unknown>[] = [];
    const api = createApi(endpoint, {
      onReject: async (error, _req, res) => {
        finished.push(new Promise((resolve) => res.on('finish', resolve)));
        res.writeHead(error.status).end('no');
        await finished[0];
        throw new Error('too late');
      },
    });
    expect((await api.get('bad').expect(401)).text).toBe('no');
    expect(api.errors).toEqual([expect.objectContaining({ message: 'too late' })]);
  });

  it('is not called in an outage', async () => {
    const endpoint = await createEndpoint((_asked, res) => void res.writeHead(500).end());
    const onReject = jest.fn();
    await createApi(endpoint, { onReject }).get('any').expect(503);
    expect(onReject).not.toHaveBeenCalled();
  });

  it.each<[string, OnReject, number, object]>([
    ['nothing', (_error, _req, _res, next) => next(), 401, {}],
    ['the rejection', (error, _req, _res, next) => next(error), 401, {}],
    ['an error of its own', (_error, _req, _res, next) => next(new Error('own')), 500, { error: 'server_error' }],
  ])(
    'without next leaves the response to the middleware when it passes on %s',
    async (_title, onReject, status, body) => {
      const endpoint = await createEndpoint(active());
      const authenticate = createAuthenticate(endpoint, { onReject });
      const listener: RequestListener = (req, res) => authenticate(req, res);
      const response = await request(listener).get('/').expect(status);
      expect(response.body).toEqual(body);
    },
  );
});
