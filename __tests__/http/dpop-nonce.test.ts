import request from 'supertest';
import { createApi, createApp } from '../support/api.js';
import { ALGS, boundTo, CHALLENGES, createDpopSetup, sendBound } from '../support/dpop.js';
import { createSender, ORIGIN } from '../support/dpop-sender.js';
import { active } from '../support/endpoint.js';

/** Seconds for which a nonce is issued. */
const PERIOD = 120;
const SECRETS = ['a secret of at least 32 bytes, honestly', 'another secret of at least 32 bytes, too'];

const WITH_CACHE = { cache: { ttlSeconds: 3600 } };

describe('dpop.nonce: a proof', () => {
  it.each([undefined, null, 7, '', 'x', ['x']])(
    'with the nonce %j is answered 401 use_dpop_nonce with a nonce, without an introspection request',
    async (nonce) => {
      const { send, api, endpoint } = await createDpopSetup({ nonce: true });
      const { headers, body } = await send(401, { claims: { nonce } });
      expect(headers['www-authenticate']).toBe(CHALLENGES.nonce);
      expect(headers['dpop-nonce']).toMatch(/^[\w-]+$/);
      expect(headers['cache-control']).toBe('no-store');
      expect(body.error).toBe('use_dpop_nonce');
      expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
    },
  );

  it('with the current nonce is accepted many times, and the response has no new nonce', async () => {
    const { send } = await createDpopSetup({ nonce: true });
    const nonce = (await send(401)).headers['dpop-nonce'];
    for (let i = 0; i < 3; i++) {
      const { headers } = await send(200, { claims: { nonce } });
      expect(headers).not.toHaveProperty('dpop-nonce');
      expect(headers).not.toHaveProperty('cache-control');
    }
  });

  it('with an old nonce is accepted for one more period; its response is not cacheable and has the next nonce', async () => {
    const { send, clock } = await createDpopSetup({ nonce: true }, WITH_CACHE);
    const nonce = (await send(401)).headers['dpop-nonce'];
    clock.advance(PERIOD);
    const { headers } = await send(200, { claims: { nonce } });
    const next = headers['dpop-nonce'];
    expect(next).toMatch(/^[\w-]+$/);
    expect(next).not.toBe(nonce);
    expect(headers['cache-control']).toBe('no-store');
    await send(200, { claims: { nonce: next } });
    clock.advance(PERIOD);
    expect((await send(401, { claims: { nonce } })).body.error).toBe('use_dpop_nonce');
    await send(200, { claims: { nonce: next } });
  });

  it('that is invalid otherwise is answered invalid_dpop_proof with a nonce for the next one', async () => {
    const { send } = await createDpopSetup({ nonce: true });
    const { headers } = await send(401, { claims: { htm: 'POST' } });
    expect(headers['www-authenticate']).toBe(CHALLENGES.proof);
    await send(200, { claims: { nonce: headers['dpop-nonce'] } });
  });

  it('reveals no nonce to clients that sent no proof', async () => {
    const { api, endpoint } = await createDpopSetup({ nonce: true });
    endpoint.script = active({ exp: undefined });
    const otherScheme = await request(api.app).get('/').set('Authorization', 'DPoPs abc').expect(401);
    const anonymous = await request(api.app).get('/').expect(401);
    for (const response of [anonymous, otherScheme, await api.get('abc').expect(200)]) {
      expect(response.headers).not.toHaveProperty('dpop-nonce');
    }
  });

  it('with the nonce of another process is accepted when the secrets are shared, and replaced when its secret is being rotated out', async () => {
    const { endpoint, clock, sender } = await createDpopSetup();
    const apiWith = (secrets: readonly string[]) =>
      createApi(endpoint, { clock, dpop: { origin: ORIGIN, nonce: { secrets } } });
    const [a, b, c] = [apiWith(SECRETS), apiWith([...SECRETS].reverse()), apiWith(SECRETS.slice(1))];
    const given = await sendBound(a, 'abc', await sender.proof('abc', clock)).expect(401);
    const nonce = given.headers['dpop-nonce'];
    const proof = () => sender.proof('abc', clock, { claims: { nonce } });
    await sendBound(apiWith(SECRETS), 'abc', await proof()).expect(200);
    const rotated = await sendBound(b, 'abc', await proof()).expect(200);
    expect(rotated.headers['dpop-nonce']).not.toBe(nonce);
    await sendBound(c, 'abc', await proof()).expect(401);
  });

  it('is rejected with the nonce of another process when each made its own secret', async () => {
    const [a, b] = [await createDpopSetup({ nonce: true }), await createDpopSetup({ nonce: true })];
    const nonce = (await a.send(401)).headers['dpop-nonce'];
    await a.send(200, { claims: { nonce } });
    await b.send(401, { claims: { nonce } });
  });

  it('needs only one nonce for several middlewares on the same request', async () => {
    const { api, sender, clock } = await createDpopSetup({ nonce: true });
    const app = createApp(api.authenticate, api.authenticate.with({ scopes: ['read'] }));
    const first = await sendBound(app, 'abc', await sender.proof('abc', clock)).expect(401);
    const nonce = first.headers['dpop-nonce'];
    await sendBound(app, 'abc', await sender.proof('abc', clock, { claims: { nonce } })).expect(200);
  });

  it('is checked with the secrets given at creation, even when the list changes later', async () => {
    const secrets = [...SECRETS];
    const { send } = await createDpopSetup({ nonce: { secrets } });
    const nonce = (await send(401)).headers['dpop-nonce'];
    secrets.splice(0, 2, 'x'.repeat(32));
    await send(200, { claims: { nonce } });
  });
});

describe('every DPoP challenge', () => {
  it('comes with a nonce, also beside other challenges', async () => {
    const { api, endpoint } = await createDpopSetup({ nonce: true }, { scopes: ['admin'] });
    const other = await createSender();
    endpoint.script = boundTo(other);
    const app = createApp((_req, res, next) => {
      res.setHeader('WWW-Authenticate', 'Basic realm="old"');
      next();
    }, api.authenticate);
    const { headers } = await sendBound(app, 'abc', 'x').expect(401);
    expect(headers['www-authenticate']).toMatch(/^Basic realm="old", Bearer realm="api", DPoP realm="api", error=/);
    expect(headers['www-authenticate']?.endsWith(ALGS)).toBe(true);
    expect(headers['dpop-nonce']).toMatch(/^[\w-]+$/);
  });
});
