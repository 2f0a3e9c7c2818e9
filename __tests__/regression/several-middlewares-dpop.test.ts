import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import request from 'supertest';
import type { PolicyOptions } from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { boundTo, createDpopSetup, sendBound } from '../support/dpop.js';
import { ORIGIN } from '../support/dpop-sender.js';
import { active, createEndpoint } from '../support/endpoint.js';

const fromHeader = ({ headers }: IncomingMessage) => headers.authorization?.split(' ')[1];
const fromCookie = ({ headers }: IncomingMessage) => headers.cookie?.replace('token=', '');

const changeMethod: RequestHandler = (req, _res, next) => {
  req.method = 'DELETE';
  next();
};

describe('a second middleware that answers 401 when it is the only one also does behind another of the same server', () => {
  it.each(['alone', 'behind'])('for an unused proof beside a token under Bearer: %s', async (place) => {
    const endpoint = await createEndpoint(active());
    const first = createAuthenticate(endpoint);
    const second = first.with({ dpop: { origin: ORIGIN } });
    const app = createApp(...(place === 'behind' ? [first] : []), second);
    await get(app, 'abc').set('DPoP', 'x.y.z').expect(401);
    expect(app.reached()).toBe(0);
  });

  const UNPROVEN: readonly [string, PolicyOptions][] = [
    ['requires the same of proofs', {}],
    ['requires more of proofs', { dpop: { origin: 'https://other.test', algorithms: ['ES384'], nonce: true } }],
    ['has DPoP off', { dpop: false }],
  ];
  it.each(UNPROVEN.flatMap(([title, options]) => ['alone', 'behind'].map((place) => [title, options, place] as const)))(
    'for a bound token that it reads with "getToken", so without its proof, when it %s: %j, %s',
    async (_title, options, place) => {
      const { api, sender, clock } = await createDpopSetup();
      const second = api.authenticate.with({ ...options, getToken: fromHeader });
      const app = createApp(...(place === 'behind' ? [api.authenticate] : []), second);
      await sendBound(app, 'abc', await sender.proof('abc', clock)).expect(401);
      expect(app.reached()).toBe(0);
    },
  );

  it.each(['alone', 'behind'])(
    'for the scheme DPoP without a proof, although the first read a cookie: %s',
    async (place) => {
      const { api, endpoint } = await createDpopSetup();
      endpoint.script = active({ exp: undefined });
      const first = api.authenticate.with({ getToken: fromCookie });
      const app = createApp(...(place === 'behind' ? [first] : []), api.authenticate);
      await request(app.app).get('/').set('Authorization', 'DPoP abc').set('Cookie', 'token=abc').expect(401);
      expect(app.reached()).toBe(0);
    },
  );

  it.each(['alone', 'behind'])(
    'for a method that a handler has changed since the proof was verified: %s',
    async (place) => {
      const { api, sender, clock } = await createDpopSetup();
      const second = api.authenticate.with({ realm: 'second' });
      const app = createApp(...(place === 'behind' ? [api.authenticate] : []), changeMethod, second);
      await sendBound(app, 'abc', await sender.proof('abc', clock)).expect(401);
      expect(app.reached()).toBe(0);
    },
  );
});

describe('a derived middleware with "dpop: true" and an audience of its own', () => {
  it('expects proofs for the origin of that audience', async () => {
    const { api, sender, clock, endpoint } = await createDpopSetup({}, { audience: 'https://a.test', dpop: true });
    endpoint.script = boundTo(sender, { aud: ['https://a.test', 'https://b.test'] });
    const app = createApp(api.authenticate.with({ audience: 'https://b.test', dpop: true }));
    const proofFor = (htu: string) => sender.proof('abc', clock, { claims: { htu } });
    await sendBound(app, 'abc', await proofFor('https://a.test/')).expect(401);
    await sendBound(app, 'abc', await proofFor('https://b.test/')).expect(200);
  });
});
