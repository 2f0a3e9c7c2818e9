import { inspect } from 'node:util';
import { AuthError, type Precheck, requireFresh, type TokenIntrospectionOptions } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { INVALID_TOKEN } from '../support/challenges.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint, json, type Script } from '../support/endpoint.js';
import { createSharedMemory } from '../support/shared-memory.js';

const MINUTE = 60;
const DOWN: Script = (_asked, res) => json(res, {}, 500);
const SECRETS = ['s'.repeat(32)];

/** A precheck that rejects tokens which begin with `forged`, and records the tokens that it was called with. */
function createPrecheck() {
  const checked: string[] = [];
  const precheck: Precheck = (token) => {
    checked.push(token);
    if (token.startsWith('forged')) throw new AuthError('invalid_jwt');
  };
  return { checked, precheck };
}

async function create(options: Partial<TokenIntrospectionOptions> = {}, script: Script = active()) {
  const { checked, precheck } = createPrecheck();
  const clock = createClock(Math.floor(Date.now() / 1000));
  const endpoint = await createEndpoint(script);
  const authenticate = createAuthenticate(endpoint, { clock, precheck, ...options });
  const app = createApp(authenticate);
  const outcomeOf = (token: string) =>
    authenticate.introspect(token).then(
      () => 'accepted',
      (error: { reason?: string; code: string }) => error.reason ?? error.code,
    );
  return { checked, clock, endpoint, authenticate, app, outcomeOf, asked: () => endpoint.asked.length };
}

