import { requireAuthentication, requireScope } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint } from '../support/endpoint.js';

const STEP_UP = /^Bearer realm="api", error="insufficient_user_authentication", error_description="[^"]+"(.*)$/;

type Guards = Parameters<typeof createApi>[2][];

async function createSetup(claims: Record<string, unknown>, ...guards: Guards) {
  const clock = createClock();
  const endpoint = await createEndpoint(active({ exp: undefined, ...claims }));
  return { clock, endpoint, api: createApi(endpoint, { clock }, ...(guards as [])) };
}

describe('RFC 9470 section 3: the challenge', () => {
  it('section 3: an insufficient authentication gets 401 insufficient_user_authentication', async () => {
    const { api } = await createSetup({ acr: 'silver' }, requireAuthentication({ acrValues: ['gold'] }));
    const { headers } = await api.get('abc').expect(401);
    expect(headers['www-authenticate']).toMatch(STEP_UP);
  });

  it('section 3: acr_values are separated by spaces in order of preference, and one of them is enough', async () => {
    const guard = requireAuthentication({ acrValues: ['gold', 'platinum'] });
    await (await createSetup({ acr: 'platinum' }, guard)).api.get('abc').expect(200);
    const { headers } = await (await createSetup({}, guard)).api.get('abc').expect(401);
    expect(STEP_UP.exec(headers['www-authenticate'] ?? '')?.[1]).toBe(', acr_values="gold platinum"');
  });

  it('section 3: max_age is a whole, non-negative number of seconds', async () => {
    const { api } = await createSetup({}, requireAuthentication({ maxAgeSeconds: 300 }));
    const { headers } = await api.get('abc').expect(401);
    expect(STEP_UP.exec(headers['www-authenticate'] ?? '')?.[1]).toBe(', max_age="300"');
    for (const maxAgeSeconds of [-1, 1.5]) expect(() => requireAuthentication({ maxAgeSeconds })).toThrow(TypeError);
  });

  it('section 3: both may occur together, each once, in one challenge', async () => {
    const { api } = await createSetup({}, requireAuthentication({ acrValues: ['gold'], maxAgeSeconds: 0 }));
    const { headers } = await api.get('abc').expect(401);
    expect(STEP_UP.exec(headers['www-authenticate'] ?? '')?.[1]).toBe(', acr_values="gold", max_age="0"');
  });

  it('section 3: when scopes are missing too, the guard that is mounted first rejects the request', async () => {
    const [scope, stepUp] = [requireScope('admin'), requireAuthentication({ acrValues: ['gold'] })];
    await (await createSetup({}, scope, stepUp)).api.get('abc').expect(403);
    await (await createSetup({}, stepUp, scope)).api.get('abc').expect(401);
  });
});

describe('RFC 9470 section 6.2: acr and auth_time', () => {
  it('section 6.2: a missing auth_time is not recent enough', async () => {
    const { api } = await createSetup({ acr: 'gold' }, requireAuthentication({ maxAgeSeconds: 31_536_000 }));
    await api.get('abc').expect(401);
  });

  it('section 6.2: the age is computed at the request, so that a cached response ages', async () => {
    const guard = requireAuthentication({ maxAgeSeconds: 2 });
    const { api, clock, endpoint } = await createSetup({ auth_time: createClock().seconds() - 1 }, guard);
    await api.get('abc').expect(200);
    clock.advance(2.1);
    await api.get('abc').expect(401);
    expect(endpoint.asked).toHaveLength(1);
  });
});

describe('RFC 9470 section 9: disclosure', () => {
  it('section 9: clients without a valid token do not learn the requirements', async () => {
    const { api, endpoint } = await createSetup({}, requireAuthentication({ acrValues: ['gold'], maxAgeSeconds: 1 }));
    endpoint.script = { active: false };
    for (const token of [undefined, 'abc']) {
      const { headers } = await api.get(token).expect(401);
      expect(headers['www-authenticate']).not.toMatch(/acr_values|max_age/);
    }
  });
});
