import request from 'supertest';
import { createApi, createApp } from '../support/api.js';
import { ALGS, boundTo, CHALLENGES, createDpopSetup, createSender, ORIGIN, sendBound } from '../support/dpop.js';
import { active } from '../support/endpoint.js';

/** For so long a nonce is given out. */
const PERIOD = 120;
const SECRETS = ['a secret of at least 32 bytes, honestly', 'another secret of at least 32 bytes, too'];

const WITH_CACHE = { cache: { ttlSeconds: 3600 } };

describe('where a nonce is demanded, a proof', () => {
  it.each([undefined, null, 7, '', 'x', ['x']])(
    'with the nonce %j is answered 401 use_dpop_nonce and given one, without a question to the endpoint',
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

  it('with the nonce that was given is accepted, many times over, and the answer names no other', async () => {
    const { send } = await createDpopSetup({ nonce: true });
    const nonce = (await send(401)).headers['dpop-nonce'];
    for (let i = 0; i < 3; i++) {
      const { headers } = await send(200, { claims: { nonce } });
      expect(headers).not.toHaveProperty('dpop-nonce');
      expect(headers).not.toHaveProperty('cache-control');
    }
  });

  it('with an old nonce is accepted for one more period and given the next one, in an answer nobody keeps', async () => {
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

  it('that is wrong otherwise is answered invalid_dpop_proof, with a nonce for the next', async () => {
    const { send } = await createDpopSetup({ nonce: true });
    const { headers } = await send(401, { claims: { htm: 'POST' } });
    expect(headers['www-authenticate']).toBe(CHALLENGES.proof);
    await send(200, { claims: { nonce: headers['dpop-nonce'] } });
  });

  it('does not make a nonce known to those who sent none', async () => {
    const { api, endpoint } = await createDpopSetup({ nonce: true });
    endpoint.script = active({ exp: undefined });
    const otherScheme = await request(api.app).get('/').set('Authorization', 'DPoPs abc').expect(401);
    const anonymous = await request(api.app).get('/').expect(401);
    for (const response of [anonymous, otherScheme, await api.get('abc').expect(200)]) {
      expect(response.headers).not.toHaveProperty('dpop-nonce');
    }
  });

  it('with the nonce of another process is accepted where the secrets are in common, and replaced where its secret is on its way out', async () => {
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

  it('is not good with the nonce of another process, where each has made its own secret', async () => {
    const [a, b] = [await createDpopSetup({ nonce: true }), await createDpopSetup({ nonce: true })];
    const nonce = (await a.send(401)).headers['dpop-nonce'];
    await a.send(200, { claims: { nonce } });
    await b.send(401, { claims: { nonce } });
  });

  it('is held to one nonce by middlewares on the same request', async () => {
    const { api, sender, clock } = await createDpopSetup({ nonce: true });
    const app = createApp(api.authenticate, api.authenticate.with({ scopes: ['read'] }));
    const first = await sendBound(app, 'abc', await sender.proof('abc', clock)).expect(401);
    const nonce = first.headers['dpop-nonce'];
    await sendBound(app, 'abc', await sender.proof('abc', clock, { claims: { nonce } })).expect(200);
  });

  it('keeps the secrets it was given, whatever becomes of the list', async () => {
    const secrets = [...SECRETS];
    const { send } = await createDpopSetup({ nonce: { secrets } });
    const nonce = (await send(401)).headers['dpop-nonce'];
    secrets.splice(0, 2, 'x'.repeat(32));
    await send(200, { claims: { nonce } });
  });
});

describe('every challenge to DPoP', () => {
  it('comes with a nonce, beside other challenges that are there', async () => {
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
