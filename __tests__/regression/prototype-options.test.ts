import type { PolicyOptions, RootTokenIntrospection, TokenIntrospection } from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { active, createEndpoint, type Endpoint } from '../support/endpoint.js';

/** Options that another package adds to `Object.prototype`, with a response that they must not accept. */
const ADDED: readonly (readonly [
  name: string,
  value: unknown,
  response: object,
  token: string | undefined,
  status: number,
])[] = [
  ['optional', true, active(), undefined, 401],
  ['allowRefreshTokens', true, active({ token_type: 'refresh_token' }), 'abc', 401],
  ['clockToleranceSeconds', 300, active({ exp: Math.floor(Date.now() / 1000) - 60 }), 'abc', 401],
  ['satisfiesScope', () => true, active({ scope: 'read' }), 'abc', 403],
  ['getToken', () => 'abc', active(), undefined, 401],
];

/** Runs with a member of `Object.prototype`. */
function withMember<T>(name: string, value: unknown, enumerable: boolean, run: () => T): T {
  Object.defineProperty(Object.prototype, name, { value, enumerable, writable: true, configurable: true });
  try {
    return run();
  } finally {
    Reflect.deleteProperty(Object.prototype, name);
  }
}

const withoutPrototype = (options: PolicyOptions): PolicyOptions => Object.assign(Object.create(null), options);
const create = (endpoint: Endpoint): RootTokenIntrospection => createAuthenticate(endpoint, { scopes: ['admin'] });
const STRICT = { scopes: ['admin'] };

type Derive = (authenticate: RootTokenIntrospection) => TokenIntrospection;

const WAYS: readonly [string, boolean, Derive][] = [
  ['with a plain object, if it is hidden', false, (authenticate) => authenticate.with(STRICT)],
  [
    'with an object without a prototype, if it is hidden',
    false,
    (authenticate) => authenticate.with(withoutPrototype(STRICT)),
  ],
  [
    'with an object without a prototype, if it is visible',
    true,
    (authenticate) => authenticate.with(withoutPrototype(STRICT)),
  ],
];

describe('a member of Object.prototype', () => {
  it.each(WAYS.flatMap((way) => ADDED.map((added) => [added[0], way[0], added, way] as const)))(
    'named %s is no option of with() %s',
    async (_name, _way, [name, value, response, token, status], [, enumerable, derive]) => {
      const endpoint = await createEndpoint(response);
      const authenticate = create(endpoint);
      const derived = withMember(name, value, enumerable, () => derive(authenticate));
      const app = createApp(derived);
      await get(app, token).expect(status);
      expect(app.reached()).toBe(0);
    },
  );

  it.each(ADDED)('named %s is no option of tokenIntrospection()', async (name, value, response, token, status) => {
    const endpoint = await createEndpoint(response);
    const app = createApp(withMember(name, value, false, () => create(endpoint)));
    await get(app, token).expect(status);
    expect(app.reached()).toBe(0);
  });

  it('that is visible makes a plain object unusable: with() throws', async () => {
    const authenticate = create(await createEndpoint(active()));
    expect(() => withMember('optional', true, true, () => authenticate.with(STRICT))).toThrow(TypeError);
  });
});

it.each([
  ['an own member named __proto__', JSON.parse('{"__proto__":{"optional":true}}')],
  ['inherited members', Object.create({ optional: true })],
])('with() rejects options with %s', async (_, options) => {
  const authenticate = create(await createEndpoint(active()));
  expect(() => authenticate.with(options)).toThrow(TypeError);
});
