import type { RequestHandler } from 'express';
import {
  type ActorPredicate,
  type ExpectedActor,
  getActor,
  requireActor,
  requireNoActor,
  requireUser,
} from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { INSUFFICIENT_SCOPE } from '../support/challenges.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint } from '../support/endpoint.js';

const AGENT = { sub: 'travel-agent', iss: 'https://as.example.com' };

/** Values of `act` that describe no actor. Somebody acts, but nobody knows the party. */
const MALFORMED: readonly (readonly [string, unknown])[] = [
  ['a string', 'travel-agent'],
  ['an empty string', ''],
  ['false', false],
  ['a number', 0],
  ['a list', [AGENT]],
  ['an empty list', []],
  ['an empty object', {}],
  ['an object with a list as sub', { sub: ['travel-agent'] }],
  ['an object with a number as iss', { ...AGENT, iss: 7 }],
  ['an object whose prototype is the actor', JSON.parse('{"__proto__":{"sub":"travel-agent"}}')],
];

describe('requireActor', () => {
  it.each<[string, unknown, ExpectedActor | ActorPredicate, number]>([
    ['the expected sub', AGENT, { sub: 'travel-agent' }, 200],
    ['the expected sub and iss', AGENT, { sub: 'travel-agent', iss: 'https://as.example.com' }, 200],
    ['the expected client', { client_id: 'mcp' }, { client_id: 'mcp' }, 200],
    ['another sub', AGENT, { sub: 'other-agent' }, 403],
    ['another case', AGENT, { sub: 'Travel-Agent' }, 403],
    ['another iss', AGENT, { sub: 'travel-agent', iss: 'https://other.example.com' }, 403],
    ['no iss', { sub: 'travel-agent' }, AGENT, 403],
    ['the sub as client_id', { client_id: 'travel-agent' }, { sub: 'travel-agent' }, 403],
    ['the expected actor in an inner act', { sub: 'proxy', act: AGENT }, { sub: 'travel-agent' }, 403],
    ['the expected actor outside of another', { ...AGENT, act: { sub: 'proxy' } }, { sub: 'travel-agent' }, 200],
    ['no act', undefined, { sub: 'travel-agent' }, 403],
    ['null, which is absent', null, () => true, 403],
    ['a name of Object.prototype', AGENT, { sub: 'constructor' }, 403],
    ['a predicate that returns true', AGENT, ({ sub }) => sub === 'travel-agent', 200],
    ['a predicate that returns false', AGENT, () => false, 403],
    ['a predicate that returns a truthy value', AGENT, () => 1 as unknown as boolean, 403],
    ['a predicate for an actor with other members', { ...AGENT, level: 2 }, ({ level }) => level === 2, 200],
  ])('with %s responds as expected', async (_title, act, expected, status) => {
    const endpoint = await createEndpoint(active({ sub: 'alice', act }));
    const api = createApi(endpoint, { scopes: ['read'] }, requireActor(expected));
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : INSUFFICIENT_SCOPE);
    expect(api.reached()).toBe(status === 200 ? 1 : 0);
  });

  it.each(MALFORMED)('rejects an act that is %s', async (_title, act) => {
    const endpoint = await createEndpoint(active({ act }));
    const seen: unknown[] = [];
    const predicate: ActorPredicate = (actor) => seen.push(actor) > 0 && actor.sub !== undefined;
    for (const guard of [
      requireActor({ sub: 'travel-agent' }),
      requireActor({ iss: AGENT.iss }),
      requireActor(predicate),
    ]) {
      const api = createApi(endpoint, {}, guard);
      await api.get('token').expect(403);
      expect(api.reached()).toBe(0);
    }
    expect(seen).toEqual([{}]);
  });

  it('does not read members that another package added to Object.prototype', async () => {
    const endpoint = await createEndpoint(active({ act: { iss: AGENT.iss } }));
    const without = await createEndpoint(active());
    Object.defineProperty(Object.prototype, 'sub', { value: 'travel-agent', configurable: true });
    Object.defineProperty(Object.prototype, 'act', { value: AGENT, configurable: true });
    try {
      await createApi(endpoint, {}, requireActor({ sub: 'travel-agent' }))
        .get('token')
        .expect(403);
      await createApi(without, {}, requireActor({ sub: 'travel-agent' }))
        .get('token')
        .expect(403);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'sub');
      Reflect.deleteProperty(Object.prototype, 'act');
    }
  });

  it('tells the operator the reason, and no actor to anybody', async () => {
    const decisions = recordDecisions();
    const endpoint = await createEndpoint(active({ act: AGENT }));
    const response = await createApi(endpoint, {}, requireActor({ sub: 'other-agent' }))
      .get('token')
      .expect(403);
    expect(response.text + JSON.stringify(response.headers)).not.toMatch(/agent/);
    expect(decisions.at(-1)).toMatchObject({ by: 'requireActor', status: 403, reason: 'actor_mismatch' });
  });

  it('answers 500 when its predicate throws or is asynchronous', async () => {
    const endpoint = await createEndpoint(active({ act: AGENT }));
    const fail = () => {
      throw new Error('predicate');
    };
    for (const predicate of [fail, async () => true, () => Promise.reject(new Error('predicate'))]) {
      const api = createApi(endpoint, {}, requireActor(predicate as never));
      await api.get('token').expect(500);
      expect([api.reached(), api.errors.length]).toEqual([0, 1]);
    }
  });

  it.each<[unknown, string]>([
    [undefined, '"sub"'],
    [{}, '"sub"'],
    [{ sub: undefined }, '"sub"'],
    [{ sub: '' }, '"sub"'],
    [{ sub: ['a'] }, '"sub"'],
    [{ iss: 7 }, '"iss"'],
    [{ client: 'a' }, '"client"'],
    ['travel-agent', '"0"'],
  ])('throws for %j, and names %s', (expected, name) => {
    expect(() => requireActor(expected as ExpectedActor)).toThrow(TypeError);
    expect(() => requireActor(expected as ExpectedActor)).toThrow(name);
  });
});

