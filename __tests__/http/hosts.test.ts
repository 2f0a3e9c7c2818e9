import type { RequestListener } from 'node:http';
import { inspect } from 'node:util';
import request, { type Response } from 'supertest';
import {
  clientSecretBasic,
  type Guard,
  requireAnyScope,
  requireClaim,
  requireFresh,
  requireScope,
} from '../../lib/index.js';
import { createAuthenticate } from '../support/api.js';
import { BARE, INSUFFICIENT_SCOPE, INVALID_REQUEST, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { active, createEndpoint, json } from '../support/endpoint.js';
import { echoAuth, HOSTS } from '../support/hosts.js';
import { exchange } from '../support/serve.js';
import { until } from '../support/until.js';

describe.each(HOSTS)('on %s', (_name, host) => {
  it('accepts a valid token, once from the endpoint and once from the cache', async () => {
    const claims = active({ exp: 4_000_000_000, tenant: 'acme' });
    const endpoint = await createEndpoint(claims);
    const app = host([createAuthenticate(endpoint)], echoAuth);
    for (let time = 0; time < 2; time++) {
      const response = await get(app, 'good').expect(200);
      expect(response.body).toEqual({ auth: claims });
      expect(response.headers['www-authenticate']).toBeUndefined();
    }
    expect(endpoint.asked).toHaveLength(1);
  });

  it('answers 401 without an error when there are no credentials', async () => {
    const endpoint = await createEndpoint(active());
    const handler = jest.fn(echoAuth);
    const response = await get(host([createAuthenticate(endpoint)], handler)).expect(401);
    expectRejection(response, BARE, {});
    expect([handler.mock.calls.length, endpoint.asked.length]).toEqual([0, 0]);
  });

  it('answers 400 invalid_request for a malformed token', async () => {
    const endpoint = await createEndpoint(active());
    const handler = jest.fn(echoAuth);
    const response = await get(host([createAuthenticate(endpoint)], handler), 'a b').expect(400);
    expectRejection(response, INVALID_REQUEST, {
      error: 'invalid_request',
      error_description: 'The request must carry exactly one well-formed bearer token',
    });
    expect([handler.mock.calls.length, endpoint.asked.length]).toEqual([0, 0]);
  });

  it('answers 401 invalid_token for an inactive token', async () => {
    const endpoint = await createEndpoint({ active: false });
    const handler = jest.fn(echoAuth);
    const response = await get(host([createAuthenticate(endpoint)], handler), 'bad').expect(401);
    expectRejection(response, INVALID_TOKEN, {
      error: 'invalid_token',
      error_description: 'The access token is not valid for this resource',
    });
    expect(handler).not.toHaveBeenCalled();
  });

  it.each<[string, Guard, string]>([
    ['requireScope', requireScope('admin'), insufficientScope('admin')],
    ['requireAnyScope', requireAnyScope('admin', 'root'), insufficientScope('admin root')],
    ['requireClaim', requireClaim('tenant', 'acme'), INSUFFICIENT_SCOPE],
  ])('answers 403 insufficient_scope when %s is not satisfied', async (_guard, guard, challenge) => {
    const endpoint = await createEndpoint(active());
    const handler = jest.fn(echoAuth);
    const response = await get(host([createAuthenticate(endpoint), guard], handler), 'weak').expect(403);
    expectRejection(response, challenge, {
      error: 'insufficient_scope',
      error_description: 'The access token does not grant what this resource requires',
    });
    expect(handler).not.toHaveBeenCalled();
  });

  it('accepts a token that satisfies all four guards', async () => {
    const endpoint = await createEndpoint(active({ tenant: 'acme' }));
    const guards = [
      requireScope('read'),
      requireAnyScope('admin', 'write'),
      requireClaim('tenant', 'acme'),
      requireFresh({ maxAgeSeconds: 60 }),
    ];
    await get(host([createAuthenticate(endpoint), ...guards], echoAuth), 'good').expect(200);
    expect(endpoint.asked).toHaveLength(1);
  });

  it('answers 503 with Retry-After while the endpoint is down', async () => {
    const endpoint = await createEndpoint((_asked, res) => void res.writeHead(503, { 'retry-after': '7' }).end());
    const handler = jest.fn(echoAuth);
    const response = await get(host([createAuthenticate(endpoint)], handler), 'any').expect(503);
    expect(response.headers['retry-after']).toBe('7');
    expect(response.headers['www-authenticate']).toBeUndefined();
    expect(handler).not.toHaveBeenCalled();
  });

  it('answers 500 when a guard has no middleware before it', async () => {
    const handler = jest.fn(echoAuth);
    await get(host([requireScope('read')], handler), 'any').expect(500);
    expect(handler).not.toHaveBeenCalled();
  });

  it.each([
    ['401', { script: active(), token: undefined, status: 401 }],
    ['400', { script: active(), token: 'a b', status: 400 }],
    ['403', { script: active({ scope: '' }), token: 'weak', status: 403 }],
  ])('answers HEAD with the status and headers of GET, %s, and no body', async (_title, { script, token, status }) => {
    const endpoint = await createEndpoint(script);
    const app = host([createAuthenticate(endpoint), requireScope('read')], echoAuth);
    const credentials = token === undefined ? [] : [`Authorization: Bearer ${token}`];
    const [head, whole] = [
      await exchange(app, ['HEAD / HTTP/1.1', ...credentials]),
      await exchange(app, ['GET / HTTP/1.1', ...credentials]),
    ];
    expect([head.status, whole.status]).toEqual([status, status]);
    expect(head.body).toBe('');
    expect(whole.body.length).toBe(Number(whole.header('content-length')[0]));
    for (const name of ['www-authenticate', 'cache-control', 'content-type', 'content-length']) {
      expect(head.header(name)).toEqual(whole.header(name));
    }
  });

  it('accepts an anonymous request with "optional", and still rejects an invalid token', async () => {
    const endpoint = await createEndpoint({ active: false });
    const app = host([createAuthenticate(endpoint, { optional: true })], echoAuth);
    expect((await get(app).expect(200)).body).toEqual({ auth: null });
    expectRejection(await get(app, 'bad').expect(401), INVALID_TOKEN);
  });
});

describe('the middleware without next on a bare server', () => {
  it.each([
    ['401', undefined, 401, BARE],
    ['400', 'a b', 400, INVALID_REQUEST],
    ['401 invalid_token', 'bad', 401, INVALID_TOKEN],
  ])('answers %s itself', async (_title, token, status, challenge) => {
    const endpoint = await createEndpoint({ active: false });
    const authenticate = createAuthenticate(endpoint);
    expectRejection(await get((req, res) => authenticate(req, res), token).expect(status), challenge);
  });

  it('answers an outage itself, with Retry-After', async () => {
    const endpoint = await createEndpoint((_asked, res) => json(res, { why: 'database' }, 500));
    const authenticate = createAuthenticate(endpoint);
    const response = await get((req, res) => authenticate(req, res), 'any').expect(503);
    expect(response.body).toEqual({ error: 'temporarily_unavailable' });
    expect(response.headers['retry-after']).toBe('1');
    expect(response.headers['cache-control']).toBe('no-store');
  });

  it('answers 500 when the app is at fault', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint, {
      getToken() {
        throw new Error('cookie jar is broken');
      },
    });
    const response = await get((req, res) => authenticate(req, res), 'any').expect(500);
    expect(response.body).toEqual({ error: 'server_error' });
    expect(response.headers['cache-control']).toBe('no-store');
  });

  it('responds for a guard that fails', async () => {
    const guard = requireScope('read');
    expect((await get((req, res) => guard(req, res), 'any').expect(500)).body).toEqual({ error: 'server_error' });
  });
});

