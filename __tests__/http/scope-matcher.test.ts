import { requireAnyScope, requireFresh, requireScope, type ScopeMatcher } from '../../lib/index.js';
import { createApi, createApp, get } from '../support/api.js';
import { insufficientScope } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint } from '../support/endpoint.js';

/** `repo` implies `repo:read`. */
const implies: ScopeMatcher = (granted, required) =>
  granted.some((scope) => required === scope || required.startsWith(`${scope}:`));

describe('satisfiesScope', () => {
  it.each([
    ['repo', 200],
    ['repo:read', 200],
    ['repo:read:all', 403],
    ['re', 403],
    ['', 403],
  ])('decides about "scopes": with %j granted and repo:read required it is %d', async (scope, status) => {
    const endpoint = await createEndpoint(active({ scope }));
    const api = createApi(endpoint, { scopes: ['repo:read'], satisfiesScope: implies });
    const { headers } = await api.get('abc').expect(status);
    if (status === 403) expect(headers['www-authenticate']).toBe(insufficientScope('repo:read'));
  });

  it('decides about requireScope and requireAnyScope', async () => {
    const endpoint = await createEndpoint(active({ scope: 'repo user:email' }));
    const statusOf = async (...guards: Parameters<typeof createApi>[2][]) =>
      (await createApi(endpoint, { satisfiesScope: implies }, ...(guards as [])).get('abc')).status;
    expect(await statusOf(requireScope('repo:read', 'repo:write'))).toBe(200);
    expect(await statusOf(requireScope('repo:read', 'user'))).toBe(403);
    expect(await statusOf(requireAnyScope('user', 'repo:read'))).toBe(200);
    expect(await statusOf(requireAnyScope('user', 'org'))).toBe(403);
  });

  it('is called for each required scope with all granted scopes, which it cannot change', async () => {
    const seen: unknown[] = [];
    const endpoint = await createEndpoint(active({ scope: 'a b' }));
    const satisfiesScope: ScopeMatcher = (granted, required) => {
      seen.push([granted, required]);
      expect(() => (granted as string[]).push('admin')).toThrow(TypeError);
      return true;
    };
    await createApi(endpoint, { scopes: ['x'], satisfiesScope }, requireScope('y', 'z'))
      .get('abc')
      .expect(200);
    expect(seen).toEqual(['x', 'y', 'z'].map((required) => [['a', 'b'], required]));
  });

  it('grants only by returning true, not a truthy value or a promise', async () => {
    const endpoint = await createEndpoint(active());
    for (const verdict of [1, 'yes', {}, undefined, null, Promise.resolve(true), Promise.reject(new Error('later'))]) {
      const satisfiesScope = (() => verdict) as unknown as ScopeMatcher;
      await createApi(endpoint, { scopes: ['read'], satisfiesScope })
        .get('abc')
        .expect(403);
      await createApi(endpoint, { satisfiesScope }, requireScope('read')).get('abc').expect(403);
      await createApi(endpoint, { satisfiesScope }, requireAnyScope('read')).get('abc').expect(403);
    }
  });

  it('that throws ends the request with its error', async () => {
    const endpoint = await createEndpoint(active());
    const failure = new Error('no table');
    const satisfiesScope: ScopeMatcher = () => {
      throw failure;
    };
    for (const api of [
      createApi(endpoint, { scopes: ['read'], satisfiesScope }),
      createApi(endpoint, { satisfiesScope }, requireScope('read')),
    ]) {
      await api.get('abc').expect(500);
      expect([api.reached(), api.errors]).toEqual([0, [failure]]);
    }
  });

  it('comes from the middleware before the guard, and with() inherits or replaces it', async () => {
    const endpoint = await createEndpoint(active({ scope: 'repo' }));
    const { authenticate } = createApi(endpoint, { satisfiesScope: implies });
    const statusOf = async (middleware: typeof authenticate) =>
      (await get(createApp(middleware, requireScope('repo:read')), 'abc')).status;
    expect(await statusOf(authenticate.with({ audience: false }) as typeof authenticate)).toBe(200);
    const exact: ScopeMatcher = (granted, required) => granted.includes(required);
    expect(await statusOf(authenticate.with({ satisfiesScope: exact }) as typeof authenticate)).toBe(403);
    const both = createApp(authenticate, requireScope('repo:read'), authenticate.with({ satisfiesScope: exact }));
    await get(both, 'abc').expect(200);
  });

  it('decides about a fresh response too', async () => {
    const clock = createClock();
    const endpoint = await createEndpoint(active({ exp: undefined, scope: 'repo' }));
    const guards = [requireScope('repo:read'), requireFresh({ maxAgeSeconds: 0 })];
    const api = createApi(endpoint, { clock, satisfiesScope: implies }, ...guards);
    await api.get('abc').expect(200);
    clock.advance(1);
    await api.get('abc').expect(200);
    endpoint.script = active({ exp: undefined, scope: 'user' });
    clock.advance(1);
    await api.get('abc').expect(403);
  });
});
