import express from 'express';
import request from 'supertest';
import { createApi, createAuthenticate } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { boundTo, CHALLENGES, createDpopSetup, sendBound } from '../support/dpop.js';
import { createSender, ORIGIN } from '../support/dpop-sender.js';
import { createEndpoint } from '../support/endpoint.js';

describe('a DPoP proof', () => {
  it.each([
    ['/', `${ORIGIN}/`],
    ['/', ORIGIN],
    ['/r', `${ORIGIN}/r`],
    ['/r?x=1', `${ORIGIN}/r`],
    ['/r?x=1', `${ORIGIN}/r?y=2#z`],
    ['/r', 'HTTPS://API.Example.COM:443/r'],
    ['/%7Ealice/a%2fb', `${ORIGIN}/~alice/a%2Fb`],
    ['/~alice', `${ORIGIN}/%7ealice`],
    ['/a/b', `${ORIGIN}/a/./c/../b`],
    ['/%C3%BC', `${ORIGIN}/ü`],
    ['//a', `${ORIGIN}//a`],
  ])('for the request to %s is accepted when its htu is %s', async (path, htu) => {
    const { send } = await createDpopSetup();
    await send(200, { claims: { htu } }, path);
  });

  it.each([
    ['/r', `${ORIGIN}/R`],
    ['/r', `${ORIGIN}/r/`],
    ['/r/', `${ORIGIN}/r`],
    ['/r', `${ORIGIN}/`],
    ['/a/b', `${ORIGIN}/a%2Fb`],
    ['/a', `${ORIGIN}//a`],
    ['/?x=/r', `${ORIGIN}/r`],
    ['/r', 'https://api.example.com.:443/r'],
  ])('for the request to %s is rejected when its htu is %s', async (path, htu) => {
    const { send } = await createDpopSetup();
    const { headers } = await send(401, { claims: { htu } }, path);
    expect(headers['www-authenticate']).toBe(CHALLENGES.proof);
  });

  it('needs the whole URL when the middleware is mounted on a path', async () => {
    const [sender, clock] = [await createSender(), createClock()];
    const authenticate = createAuthenticate(await createEndpoint(boundTo(sender)), { clock, dpop: { origin: ORIGIN } });
    const router = express.Router().use('/inner', authenticate, (_req, res) => void res.json({}));
    const app = express().use('/api', router);
    const statuses = [];
    for (const htu of [`${ORIGIN}/api/inner/r`, `${ORIGIN}/inner/r`, `${ORIGIN}/r`, `${ORIGIN}/`]) {
      const proof = await sender.proof('abc', clock, { claims: { htu } });
      statuses.push((await sendBound({ app }, 'abc', proof, '/api/inner/r')).status);
    }
    expect(statuses).toEqual([200, 401, 401, 401]);
  });
});

describe('a request target that is no path', () => {
  it.each([
    ['http://api.example.com/r', `${ORIGIN}/r`],
    ['*', `${ORIGIN}*`],
    ['/a/../r', `${ORIGIN}/r`],
    ['/a/%2e%2E/r', `${ORIGIN}/r`],
    ['/a\\..\\r', `${ORIGIN}/r`],
    ['/./r', `${ORIGIN}/r`],
    ['/r/..', `${ORIGIN}/`],
    ['.evil.example/r', `${ORIGIN}.evil.example/r`],
    [':8443/r', `${ORIGIN}:8443/r`],
    ['', ORIGIN],
  ])('%j matches no proof, not even one for %s', async (url, htu) => {
    const { api, sender, clock } = await createDpopSetup();
    const dpop = await sender.proof('abc', clock, { claims: { htu } });
    const req = { method: 'GET', url, rawHeaders: [], headers: { authorization: 'DPoP abc', dpop } } as never;
    await expect(api.authenticate.authenticateRequest(req)).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
  });
});

describe('dpop.origin', () => {
  it('never comes from the headers of the request', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const forged = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
    for (const [htu, status] of [
      ['https://evil.example/', 401],
      ['http://evil.example/', 401],
      [`${ORIGIN}/`, 200],
    ] as const) {
      const dpop = await sender.proof('abc', clock, { claims: { htu } });
      await request(api.app)
        .get('/')
        .set({ ...forged, authorization: 'DPoP abc', dpop })
        .expect(status);
    }
  });

  it('defaults to the origin of the audience when that is a single URL', async () => {
    for (const audience of ['https://api.example.com/v1', ['https://api.example.com']]) {
      const [sender, clock] = [await createSender(), createClock()];
      const endpoint = await createEndpoint(boundTo(sender, { aud: 'https://api.example.com/v1' }));
      const api = createApi(endpoint, { clock, dpop: true, audience });
      const response = await sendBound(api, 'abc', await sender.proof('abc', clock));
      expect([response.status, response.body.error]).toEqual(
        typeof audience === 'string' ? [200, undefined] : [401, 'invalid_token'],
      );
    }
  });

  it('may be a function that is called for each request', async () => {
    const { send, api, sender, clock } = await createDpopSetup({
      origin: ({ headers }) => (headers['x-tenant'] === 'b' ? 'https://b.example.com/' : ORIGIN),
    });
    await send(200);
    await send(401, { claims: { htu: 'https://b.example.com/' } });
    const dpop = await sender.proof('abc', clock, { claims: { htu: 'https://b.example.com/' } });
    await request(api.app).get('/').set({ 'x-tenant': 'b', authorization: 'DPoP abc', dpop }).expect(200);
  });

  it.each([undefined, '', 'api.example.com', 'null', '//', 'https://', 'https://alice@api.example.com'])(
    'matches no proof when the function returns no origin, not even an htu that is equally wrong: %j',
    async (origin) => {
      const { send, api } = await createDpopSetup({ origin: () => origin });
      const given = `${origin}`;
      for (const htu of [`${ORIGIN}/`, given, `${given}/`, '/', 'undefined', 'no url']) {
        await send(401, { claims: { htu } });
      }
      expect([api.reached(), api.errors]).toEqual([0, []]);
    },
  );

  it.each([() => Promise.resolve(ORIGIN), () => Promise.reject(new Error('later'))])(
    'answers 500 when the function returns a promise',
    async (createPromise) => {
      const promise = createPromise();
      promise.catch(() => {});
      const { send, api } = await createDpopSetup({ origin: () => promise as never });
      await send(500);
      expect(api.errors).toEqual([new TypeError('"dpop.origin" returned a promise; it has to be synchronous')]);
    },
  );

  it('answers 500 when the function throws', async () => {
    const failure = new Error('unknown proxy');
    const { send, api } = await createDpopSetup({
      origin: () => {
        throw failure;
      },
    });
    await send(500);
    expect([api.reached(), api.errors]).toEqual([0, [failure]]);
  });
});
