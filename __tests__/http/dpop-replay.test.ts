import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import request from 'supertest';
import { type ReplayStore, requireFresh, requireScope } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate } from '../support/api.js';
import { recordDecisions } from '../support/decisions.js';
import { boundTo, CHALLENGES, createDpopSetup, sendBound } from '../support/dpop.js';
import { ORIGIN } from '../support/dpop-sender.js';
import { createSharedMemory } from '../support/shared-memory.js';

describe('a DPoP proof', () => {
  it('is accepted for one request: the next is answered 401 invalid_dpop_proof', async () => {
    const { api, sender, clock, endpoint } = await createDpopSetup();
    const decisions = recordDecisions();
    const proof = await sender.proof('abc', clock);
    await sendBound(api, 'abc', proof).expect(200);
    const { headers } = await sendBound(api, 'abc', proof).expect(401);
    expect(headers['www-authenticate']).toBe(CHALLENGES.proof);
    expect(decisions.map(({ reason }) => reason)).toEqual([undefined, 'dpop_proof_replayed']);
    expect([api.reached(), endpoint.asked.length]).toEqual([1, 1]);
  });

  it('is accepted for only one of many concurrent requests', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const proof = await sender.proof('abc', clock);
    const responses = await Promise.all(Array.from({ length: 20 }, () => sendBound(api, 'abc', proof)));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(api.reached()).toBe(1);
  });

  it('with a used jti is rejected even when its iat differs', async () => {
    const { send, clock } = await createDpopSetup();
    const decisions = recordDecisions();
    await send(200, { claims: { jti: 'one' } });
    clock.advance(5);
    await send(401, { claims: { jti: 'one' } });
    await send(200, { claims: { jti: 'two' } });
    expect(decisions.map(({ reason }) => reason)).toEqual([undefined, 'dpop_proof_replayed', undefined]);
  });

  it('of another key may have the same jti', async () => {
    const [a, b] = [await createDpopSetup(), await createDpopSetup()];
    const proofs = [a, b].map(({ sender, clock }) => sender.proof('abc', clock, { claims: { jti: 'same' } }));
    await sendBound(a.api, 'abc', await proofs[0]).expect(200);
    a.endpoint.script = boundTo(b.sender);
    await a.api.authenticate.invalidate({ token: 'abc' });
    await sendBound(a.api, 'abc', await proofs[1]).expect(200);
  });

  // Default maxAgeSeconds is 60. The age check accepts this proof for 70 seconds, so the replay memory must hold it as long.
  it.each([
    ...[0, 1, 10, 59, 60, 69, 69.999, 70].map((later) => [later, 'dpop_proof_replayed'] as const),
    ...[70.001, 71, 80, 140].map((later) => [later, 'invalid_dpop_proof'] as const),
  ])('dated 10 seconds ahead is rejected %d seconds after its first use, by the reason %s', async (later, reason) => {
    const { api, sender, clock } = await createDpopSetup({}, { cache: { ttlSeconds: 600 } });
    const decisions = recordDecisions();
    const proof = await sender.proof('abc', clock, { claims: { iat: clock.seconds() + 10 } });
    await sendBound(api, 'abc', proof).expect(200);
    clock.advance(later);
    await sendBound(api, 'abc', proof).expect(401);
    expect(decisions.map((decision) => decision.reason)).toEqual([undefined, reason]);
  });

  it('is not used up by an outage or by a rejected token', async () => {
    const { api, sender, clock, endpoint } = await createDpopSetup({}, { cache: false });
    const decisions = recordDecisions();
    const proof = await sender.proof('abc', clock);
    endpoint.script = boundTo(sender, { nbf: clock.seconds() + 60 });
    await sendBound(api, 'abc', proof).expect(401);
    endpoint.script = (_asked: unknown, res: ServerResponse) => void res.writeHead(404).end();
    await sendBound(api, 'abc', proof).expect(503);
    endpoint.script = boundTo(sender);
    await sendBound(api, 'abc', proof).expect(200);
    await sendBound(api, 'abc', proof).expect(401);
    const reasons = decisions.map(({ reason }) => reason);
    expect(reasons).toEqual(['not_yet_valid', 'bad_response', undefined, 'dpop_proof_replayed']);
  });

  it('with a long jti is stored as its digest', async () => {
    const keys: string[] = [];
    const setIfAbsent: ReplayStore['setIfAbsent'] = async (key) => keys.push(key) > 0;
    const { send } = await createDpopSetup({ replayStore: { setIfAbsent } });
    await send(200, { claims: { jti: 'j'.repeat(4000) } });
    expect(keys).toEqual([expect.stringMatching(/^dpop\.[\w-]{43}$/)]);
  });
});

