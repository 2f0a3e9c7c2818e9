import { z } from 'zod';
import { type ClaimsSchema, getAuth, requireClaim, requireFresh } from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { INVALID_TOKEN } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint } from '../support/endpoint.js';

const TENANT = z.object({ tenant: z.object({ id: z.number() }), plan: z.enum(['free', 'gold']).default('free') });

describe('claims schema', () => {
  it('checks what getAuth(req, authenticate) returns and gives it a type', async () => {
    const endpoint = await createEndpoint(active({ tenant: { id: 7 } }));
    const authenticate = createAuthenticate(endpoint, { claims: TENANT });
    const app = createApp(authenticate, (req, res) => {
      const auth = getAuth(req, authenticate);
      const id: number = auth.tenant.id;
      const plan: 'free' | 'gold' = auth.plan;
      // @ts-expect-error no schema types it as a number
      const unknownClaim: number = auth.other;
      res.json({ id, plan, sub: auth.sub, unknownClaim, exp: typeof auth.exp });
    });
    const { body } = await get(app, 'token').expect(200);
    expect(body).toEqual({ id: 7, plan: 'free', sub: 'alice', exp: 'number' });
  });

  it('gives a type to what introspect resolves to', async () => {
    const endpoint = await createEndpoint(active({ tenant: { id: 7 } }));
    const { tenant, sub } = await createAuthenticate(endpoint, { claims: TENANT }).introspect('token');
    expect([tenant.id.toFixed(1), sub]).toEqual(['7.0', 'alice']);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a missing claim', {}],
    ['a claim of another type', { tenant: { id: '7' } }],
    ['a null claim', { tenant: null }],
  ])('answers 401 invalid_token when the claims do not match: %s', async (_title, claims) => {
    const endpoint = await createEndpoint(active(claims));
    const app = createApp(createAuthenticate(endpoint, { claims: TENANT }));
    for (const _time of ['asked', 'remembered']) {
      const response = await get(app, 'token').expect(401);
      expect(response.headers['www-authenticate']).toBe(INVALID_TOKEN);
      expect(response.text).not.toMatch(/tenant|expected|number/i);
    }
    expect([app.reached(), endpoint.asked.length]).toEqual([0, 1]);
  });

  it('puts its result on req.auth, and guards still read what the endpoint sent', async () => {
    const endpoint = await createEndpoint(active({ roles: 'admin,auditor' }));
    const schema = z.object({ roles: z.string().transform((roles) => roles.split(',')) });
    const authenticate = createAuthenticate(endpoint, { claims: schema });
    const app = createApp(authenticate, requireClaim('roles', 'admin,auditor'));
    expect((await get(app, 'token').expect(200)).body.auth).toMatchObject({
      roles: ['admin', 'auditor'],
      sub: 'alice',
    });
  });

  it('cannot widen the granted scopes', async () => {
    const endpoint = await createEndpoint(active({ scope: 'read' }));
    const schema = z
      .looseObject({})
      .transform((claims) => ({ ...claims, scope: 'admin', active: false, exp: 0, cnf: {} }));
    const authenticate = createAuthenticate(endpoint, { claims: schema, scopes: ['admin'] });
    await get(createApp(authenticate), 'token').expect(403);
    const { body } = await get(createApp(authenticate.with({ scopes: ['read'] })), 'token').expect(200);
    expect(body.auth).toMatchObject({ scope: 'read', active: true });
  });

  it('runs once for a record and again for a new one', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: clock.seconds() + 3600 }));
    const runs: unknown[] = [];
    const schema = z.looseObject({}).refine((claims) => runs.push(claims) > 0);
    const app = createApp(createAuthenticate(endpoint, { claims: schema, clock }), requireFresh({ maxAgeSeconds: 10 }));
    for (let time = 0; time < 3; time++) await get(app, 'token').expect(200);
    expect(runs).toHaveLength(1);
    clock.advance(11);
    await get(app, 'token').expect(200);
    expect(runs).toHaveLength(2);
  });

  it('receives claims of its own, which it may edit', async () => {
    const endpoint = await createEndpoint(active({ tenant: 'acme' }));
    const schema = custom((claims) => {
      Object.assign(claims as object, { sub: 'mallory' });
      return { value: {} };
    });
    const authenticate = createAuthenticate(endpoint, { claims: schema });
    await get(createApp(authenticate), 'token').expect(200);
    const { body } = await get(createApp(createAuthenticate(endpoint), requireClaim('sub', 'alice')), 'token').expect(
      200,
    );
    expect(body.auth.sub).toBe('alice');
    expect((await authenticate.introspect('token')).sub).toBe('alice');
  });

  it('shares the frozen parts of its result among requests, and the object itself with none', async () => {
    const endpoint = await createEndpoint(active({ tenant: { id: 7 } }));
    const authenticate = createAuthenticate(endpoint, { claims: TENANT });
    const seen: ReturnType<typeof getAuth<z.infer<typeof TENANT>>>[] = [];
    const app = createApp(authenticate, (req, _res, next) => {
      seen.push(getAuth(req, authenticate));
      next();
    });
    await get(app, 'token').expect(200);
    await get(app, 'token').expect(200);
    const [first, second] = seen;
    expect(first).not.toBe(second);
    expect(first?.tenant).toBe(second?.tenant);
    expect([Object.isFrozen(first?.tenant), Object.isFrozen(first)]).toEqual([true, false]);
  });

  it.each<[string, ClaimsSchema]>([
    ['throws', z.looseObject({}).transform(() => raise(new Error('schema: alice@x.test')))],
    ['is asynchronous', z.looseObject({}).refine(async () => true)],
    ['is asynchronous and rejects', custom(() => Promise.reject(new Error('late')))],
  ])('that %s causes 503, not a rejection of the token', async (_title, claims) => {
    const endpoint = await createEndpoint(active({ email: 'alice@x.test' }));
    const app = createApp(createAuthenticate(endpoint, { claims }));
    const response = await get(app, 'token').expect(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(response.headers['www-authenticate']).toBeUndefined();
    expect(app.errors).toEqual([expect.objectContaining({ code: 'claims_schema_failed' })]);
    expect(String((app.errors[0] as Error).stack)).not.toContain('alice@x.test');
  });

  it('may differ between middlewares that share one introspection request', async () => {
    const endpoint = await createEndpoint(active({ tenant: { id: 7 } }));
    const authenticate = createAuthenticate(endpoint, { claims: TENANT });
    const strict = authenticate.with({ claims: z.object({ tenant: z.string() }) });
    await get(createApp(authenticate), 'token').expect(200);
    await get(createApp(strict), 'token').expect(401);
    expect(endpoint.asked).toHaveLength(1);
  });
});

function custom(validate: ClaimsSchema['~standard']['validate']): ClaimsSchema {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

function raise(error: Error): never {
  throw error;
}
