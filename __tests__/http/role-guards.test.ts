import type { RoleReader } from '../../lib/index.js';
import { requireAnyRole, requireFresh, requireRole } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { INSUFFICIENT_SCOPE } from '../support/challenges.js';
import { recordDecisions } from '../support/decisions.js';
import { active, createEndpoint } from '../support/endpoint.js';

describe('requireRole', () => {
  it.each<[string, unknown, string[], number]>([
    ['the one role', ['admin'], ['admin'], 200],
    ['all of several', ['editor', 'admin'], ['admin', 'editor'], 200],
    ['one of two', ['admin'], ['admin', 'editor'], 403],
    ['none', [], ['admin'], 403],
    ['no such claim', undefined, ['admin'], 403],
    ['null', null, ['admin'], 403],
    ['another case', ['Admin'], ['admin'], 403],
    ['a longer name', ['administrator'], ['admin'], 403],
    ['one string', 'admin', ['admin'], 200],
    ['one string that contains the role', 'admin editor', ['admin'], 403],
    ['an object with the role as a member', { admin: true }, ['admin'], 403],
    ['a list within the list', [['admin']], ['admin'], 403],
    ['a number', [7], ['7'], 403],
    ['a name of Object.prototype', ['reader'], ['constructor'], 403],
    ['a name of Array.prototype', ['reader'], ['includes'], 403],
  ])('with %s in the claim "roles" responds as expected', async (_title, roles, needed, status) => {
    const endpoint = await createEndpoint(active({ roles }));
    const api = createApi(endpoint, { scopes: ['read'] }, requireRole(...needed));
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : INSUFFICIENT_SCOPE);
    expect(api.reached()).toBe(status === 200 ? 1 : 0);
  });

  it('tells the operator the reason, and no role to anybody', async () => {
    const decisions = recordDecisions();
    const endpoint = await createEndpoint(active({ roles: ['held-role'] }));
    const response = await createApi(endpoint, {}, requireRole('needed-role')).get('token').expect(403);
    expect(response.text + JSON.stringify(response.headers)).not.toMatch(/held-role|needed-role/);
    expect(decisions.at(-1)).toMatchObject({ by: 'requireRole', status: 403, reason: 'insufficient_role' });
  });

  it('does not trust a handler that adds a role to req.auth', async () => {
    const endpoint = await createEndpoint(active({ roles: ['reader'] }));
    const authenticate = createAuthenticate(endpoint);
    const app = createApp(
      authenticate,
      (req, _res, next) => {
        (req as unknown as { auth: { roles: string[] } }).auth.roles = ['admin'];
        next();
      },
      requireRole('admin'),
    );
    await get(app, 'token').expect(403);
  });

  it.each([[[]], [['']], [[7]], [[undefined]], [[['admin']]], [[null]]])('throws for %j', (roles) => {
    expect(() => requireRole(...(roles as string[]))).toThrow(TypeError);
    expect(() => requireAnyRole(...(roles as string[]))).toThrow(/requireAnyRole\(/);
  });

  it('tells how to write it when it is mounted without being called', async () => {
    const endpoint = await createEndpoint(active());
    const app = createApp(createAuthenticate(endpoint), requireRole as never);
    await get(app, 'token').expect(500);
    expect(app.errors).toMatchObject([{ message: expect.stringContaining("write requireRole('admin')") }]);
  });
});

describe('requireAnyRole', () => {
  it.each<[string, unknown, number]>([
    ['the first', ['admin'], 200],
    ['the last', ['owner'], 200],
    ['both', ['owner', 'admin'], 200],
    ['neither', ['reader'], 403],
    ['none at all', undefined, 403],
  ])('with %s responds as expected', async (_title, roles, status) => {
    const endpoint = await createEndpoint(active({ roles }));
    const api = createApi(endpoint, {}, requireAnyRole('admin', 'owner'));
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : INSUFFICIENT_SCOPE);
  });
});

describe('the option "roles"', () => {
  it('reads roles from another claim, and not from "roles"', async () => {
    const endpoint = await createEndpoint(active({ roles: ['admin'], groups: ['reader'] }));
    const roles: RoleReader = ({ groups }) => groups as string[];
    await createApi(endpoint, { roles }, requireRole('reader')).get('token').expect(200);
    await createApi(endpoint, { roles }, requireRole('admin')).get('token').expect(403);
  });

  it.each<[string, unknown]>([
    ['a string that contains the role', 'admin'],
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['a Set', new Set(['admin'])],
    ['an object', { admin: true, includes: () => true }],
  ])('grants no role when it returns %s', async (_title, result) => {
    const endpoint = await createEndpoint(active());
    const roles = (() => result) as unknown as RoleReader;
    for (const guard of [requireRole('admin'), requireAnyRole('admin')]) {
      const api = createApi(endpoint, { roles }, guard);
      await api.get('token').expect(403);
      expect(api.reached()).toBe(0);
    }
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('roles');
      },
    ],
    ['returns a promise', async () => ['admin']],
    ['returns a promise that rejects', () => Promise.reject(new Error('roles'))],
  ])('answers 500 when it %s', async (_title, roles) => {
    const endpoint = await createEndpoint(active());
    const api = createApi(endpoint, { roles: roles as unknown as RoleReader }, requireRole('admin'));
    await api.get('token').expect(500);
    expect([api.reached(), api.errors.length]).toEqual([0, 1]);
  });

  it('belongs to the policy: with() inherits and replaces it', async () => {
    const endpoint = await createEndpoint(active({ groups: ['reader'], teams: ['writer'] }));
    const authenticate = createAuthenticate(endpoint, { roles: ({ groups }) => groups as string[] });
    const statusOf = async (middleware: typeof authenticate, role: string) =>
      (await get(createApp(middleware, requireRole(role)), 'token')).status;
    const inherited = authenticate.with({ scopes: [] }) as typeof authenticate;
    const replaced = authenticate.with({ roles: ({ teams }) => teams as string[] }) as typeof authenticate;
    expect([await statusOf(inherited, 'reader'), await statusOf(inherited, 'writer')]).toEqual([200, 403]);
    expect([await statusOf(replaced, 'reader'), await statusOf(replaced, 'writer')]).toEqual([403, 200]);
  });

  it('is used again for the new response of requireFresh, so a lost role is noticed', async () => {
    const endpoint = await createEndpoint(active({ groups: ['admin'] }));
    const roles: RoleReader = ({ groups }) => groups as string[];
    const api = createApi(endpoint, { roles }, requireRole('admin'), requireFresh({ maxAgeSeconds: 0 }));
    await api.get('token').expect(200);
    endpoint.script = active({ groups: [] });
    await api.get('token').expect(403);
    expect(api.reached()).toBe(1);
  });
});