describe('replayStore', () => {
  it('is called once per request, with a lifetime at least as long as the proof is acceptable', async () => {
    const setIfAbsent = jest.fn<Promise<boolean>, Parameters<ReplayStore['setIfAbsent']>>();
    setIfAbsent.mockResolvedValueOnce(true).mockResolvedValueOnce(false);
    const { send } = await createDpopSetup({ replayStore: { setIfAbsent }, maxAgeSeconds: 120 });
    await send(200);
    await send(401);
    expect(setIfAbsent).toHaveBeenCalledTimes(2);
    for (const [, ttlMs] of setIfAbsent.mock.calls) {
      expect(ttlMs).toBeGreaterThan(130_000);
      // This includes a slow introspection request in between.
      expect(ttlMs).toBeLessThan(300_000);
    }
  });

  it('is not called for a proof or token that is rejected anyway', async () => {
    const setIfAbsent = jest.fn(async () => true);
    const { send, endpoint } = await createDpopSetup(
      { replayStore: { setIfAbsent } },
      { scopes: ['read'], cache: false },
    );
    await send(401, { claims: { htm: 'POST' } });
    endpoint.script = { active: false };
    await send(401);
    expect(setIfAbsent).not.toHaveBeenCalled();
  });

  it.each<[string, () => Promise<boolean>]>([
    ['rejects', () => Promise.reject(new Error('down'))],
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
  ])('answers 503 when it %s, and no handler runs', async (_, setIfAbsent) => {
    const { send, api } = await createDpopSetup({ replayStore: { setIfAbsent } });
    const decisions = recordDecisions();
    const response = await send(503);
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(response.headers['retry-after']).toBe('1');
    expect(api.errors).toMatchObject([{ code: 'replay_store_failed' }]);
    expect(api.reached()).toBe(0);
    expect(decisions).toMatchObject([{ outcome: 'outage', reason: 'replay_store_failed' }]);
  });

  it('counts a proof as replayed unless it returns true', async () => {
    for (const answer of [undefined, null, 0, 'OK', 1, {}]) {
      const setIfAbsent = async () => answer as unknown as boolean;
      const { send, api } = await createDpopSetup({ replayStore: { setIfAbsent } });
      const decisions = recordDecisions();
      await send(401);
      expect(api.reached()).toBe(0);
      expect(decisions).toMatchObject([{ reason: 'dpop_proof_replayed' }]);
    }
  });

  it('defaults to the shared cache’s store', async () => {
    const shared = jest.fn(async () => true);
    const own = jest.fn(async () => true);
    const store = { ...createSharedMemory().connect(), setIfAbsent: shared };
    const cache = { store, secrets: ['s'.repeat(32)] };
    const usesOf = ({ mock }: jest.Mock) => mock.calls.filter(([key]) => String(key).startsWith('dpop.')).length;
    const first = await createDpopSetup({}, { cache });
    await first.send(200);
    const second = await createDpopSetup({ replayStore: { setIfAbsent: own } }, { cache });
    await second.send(200);
    expect([usesOf(shared as jest.Mock), usesOf(own as jest.Mock)]).toEqual([1, 1]);
  });
});