describe('a precheck', () => {
  it('lets the endpoint decide about a token that it does not reject, whatever it returns', async () => {
    for (const result of [undefined, true, false, 'accepted', { active: true }, Promise.resolve({ active: true })]) {
      const { app, endpoint, asked } = await create({ precheck: (() => result) as unknown as Precheck });
      await get(app, 'good').expect(200);
      endpoint.script = { active: false };
      await get(app, 'revoked').expect(401);
      expect(asked()).toBe(2);
    }
  });

  it.each<[string, Precheck]>([
    [
      'throws',
      () => {
        throw new AuthError('invalid_jwt');
      },
    ],
    [
      'rejects',
      async () => {
        throw new AuthError('invalid_jwt');
      },
    ],
  ])('that %s an AuthError rejects the token without an introspection request', async (_title, precheck) => {
    const decisions = recordDecisions();
    const { app, asked } = await create({ precheck });
    const response = await get(app, 'forged').expect(401);
    expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(response.body).toMatchObject({ error: 'invalid_token' });
    expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'invalid_jwt' }]);
    expect([asked(), app.reached()]).toEqual([0, 0]);
  });

  it('runs only after memory has no response, and for every attempt without a cache', async () => {
    const { app, checked } = await create();
    for (let request = 0; request < 3; request++) await get(app, 'good').expect(200);
    expect(checked).toEqual(['good']);
    const uncached = await create({ cache: false });
    for (let request = 0; request < 3; request++) await uncached.outcomeOf('forged');
    expect(uncached.checked).toEqual(['forged', 'forged', 'forged']);
  });

  it('does not see a malformed token', async () => {
    const { app, checked } = await create();
    await get(app, 'for ged').expect(400);
    await get(app, 'forg"ed').expect(400);
    expect(checked).toEqual([]);
  });

  it('runs once for concurrent requests, and each of them gets an error of its own', async () => {
    const { promise, resolve } = createDeferred<void>();
    const errors: AuthError[] = [];
    const precheck = jest.fn<Promise<void>, Parameters<Precheck>>(async () => {
      await promise;
      throw new AuthError('invalid_jwt');
    });
    const { endpoint, authenticate } = await create({ precheck });
    const outcomes = Array.from({ length: 5 }, () =>
      authenticate.introspect('forged').catch((error: AuthError) => void errors.push(error)),
    );
    resolve();
    await Promise.all(outcomes);
    expect(precheck).toHaveBeenCalledTimes(1);
    expect(new Set(errors).size).toBe(5);
    for (const error of errors) expect(error).toMatchObject({ reason: 'invalid_jwt', status: 401 });
    Object.assign(errors[0]?.headers ?? {}, { 'X-Changed': 'yes' });
    expect(errors[1]?.headers).not.toHaveProperty('X-Changed');
    expect(endpoint.asked).toEqual([]);
  });

  it('gives each of several policies its own challenge for one shared rejection', async () => {
    const { promise, resolve } = createDeferred<void>();
    const { authenticate } = await create({
      precheck: async () => {
        await promise;
        throw new AuthError('invalid_jwt');
      },
    });
    const apps = ['one', 'two'].map((realm) => createApp(authenticate.with({ realm })));
    const responses = apps.map((app) =>
      get(app, 'forged')
        .expect(401)
        .then(({ headers }) => headers),
    );
    await new Promise((done) => setImmediate(done));
    resolve();
    const challenges = (await Promise.all(responses)).map((headers) => headers['www-authenticate']);
    expect(challenges).toEqual([INVALID_TOKEN.replace('"api"', '"one"'), INVALID_TOKEN.replace('"api"', '"two"')]);
  });

  it('is remembered to have rejected a token as long as an inactive response', async () => {
    const { checked, clock, outcomeOf, asked } = await create({ cache: { inactiveTtlSeconds: 5 } });
    for (let attempt = 0; attempt < 3; attempt++) expect(await outcomeOf('forged')).toBe('invalid_jwt');
    clock.advance(4.9);
    expect(await outcomeOf('forged')).toBe('invalid_jwt');
    expect(checked).toEqual(['forged']);
    clock.advance(0.2);
    expect(await outcomeOf('forged')).toBe('invalid_jwt');
    expect(checked).toEqual(['forged', 'forged']);
    expect(asked()).toBe(0);
  });

  it('is not remembered with inactiveTtlSeconds: 0', async () => {
    const { checked, outcomeOf } = await create({ cache: { inactiveTtlSeconds: 0 } });
    await outcomeOf('forged');
    await outcomeOf('forged');
    expect(checked).toEqual(['forged', 'forged']);
  });

  it('evicts no response and fills no memory, however many tokens it rejects', async () => {
    const { checked, authenticate, outcomeOf, asked } = await create({ cache: { maxEntries: 20 } });
    const good = Array.from({ length: 20 }, (_, i) => `good-${i}`);
    for (const token of good) await outcomeOf(token);
    for (let i = 0; i < 200; i++) await outcomeOf(`forged-${i}`);
    expect(authenticate.stats()).toMatchObject({ entries: 20, endpointCalls: 20 });
    for (const token of good) expect(await outcomeOf(token)).toBe('accepted');
    expect(asked()).toBe(20);
    // Two rejections are remembered: a tenth of the maximum.
    checked.length = 0;
    for (const i of [199, 198, 197]) await outcomeOf(`forged-${i}`);
    expect(checked).toEqual(['forged-197']);
  });

  it('keeps requireFresh exact: the new lookup runs the precheck again', async () => {
    const state = { rejects: false };
    const precheck: Precheck = () => {
      if (state.rejects) throw new AuthError('invalid_jwt');
    };
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { precheck }, requireFresh({ maxAgeSeconds: 0 }));
    await api.get('good').expect(200);
    state.rejects = true;
    await api.get('good').expect(401);
    expect(api.reached()).toBe(1);
  });

  it('that rejects a token during an early refresh does not end the response in use', async () => {
    const state = { rejects: false };
    const precheck: Precheck = () => {
      if (state.rejects) throw new AuthError('invalid_jwt');
    };
    const { app, clock, asked } = await create({ precheck });
    await get(app, 'good').expect(200);
    state.rejects = true;
    for (const seconds of [50, 5, 4]) {
      clock.advance(seconds);
      await get(app, 'good').expect(200);
    }
    clock.advance(2);
    await get(app, 'good').expect(401);
    expect(asked()).toBe(1);
  });

  it('is no option of with()', async () => {
    const { authenticate } = await create();
    expect(() => authenticate.with({ precheck: () => {} } as never)).toThrow('"precheck"');
  });
});

