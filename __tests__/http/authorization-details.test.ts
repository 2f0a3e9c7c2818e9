import { type AuthorizationDetailPredicate, requireAuthorizationDetails, requireFresh } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { INSUFFICIENT_SCOPE } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint } from '../support/endpoint.js';

const PAYMENT = { type: 'payment', amount: { value: '10', currency: 'EUR' }, locations: ['https://api.example.com'] };
const ACCOUNT = { type: 'account', actions: ['list'] };

async function createSetup(details: unknown, accepts?: AuthorizationDetailPredicate) {
  const endpoint = await createEndpoint(active({ authorization_details: details }));
  return { endpoint, api: createApi(endpoint, {}, requireAuthorizationDetails('payment', accepts)) };
}

describe('requireAuthorizationDetails', () => {
  it.each([[[PAYMENT]], [[ACCOUNT, PAYMENT]], [[{ type: 'payment' }, PAYMENT]]])('accepts %j', async (details) => {
    const { api } = await createSetup(details);
    const { body } = await api.get('abc').expect(200);
    expect(body.auth.authorization_details).toEqual(details);
  });

  it.each([
    [undefined],
    [null],
    [[]],
    ['payment'],
    [7],
    [{ type: 'payment' }],
    [{ 0: PAYMENT, length: 1 }],
    [[ACCOUNT]],
    [['payment', 7, null, [], true]],
    [[{ type: 'Payment' }]],
    [[{ type: 'payment ' }]],
    [[{ type: ['payment'] }]],
    [[{ Type: 'payment' }]],
    [[[PAYMENT]]],
    [[{ nested: PAYMENT }]],
  ])('answers 403 insufficient_scope for %j', async (details) => {
    const { api } = await createSetup(details);
    const { headers } = await api.get('abc').expect(403);
    expect(headers['www-authenticate']).toBe(INSUFFICIENT_SCOPE);
    expect([api.reached(), api.errors]).toEqual([0, []]);
  });

  it('calls the predicate with frozen details of its type, one after another, until one matches', async () => {
    const seen: unknown[] = [];
    const { api } = await createSetup([ACCOUNT, PAYMENT, { type: 'payment', amount: {} }, PAYMENT], (detail) => {
      seen.push(detail);
      expect(Object.isFrozen(detail) && Object.isFrozen(detail.amount)).toBe(true);
      return seen.length === 2;
    });
    await api.get('abc').expect(200);
    expect(seen).toEqual([PAYMENT, { type: 'payment', amount: {} }]);
  });

  it('accepts only true from the predicate', async () => {
    for (const verdict of [false, undefined, null, 1, 'yes', {}]) {
      const { api } = await createSetup([PAYMENT], () => verdict as boolean);
      await api.get('abc').expect(403);
    }
  });

  it.each<[string, () => unknown, string]>([
    ['throws', () => JSON.parse('{'), 'SyntaxError'],
    ['returns a promise', async () => true, 'TypeError'],
    ['returns a promise that fails', () => Promise.reject(new Error('later')), 'TypeError'],
  ])('passes an error to next when the predicate %s, and the request ends there', async (_, accepts, name) => {
    const { api } = await createSetup([PAYMENT], accepts as AuthorizationDetailPredicate);
    await api.get('abc').expect(500);
    expect([api.reached(), api.errors]).toEqual([0, [expect.objectContaining({ name })]]);
  });

  it('runs again on a fresh response', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: undefined, authorization_details: [PAYMENT] }));
    const guards = [requireAuthorizationDetails('payment'), requireFresh({ maxAgeSeconds: 0 })];
    const api = createApi(endpoint, { clock }, ...guards);
    await api.get('abc').expect(200);
    clock.advance(1);
    endpoint.script = active({ exp: undefined, authorization_details: [ACCOUNT] });
    await api.get('abc').expect(403);
  });

  it('throws without a type, and for a predicate that is no function', () => {
    for (const type of ['', undefined, null, 7, ['payment'], PAYMENT]) {
      expect(() => requireAuthorizationDetails(type as string)).toThrow(TypeError);
    }
    for (const accepts of [null, 'payment', {}, true]) {
      expect(() => requireAuthorizationDetails('payment', accepts as never)).toThrow('write a function');
    }
  });
});