describe.each(['Express 5', 'Express 4', 'Connect'])('the default error handler of %s', (name) => {
  it.each(['development', 'production'])(
    'in %s answers 503 for an outage and reveals nothing about the endpoint',
    async (env) => {
      const endpoint = await createEndpoint(
        (_asked, res) => void res.writeHead(500, { server: 'as-7' }).end('db-12 down'),
      );
      const url = `${endpoint.url}?tenant=acme-corp`;
      const authenticate = createAuthenticate({ url }, { clientAuth: clientSecretBasic('reports-api', 'hunter2') });
      const logged = jest.spyOn(console, 'error').mockImplementation(() => {});
      const app = await loadHost(name, env);
      app.use(authenticate);
      const response = await get(app, 'any-token').expect(503);
      expect(response.headers['retry-after']).toBe('1');
      expect(response.headers['cache-control']).toBe('no-store');
      await until(() => logged.mock.calls.length > 0);
      const log = inspect(logged.mock.calls, { depth: 10 });
      logged.mockRestore();
      expect(log).toContain('server_error, HTTP 500');
      const seen = response.text + inspect(response.headers) + log;
      const credentials = Buffer.from('reports-api:hunter2').toString('base64');
      for (const secret of [
        new URL(url).host,
        'acme-corp',
        'hunter2',
        credentials,
        'reports-api',
        'any-token',
        'as-7',
        'db-12',
      ]) {
        expect(seen).not.toContain(secret);
      }
      expect(response.text.includes('Token introspection failed')).toBe(env === 'development');
    },
  );
});

function get(app: RequestListener, token?: string) {
  const test = request(app).get('/');
  return token === undefined ? test : test.set('Authorization', `Bearer ${token}`);
}

function expectRejection(response: Response, challenge: string, body?: object): void {
  expect(response.headers['www-authenticate']).toBe(challenge);
  expect(response.headers['cache-control']).toBe('no-store');
  expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
  if (body !== undefined) expect(response.body).toEqual(body);
}

/** Connect reads its environment when it is loaded, the others when an app is created. */
async function loadHost(name: string, env: string): Promise<RequestListener & { use(middleware: Guard): unknown }> {
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = env;
  try {
    let app: unknown;
    await jest.isolateModulesAsync(async () => {
      if (name === 'Express 5') app = (await import('express')).default();
      else if (name === 'Express 4') app = (await import('express4')).default();
      else app = (await import('connect')).default();
    });
    return app as Awaited<ReturnType<typeof loadHost>>;
  } finally {
    process.env.NODE_ENV = before;
  }
}
