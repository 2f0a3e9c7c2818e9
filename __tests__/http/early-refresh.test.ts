import { requireFresh } from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { recordAttempts, recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, json } from '../support/endpoint.js';
import { until } from '../support/until.js';
import { recordWarnings } from '../support/warnings.js';

beforeEach(() => {
  jest.spyOn(Math, 'random').mockReturnValue(0);
});

afterEach(() => jest.restoreAllMocks());

/** A middleware with a cache lifetime of 60 seconds, which cached a token 50 seconds ago. */
async function create(options: Parameters<typeof createAuthenticate>[1] = {}, exp?: number) {
  const clock = createClock(Math.floor(Date.now() / 1000));
  const good = () => active({ exp: exp === undefined ? clock.seconds() + 3600 : clock.seconds() + exp });
  const endpoint = await createEndpoint(good);
  const authenticate = createAuthenticate(endpoint, { clock, ...options });
  const app = createApp(authenticate);
  await get(app, 'good').expect(200);
  clock.advance(50);
  return { clock, endpoint, authenticate, app, good };
}

const turns = async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a cached response shortly before it expires', () => {
  it('is used while the endpoint is asked in the background', async () => {
    const attempts = recordAttempts();
    const { app, authenticate, clock, endpoint, good } = await create();
    const reply = createDeferred();
    endpoint.script = () => reply.promise.then(good);
    await get(app, 'good').expect(200);
    await until(() => endpoint.asked.length === 2);
    expect(endpoint.asked[1]?.form.get('token')).toBe('good');
    reply.resolve();
    await until(() => attempts.filter(({ event }) => event === 'asyncEnd').length === 2);
    await turns();
    clock.advance(44);
    await get(app, 'good').expect(200);
    expect(authenticate.stats()).toMatchObject({ hits: 2, misses: 1, endpointCalls: 2, entries: 1 });
    const starts = attempts.filter(({ event }) => event === 'start').map(({ context }) => context.background);
    expect(starts).toEqual([false, true]);
  });

  it.each<[string, Parameters<typeof createAuthenticate>[1], number | undefined]>([
    ['that is off', { cache: { refreshAhead: false } }, undefined],
    ['the response expires with exp', {}, 55],
    ['there is no cache', { cache: false }, undefined],
  ])('is not refreshed in the background where %s', async (_, options, exp) => {
    const events = recordEvents('cache');
    const attempts = recordAttempts();
    const { app } = await create(options, exp);
    await get(app, 'good').expect(200);
    await turns();
    expect(events.filter(({ outcome }) => outcome === 'refresh')).toEqual([]);
    expect(attempts.filter(({ context }) => context.background === true)).toEqual([]);
  });

  it('is replaced by an inactive one, and the token is rejected from then on', async () => {
    const { app, authenticate, endpoint } = await create();
    endpoint.script = { active: false };
    await get(app, 'good').expect(200);
    await until(() => endpoint.asked.length === 2);
    await turns();
    await get(app, 'good').expect(401);
    expect(authenticate.stats().endpointCalls).toBe(2);
  });

  it.each([401, 429, 500])(
    'is used to its end although the endpoint answers %d, and clients notice nothing',
    async (status) => {
      recordWarnings();
      const { app, clock, endpoint } = await create();
      endpoint.script = (_asked, res) => json(res, {}, status);
      await get(app, 'good').expect(200);
      await until(() => endpoint.asked.length === 2);
      await turns();
      clock.advance(9.999);
      await get(app, 'good').expect(200);
      await turns();
      clock.advance(0.001);
      await get(app, 'good').expect(503);
      expect(app.errors).toHaveLength(1);
    },
  );

  it('is not replaced by a response that an invalidation overtook', async () => {
    const { app, authenticate, endpoint, good } = await create();
    const reply = createDeferred();
    endpoint.script = () => reply.promise.then(good);
    await get(app, 'good').expect(200);
    await until(() => endpoint.asked.length === 2);
    authenticate.invalidate({ token: 'good' });
    reply.resolve();
    await turns();
    endpoint.script = { active: false };
    await get(app, 'good').expect(401);
    expect(endpoint.asked).toHaveLength(3);
  });

  it('is refreshed at once, and once only, when a guard requires a fresh response', async () => {
    const { authenticate, endpoint } = await create();
    await get(createApp(authenticate, requireFresh({ maxAgeSeconds: 60 })), 'good').expect(200);
    await until(() => endpoint.asked.length === 2);
    await turns();
    await get(createApp(authenticate, requireFresh({ maxAgeSeconds: 1 })), 'good').expect(200);
    expect(endpoint.asked).toHaveLength(2);
  });

  it('may let an open circuit breaker send its probe, and is used meanwhile', async () => {
    const { app, clock, endpoint, good } = await create();
    const circuit = recordEvents('circuit');
    endpoint.script = (_asked, res) => json(res, {}, 429);
    await get(app, 'other').expect(503);
    await get(app, 'good').expect(200);
    await turns();
    expect(endpoint.asked).toHaveLength(3);
    clock.advance(2);
    endpoint.script = good;
    await get(app, 'good').expect(200);
    await until(() => circuit.at(-1)?.state === 'closed');
    await get(app, 'other').expect(200);
  });
});

describe('close', () => {
  it('waits for the refresh in the background and drops its response', async () => {
    const { app, authenticate, endpoint, good } = await create();
    const reply = createDeferred();
    endpoint.script = () => reply.promise.then(good);
    await get(app, 'good').expect(200);
    await until(() => endpoint.asked.length === 2);
    const order: string[] = [];
    const closed = authenticate.close().then(() => order.push('closed'));
    await turns();
    order.push('answered');
    reply.resolve();
    await closed;
    expect(order).toEqual(['answered', 'closed']);
    expect(authenticate.stats().entries).toBe(0);
    await get(app, 'good').expect(503);
  });
});