describe('requireNoActor', () => {
  it.each<[string, unknown, number]>([
    ['no act', undefined, 200],
    ['null, which is absent', null, 200],
    ['an actor', AGENT, 403],
    ...MALFORMED.map(([title, act]) => [title, act, 403] as [string, unknown, number]),
  ])('with %s responds as expected', async (_title, act, status) => {
    const endpoint = await createEndpoint(active({ act }));
    const api = createApi(endpoint, {}, requireNoActor());
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : INSUFFICIENT_SCOPE);
    expect(api.reached()).toBe(status === 200 ? 1 : 0);
  });
});

describe('requireUser', () => {
  it.each<[string, Record<string, unknown>, number]>([
    ['a subject and another client', { sub: 'alice', client_id: 'portal' }, 200],
    ['the client itself', { sub: 'portal', client_id: 'portal' }, 403],
    ['the client itself as azp', { sub: 'portal', client_id: 'account', azp: 'portal' }, 403],
    ['another azp', { sub: 'alice', client_id: 'portal', azp: 'portal' }, 200],
    ['no sub', { sub: undefined, client_id: 'portal' }, 403],
    ['an empty sub', { sub: '', client_id: 'portal' }, 403],
    ['no client_id', { sub: 'alice', client_id: undefined }, 403],
    ['an empty client_id', { sub: 'alice', client_id: '' }, 403],
    ['a user with an agent', { sub: 'alice', client_id: 'portal', act: AGENT }, 200],
  ])('with %s responds as expected', async (_title, claims, status) => {
    const decisions = recordDecisions();
    const endpoint = await createEndpoint(active(claims));
    const api = createApi(endpoint, {}, requireUser());
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : INSUFFICIENT_SCOPE);
    if (status === 403) expect(decisions.at(-1)).toMatchObject({ by: 'requireUser', reason: 'no_user' });
  });
});

describe('getActor', () => {
  const respondWithActor: RequestHandler = (req, res) => {
    const actor = getActor(req);
    res.json({ actor: actor ?? null, isFrozen: Object.isFrozen(actor) });
  };

  it.each<[string, unknown, unknown]>([
    ['an actor', AGENT, AGENT],
    ['the outermost actor', { sub: 'outer', act: { sub: 'inner' } }, { sub: 'outer', act: { sub: 'inner' } }],
    ['nobody', undefined, null],
    ...MALFORMED.map(([title, act]) => [`an empty object for ${title}`, act, {}] as [string, unknown, unknown]),
  ])('returns %s', async (_title, act, actor) => {
    const endpoint = await createEndpoint(active({ act }));
    const app = createApp(createAuthenticate(endpoint), respondWithActor);
    const response = await get(app, 'token').expect(200);
    expect(response.body).toEqual({ actor, isFrozen: true });
  });

  it('reads the response of the endpoint, not req.auth', async () => {
    const endpoint = await createEndpoint(active({ act: AGENT }));
    const removeAct: RequestHandler = (req, _res, next) => {
      Reflect.deleteProperty((req as unknown as { auth: object }).auth, 'act');
      next();
    };
    const app = createApp(createAuthenticate(endpoint), removeAct, respondWithActor);
    expect((await get(app, 'token').expect(200)).body).toEqual({ actor: AGENT, isFrozen: true });
  });

  it('throws without the middleware', async () => {
    const app = createApp(respondWithActor);
    await get(app).expect(500);
    expect(app.errors).toMatchObject([{ message: expect.stringContaining('getActor() found no req.auth') }]);
  });
});