describe('a precheck that fails', () => {
  const secret = 'hush-hush';

  it.each<[string, Precheck]>([
    [
      'throws an Error',
      () => {
        throw new Error(secret);
      },
    ],
    [
      'rejects with an Error',
      async () => {
        throw new Error(secret);
      },
    ],
    [
      'throws undefined',
      () => {
        throw undefined;
      },
    ],
    ['rejects with a text', () => Promise.reject(secret)],
    [
      'throws an object that looks like an AuthError',
      () => {
        throw { name: 'AuthError', status: 401, reason: 'invalid_jwt', message: secret };
      },
    ],
  ])('and %s causes 503 precheck_failed, and shows nothing', async (_title, precheck) => {
    const { app, authenticate, asked } = await create({ precheck });
    const response = await get(app, 'good').expect(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(app.errors).toMatchObject([{ name: 'IntrospectionError', code: 'precheck_failed', detail: undefined }]);
    const shown = inspect([app.errors, authenticate, response.text], {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
    });
    expect(shown).not.toContain(secret);
    expect([asked(), app.reached()]).toEqual([0, 0]);
  });

  it('is not remembered', async () => {
    const state = { fails: true };
    const { outcomeOf } = await create({
      precheck: () => {
        if (state.fails) throw new Error(secret);
      },
    });
    expect(await outcomeOf('good')).toBe('precheck_failed');
    state.fails = false;
    expect(await outcomeOf('good')).toBe('accepted');
  });

  it('and never settles causes 503 within the time limit, and its signal aborts', async () => {
    const signals: AbortSignal[] = [];
    const { app, asked } = await create({
      timeoutMs: 60,
      precheck: (_token, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    await get(app, 'good').expect(503);
    expect(app.errors).toMatchObject([{ code: 'precheck_failed', detail: 'timeout' }]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect([asked(), app.reached()]).toEqual([0, 0]);
  });

  it('to settle before its signal aborts, but settles then, leaves the rest of the time to the endpoint', async () => {
    const { app, asked } = await create({
      timeoutMs: 1000,
      precheck: (_token, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
    });
    await get(app, 'good').expect(200);
    expect(asked()).toBe(1);
  });

  it('gives a precheck that first reads the signal after the limit a signal that has aborted', async () => {
    const aborted: boolean[] = [];
    const { outcomeOf } = await create({
      timeoutMs: 40,
      precheck: async (_token, context) => {
        while (!context.signal.aborted) await new Promise((resolve) => setImmediate(resolve));
        aborted.push(context.signal.aborted);
      },
    });
    await outcomeOf('good');
    expect(aborted).toEqual([true]);
  });
});

describe('stale responses with a precheck', () => {
  const CACHE = { staleIfErrorSeconds: 5 * MINUTE, refreshAhead: false };

  it.each<[string, Precheck, string]>([
    [
      'rejects the token',
      () => {
        throw new AuthError('invalid_jwt');
      },
      'invalid_jwt',
    ],
    [
      'fails',
      () => {
        throw new Error('a mistake');
      },
      'precheck_failed',
    ],
    ['hangs', () => new Promise(() => {}), 'precheck_failed'],
  ])(
    'are not used when it %s, even while the endpoint is down and the circuit breaker is open',
    async (_title, later, code) => {
      const state: { precheck: Precheck } = { precheck: () => {} };
      const { outcomeOf, clock, endpoint } = await create(
        { cache: CACHE, timeoutMs: 1000, precheck: (...args) => state.precheck(...args) },
        active({ exp: undefined }),
      );
      const circuit = recordEvents('circuit');
      expect(await outcomeOf('good')).toBe('accepted');
      clock.advance(MINUTE + 1);
      endpoint.script = DOWN;
      for (let i = 0; i < 10; i++) await outcomeOf(`unknown-${i}`);
      expect(circuit.at(-1)).toMatchObject({ state: 'open' });
      expect(await outcomeOf('good')).toBe('accepted');
      state.precheck = later;
      expect(await outcomeOf('good')).toBe(code);
    },
  );
});

describe('rejections of a precheck', () => {
  it('open no circuit breaker, in whatever number', async () => {
    const circuit = recordEvents('circuit');
    const { outcomeOf, asked } = await create();
    for (let i = 0; i < 100; i++) expect(await outcomeOf(`forged-${i}`)).toBe('invalid_jwt');
    expect(await outcomeOf('good')).toBe('accepted');
    expect([circuit, asked()]).toEqual([[], 1]);
  });

  it('are the answer even while the endpoint is down', async () => {
    const { outcomeOf, endpoint } = await create();
    endpoint.script = DOWN;
    for (let i = 0; i < 10; i++) await outcomeOf(`unknown-${i}`);
    expect(await outcomeOf('forged')).toBe('invalid_jwt');
    expect(await outcomeOf('good')).toMatch(/circuit_open|server_error/);
  });
});

describe('a precheck with a shared cache', () => {
  it('does not run for a token whose response another process has stored', async () => {
    const memory = createSharedMemory();
    const cache = () => ({ store: memory.connect(), secrets: SECRETS });
    const endpoint = await createEndpoint(active());
    const { checked, precheck } = createPrecheck();
    const [one, other] = [0, 1].map(() => createAuthenticate(endpoint, { precheck, cache: cache() }));
    // Each process has read the revocation log by then.
    await new Promise((resolve) => setImmediate(resolve));
    await one?.introspect('good');
    await new Promise((resolve) => setImmediate(resolve));
    await other?.introspect('good');
    expect([checked, endpoint.asked.length]).toEqual([['good'], 1]);
  });

  it('stores nothing about a rejected token, and holds no lease', async () => {
    const memory = createSharedMemory();
    const { outcomeOf } = await create({ cache: { store: memory.connect(), secrets: SECRETS } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(await outcomeOf('forged')).toBe('invalid_jwt');
    await new Promise((resolve) => setImmediate(resolve));
    expect([memory.entries.size, memory.leases.size]).toEqual([0, 0]);
  });
});