describe('several middlewares on one request', () => {
  it('use up its proof once, and each requires it', async () => {
    const { api, sender, clock, endpoint } = await createDpopSetup();
    const { authenticate } = api;
    const inner = authenticate.with({ scopes: ['read'] });
    const app = createApp(authenticate, requireScope('write'), inner, requireScope('read'), authenticate);
    const proof = await sender.proof('abc', clock);
    await sendBound(app, 'abc', proof).expect(200);
    const decisions = recordDecisions();
    await sendBound(app, 'abc', proof).expect(401);
    expect(decisions).toMatchObject([{ reason: 'dpop_proof_replayed' }]);
    await sendBound(app, 'abc').expect(401);
    expect([app.reached(), endpoint.asked.length]).toEqual([1, 1]);
  });

  it('require the same key even when each has a response of its own', async () => {
    const { api, sender, clock, endpoint } = await createDpopSetup({}, { cache: false });
    const other = createAuthenticate(endpoint, { clock, cache: false, dpop: { origin: ORIGIN }, scopes: ['read'] });
    const app = createApp(api.authenticate, requireScope('write'), other);
    await sendBound(app, 'abc', await sender.proof('abc', clock)).expect(200);
    expect(endpoint.asked).toHaveLength(2);
    endpoint.script = () => boundTo(sender, endpoint.asked.length === 4 ? { cnf: { jkt: 'another' } } : {});
    const decisions = recordDecisions();
    await sendBound(app, 'abc', await sender.proof('abc', clock)).expect(401);
    expect([app.reached(), endpoint.asked.length]).toEqual([1, 4]);
    expect(decisions.at(-1)).toMatchObject({ outcome: 'rejected', reason: 'sender_constrained' });
  });

  it('of one introspector share the response, even without a cache, and each applies its policy', async () => {
    const { api, sender, clock, endpoint } = await createDpopSetup({}, { cache: false });
    const app = createApp(api.authenticate, requireScope('write'), api.authenticate.with({ scopes: ['read'] }));
    await sendBound(app, 'abc', await sender.proof('abc', clock)).expect(200);
    const strict = createApp(api.authenticate, api.authenticate.with({ scopes: ['admin'] }));
    await sendBound(strict, 'abc', await sender.proof('abc', clock)).expect(403);
    expect([app.reached(), strict.reached(), endpoint.asked.length]).toEqual([1, 0, 2]);
  });

  it('of one introspector verify the proof again if their DPoP options differ', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const strict = api.authenticate.with({ dpop: { origin: ORIGIN, algorithms: ['PS256'] } });
    const app = createApp(api.authenticate, strict);
    await sendBound(app, 'abc', await sender.proof('abc', clock)).expect(401);
    const same = createApp(api.authenticate, api.authenticate.with({ dpop: { origin: ORIGIN, maxAgeSeconds: 30 } }));
    await sendBound(same, 'abc', await sender.proof('abc', clock)).expect(200);
    expect([app.reached(), same.reached()]).toEqual([0, 1]);
  });

  it('reject it when one of them does not accept the DPoP scheme', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const app = createApp(api.authenticate, api.authenticate.with({ dpop: false }));
    await sendBound(app, 'abc', await sender.proof('abc', clock)).expect(401);
    expect(app.reached()).toBe(0);
  });

  it('accept no change of the proof between them', async () => {
    const { api, sender, clock } = await createDpopSetup();
    const [first, second] = [await sender.proof('abc', clock), await sender.proof('abc', clock)];
    const swap: express.RequestHandler = (req, _res, next) => {
      (req as IncomingMessage).headers.dpop = second;
      next();
    };
    const app = createApp(api.authenticate, swap, api.authenticate);
    await sendBound(app, 'abc', first).expect(200);
    for (const proof of [first, second]) await sendBound(api, 'abc', proof).expect(401);
  });
});

describe('requireFresh with DPoP', () => {
  it('needs no second proof and requires the same key', async () => {
    const { sender, clock, endpoint, send, api } = await createDpopSetup({}, {}, requireFresh({ maxAgeSeconds: 0 }));
    await send(200);
    clock.advance(1);
    await send(200);
    expect(endpoint.asked).toHaveLength(2);
    for (const changed of [{ cnf: { jkt: 'another' } }, { cnf: undefined }, { token_type: 'Bearer' }]) {
      endpoint.script = boundTo(sender, changed);
      clock.advance(1);
      await send(401);
    }
    expect(api.reached()).toBe(2);
  });
});

describe('a token under the DPoP scheme', () => {
  it('is answered 400 when the form holds another token', async () => {
    const { sender, clock, endpoint } = await createDpopSetup();
    const authenticate = createApi(endpoint, { clock, dpop: { origin: ORIGIN }, tokenFromBody: true }).authenticate;
    const app = createApp(express.urlencoded({ extended: false }), authenticate);
    const dpop = await sender.proof('abc', clock, { claims: { htm: 'POST' } });
    const post = request(app.app).post('/').set({ authorization: 'DPoP abc', dpop }).type('form');
    await post.send({ access_token: 'def' }).expect(400);
    expect([app.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });

  it('is ignored when "getToken" is given: the header is not read', async () => {
    const { endpoint, clock, sender } = await createDpopSetup();
    const api = createApi(endpoint, { clock, dpop: { origin: ORIGIN }, getToken: () => undefined });
    await sendBound(api, 'abc', await sender.proof('abc', clock)).expect(401);
    expect([api.reached(), endpoint.asked.length]).toEqual([0, 0]);
  });
});
