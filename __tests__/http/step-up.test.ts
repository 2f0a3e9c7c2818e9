import { requireAuthentication, requireFresh, requireScope } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { recordDecisions } from '../support/decisions.js';
import { createDpopSetup } from '../support/dpop.js';
import { active, createEndpoint } from '../support/endpoint.js';

const STEP_UP =
  'Bearer realm="api", error="insufficient_user_authentication", error_description="This resource requires a stronger or more recent authentication of the user"';

const SECONDS = 1_800_000_000;

type Options = Parameters<typeof requireAuthentication>[0];

async function createSetup(options: Options, claims: Record<string, unknown>, more: object = {}) {
  const clock = createClock(SECONDS);
  const endpoint = await createEndpoint(active({ exp: undefined, ...claims }));
  const api = createApi(endpoint, { clock, ...more }, requireAuthentication(options));
  return { clock, endpoint, api };
}

describe('requireAuthentication', () => {
  it.each<[Options, Record<string, unknown>]>([
    [{ acrValues: ['gold'] }, { acr: 'gold' }],
    [{ acrValues: ['gold', 'platinum'] }, { acr: 'platinum' }],
    [{ maxAgeSeconds: 300 }, { auth_time: SECONDS - 300 }],
    [{ maxAgeSeconds: 0 }, { auth_time: SECONDS }],
    [{ maxAgeSeconds: 31_536_000 }, { auth_time: SECONDS - 31_536_000 }],
    [
      { acrValues: ['gold'], maxAgeSeconds: 300 },
      { acr: 'gold', auth_time: SECONDS },
    ],
    [{ acrValues: [], maxAgeSeconds: 300 }, { auth_time: SECONDS }],
  ])('with %j accepts %j', async (options, claims) => {
    const { api } = await createSetup(options, claims);
    await api.get('abc').expect(200);
  });

  it.each<[Options, Record<string, unknown>, string]>([
    [{ acrValues: ['gold'] }, {}, ', acr_values="gold"'],
    [{ acrValues: ['gold'] }, { acr: 'Gold' }, ', acr_values="gold"'],
    [{ acrValues: ['gold', 'platinum'] }, { acr: 'silver' }, ', acr_values="gold platinum"'],
    [{ acrValues: ['gold', 'platinum'] }, { acr: 'gold platinum' }, ', acr_values="gold platinum"'],
    [{ acrValues: ['gold'] }, { acr: ['gold'] }, ', acr_values="gold"'],
    [{ maxAgeSeconds: 300 }, {}, ', max_age="300"'],
    [{ maxAgeSeconds: 300 }, { auth_time: SECONDS - 301 }, ', max_age="300"'],
    [{ maxAgeSeconds: 300 }, { auth_time: String(SECONDS) }, ', max_age="300"'],
    [{ maxAgeSeconds: 0 }, { auth_time: SECONDS - 1 }, ', max_age="0"'],
    [{ acrValues: ['gold'], maxAgeSeconds: 9 }, { acr: 'gold' }, ', acr_values="gold", max_age="9"'],
    [{ acrValues: ['gold'], maxAgeSeconds: 9 }, { auth_time: SECONDS }, ', acr_values="gold", max_age="9"'],
  ])('with %j answers 401 to %j and names everything that is required', async (options, claims, parameters) => {
    const { api } = await createSetup(options, claims);
    const decisions = recordDecisions();
    const { headers, body } = await api.get('abc').expect(401);
    expect(headers['www-authenticate']).toBe(STEP_UP + parameters);
    expect(headers['cache-control']).toBe('no-store');
    expect(body.error).toBe('insufficient_user_authentication');
    expect([api.reached(), api.errors]).toEqual([0, []]);
    expect(decisions).toMatchObject([
      {},
      { by: 'requireAuthentication', outcome: 'rejected', reason: 'insufficient_user_authentication' },
    ]);
  });

  it('checks the age at the time of the request, so a cached response ages', async () => {
    const { api, clock, endpoint } = await createSetup({ maxAgeSeconds: 2 }, { auth_time: SECONDS - 1 });
    await api.get('abc').expect(200);
    clock.advance(1);
    await api.get('abc').expect(200);
    clock.advance(0.1);
    await api.get('abc').expect(401);
    expect(endpoint.asked).toHaveLength(1);
  });

  it('names no scopes, because they do not help, but the metadata of the resource', async () => {
    const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource';
    const { api } = await createSetup({ acrValues: ['gold'] }, {}, { scopes: ['read'], resourceMetadata });
    const { headers } = await api.get('abc').expect(401);
    expect(headers['www-authenticate']).toBe(`${STEP_UP}, acr_values="gold", resource_metadata="${resourceMetadata}"`);
  });

  it('reveals its requirements only to clients with a valid token', async () => {
    const { api, endpoint } = await createSetup({ acrValues: ['gold'], maxAgeSeconds: 9 }, {}, { optional: true });
    endpoint.script = { active: false };
    for (const token of [undefined, 'abc']) {
      const { headers } = await api.get(token).expect(401);
      expect(headers['www-authenticate']).not.toMatch(/acr_values|max_age|insufficient/);
    }
  });

  it('runs after the guards before it and before the guards behind it', async () => {
    const endpoint = await createEndpoint(active());
    const guards = [requireScope('admin'), requireAuthentication({ acrValues: ['gold'] })] as const;
    const statusOf = async (...order: (typeof guards)[number][]) =>
      (await createApi(endpoint, {}, ...order).get('abc')).status;
    expect([await statusOf(...guards), await statusOf(guards[1], guards[0])]).toEqual([403, 401]);
  });

  it('runs again on a fresh response', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: undefined, acr: 'gold' }));
    const guards = [requireAuthentication({ acrValues: ['gold'] }), requireFresh({ maxAgeSeconds: 0 })];
    const api = createApi(endpoint, { clock }, ...guards);
    await api.get('abc').expect(200);
    clock.advance(1);
    endpoint.script = active({ exp: undefined, acr: 'silver' });
    const { headers } = await api.get('abc').expect(401);
    expect(headers['www-authenticate']).toBe(`${STEP_UP}, acr_values="gold"`);
  });

  it('puts its error on the scheme of the request', async () => {
    const { send } = await createDpopSetup({}, {}, requireAuthentication({ acrValues: ['gold'] }));
    const { headers } = await send(401);
    expect(headers['www-authenticate']).toMatch(
      /^Bearer realm="api", DPoP realm="api", error="insufficient_user_authentication", .+ acr_values="gold", algs=/,
    );
  });

  it.each<[unknown, string]>([
    [{}, 'Option "acrValues" is missing; write acrValues, maxAgeSeconds, or both'],
    [undefined, 'Option "acrValues" is missing; write acrValues, maxAgeSeconds, or both'],
    [{ acrValues: [] }, 'Option "acrValues" is missing; write acrValues, maxAgeSeconds, or both'],
    [{ acrValues: 'gold' }, 'write a list of values without spaces or quotes'],
    [{ acrValues: ['gold platinum'] }, 'write a list of values without spaces or quotes'],
    [{ acrValues: ['g"'] }, 'write a list of values without spaces or quotes'],
    [{ acrValues: [''] }, 'write a list of values without spaces or quotes'],
    [{ acrValues: [7] }, 'write a list of values without spaces or quotes'],
    [{ maxAgeSeconds: -1 }, 'write whole seconds from 0 to 31536000'],
    [{ maxAgeSeconds: 1.5 }, 'write whole seconds from 0 to 31536000'],
    [{ maxAgeSeconds: 31_536_001 }, 'write whole seconds from 0 to 31536000'],
    [{ maxAgeSeconds: '300' }, 'write whole seconds from 0 to 31536000'],
    [{ maxAgeSeconds: Number.NaN }, 'write whole seconds from 0 to 31536000'],
    [{ acrValues: ['gold'], maxAge: 300 }, 'Option "maxAge" is not known here; did you mean "maxAgeSeconds"?'],
    [
      { acrValues: ['gold'], max_age: 300 },
      'Option "max_age" is not known here; write one of acrValues, maxAgeSeconds',
    ],
  ])('with %j throws at start-up', (options, message) => {
    expect(() => requireAuthentication(options as Options)).toThrow(TypeError);
    expect(() => requireAuthentication(options as Options)).toThrow(message);
  });

  it('mounted without being called answers 500 to every request and says what to write', async () => {
    const api = createApi(await createEndpoint(active()), {}, requireAuthentication as never);
    await api.get('abc').expect(500);
    expect(api.errors).toMatchObject([
      { message: expect.stringContaining("requireAuthentication({ acrValues: ['gold'] })") },
    ]);
  });
});
