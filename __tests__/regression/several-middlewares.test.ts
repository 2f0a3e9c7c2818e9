import { request as httpRequest, type IncomingMessage } from 'node:http';
import express, { type RequestHandler } from 'express';
import type { CacheStore } from '../../lib/index.js';
import { mcpTokenVerifier } from '../../lib/mcp/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { serve } from '../support/serve.js';
import { createSharedMemory } from '../support/shared-memory.js';
import { until } from '../support/until.js';

type AuthRequest = IncomingMessage & { auth?: unknown };

const INACTIVE = { active: false };

/** A handler of the app that does something and goes on. */
const between =
  (work: (req: AuthRequest) => unknown): RequestHandler =>
  async (req, _res, next) => {
    await work(req);
    next();
  };

describe('a second middleware of the same server', () => {
  it.each([{ token: 'good' }, { sub: 'alice' }, { client_id: 'app' }])(
    'looks the token up again when it was invalidated since the first: %j',
    async (target) => {
      const endpoint = await createEndpoint(active());
      const authenticate = createAuthenticate(endpoint);
      const invalidate = between(() => {
        endpoint.script = INACTIVE;
        return authenticate.invalidate(target);
      });
      const app = createApp(authenticate, invalidate, authenticate.with({ realm: 'second' }));
      await get(app, 'good').expect(401);
      expect([endpoint.asked.length, app.reached()]).toEqual([2, 0]);
    },
  );

  it.each([
    ['a cache', { ttlSeconds: 60 }, 60.001],
    ['no cache', false, 1.001],
  ] as const)('looks the token up again when the response is too old by then, with %s', async (_, cache, seconds) => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: undefined }));
    const authenticate = createAuthenticate(endpoint, { clock, cache });
    const wait = between(() => {
      endpoint.script = INACTIVE;
      clock.advance(seconds);
    });
    const app = createApp(authenticate, wait, authenticate.with({ realm: 'second' }));
    await get(app, 'good').expect(401);
    expect([endpoint.asked.length, app.reached()]).toEqual([2, 0]);
  });

  it('looks the token up again when it was invalidated since the first, also without a cache', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: undefined }));
    const authenticate = createAuthenticate(endpoint, { clock, cache: false });
    const invalidate = between(() => {
      endpoint.script = INACTIVE;
      return authenticate.invalidate({ token: 'good' });
    });
    await get(createApp(authenticate, invalidate, authenticate.with({ realm: 'second' })), 'good').expect(401);
  });

  it.each([{ ttlSeconds: 60 }, false] as const)('fails when the first was closed since: cache %j', async (cache) => {
    const authenticate = createAuthenticate(await createEndpoint(active()), { cache });
    const close = between(() => void authenticate.close());
    const app = createApp(authenticate, close, authenticate.with({ realm: 'second' }));
    await get(app, 'good').expect(503);
    expect(app.reached()).toBe(0);
  });

  it('rejects a token that was revoked while a slow client sent its body', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    const hasPassed = createDeferred<void>();
    const app = express();
    app.use(
      authenticate,
      between(() => hasPassed.resolve()),
      express.json(),
      authenticate.with({ realm: 'second' }),
    );
    app.use((_req, res) => void res.send('reached'));
    const { port } = await serve(app);
    const headers = { authorization: 'Bearer good', 'content-type': 'application/json' };
    const req = httpRequest({ host: '127.0.0.1', port, method: 'POST', headers });
    const status = new Promise((resolve, reject) => {
      req.on('error', reject).on('response', (res) => resolve(res.resume().statusCode));
    });
    req.write('{');
    await hasPassed.promise;
    endpoint.script = INACTIVE;
    await authenticate.invalidate({ token: 'good' });
    req.end('}');
    expect(await status).toBe(401);
    expect(endpoint.asked).toHaveLength(2);
  });

  it.each([60, 0])(
    'rejects a token that another process has revoked since the first, with ttlSeconds %d',
    async (ttlSeconds) => {
      const endpoint = await createEndpoint(active());
      const memory = createSharedMemory();
      const [connection, secrets] = [memory.connect(), ['s'.repeat(32)]];
      let readEntries = 0;
      const follow: CacheStore['follow'] = (reader) =>
        connection.follow({
          ...reader,
          onEntries(entries) {
            reader.onEntries(entries);
            readEntries += entries.length;
          },
        });
      const authenticate = createAuthenticate(endpoint, {
        cache: { store: { ...connection, follow }, secrets, ttlSeconds },
      });
      const other = createAuthenticate(endpoint, { cache: { store: memory.connect(), secrets, ttlSeconds } });
      const revoke = between(async () => {
        endpoint.script = INACTIVE;
        await other.invalidate({ sub: 'alice' });
        await until(() => readEntries > 0);
      });
      await get(createApp(authenticate, revoke, authenticate.with({ realm: 'second' })), 'good').expect(401);
    },
  );

  it('rejects another token that a handler has put in the place of the first', async () => {
    const endpoint = await createEndpoint(({ form }: { form: URLSearchParams }) =>
      form.get('token') === 'good' ? active() : INACTIVE,
    );
    const authenticate = createAuthenticate(endpoint);
    const swap = between(({ headers }) => {
      headers.authorization = 'Bearer bad';
    });
    await get(createApp(authenticate, swap, authenticate.with({ realm: 'second' })), 'good').expect(401);
  });
});

it('two middlewares whose normalizers differ use no response of each other', async () => {
  const endpoint = await createEndpoint({ any: 1 });
  const accepts = createAuthenticate(endpoint, { normalizeResponse: () => ({ active: true, sub: 'alice' }) });
  const rejects = createAuthenticate(endpoint, { normalizeResponse: () => INACTIVE });
  await get(createApp(accepts, rejects), 'good').expect(401);
});

describe('what mcpTokenVerifier() returned', () => {
  const AUDIENCE = 'https://mcp.example.com';
  const errors = {
    InvalidRequestError: Error,
    InvalidTokenError: Error,
    InsufficientScopeError: Error,
    ServerError: Error,
  };

  it('does not replace the lookup of a middleware, however long the app has kept it', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ aud: AUDIENCE, exp: clock.seconds() + 1_000_000 }));
    const authenticate = createAuthenticate(endpoint, { clock, audience: AUDIENCE, resourceMetadata: true });
    const kept = await mcpTokenVerifier(authenticate, { errors }).verifyAccessToken('good');
    endpoint.script = INACTIVE;
    clock.advance(86_400);
    const restore = between((req) => {
      req.auth = kept;
    });
    const app = createApp(restore, authenticate);
    await get(app, 'good').expect(401);
    expect([endpoint.asked.length, app.reached()]).toEqual([2, 0]);
  });
});
