import { getAuth, type PolicyOptions, requireScope, type TokenIntrospectionOptions } from '../../lib/index.js';
import { createApi, createApp, createAuthenticate, get } from '../support/api.js';
import { BARE, INSUFFICIENT_SCOPE, INVALID_TOKEN, insufficientScope } from '../support/challenges.js';
import { createClock } from '../support/clock.js';
import { active, createEndpoint } from '../support/endpoint.js';

type Row = [
  title: string,
  options: Partial<TokenIntrospectionOptions>,
  claims: Record<string, unknown>,
  status: number,
];

const SECONDS = 1_800_000_000;

const ROWS: readonly Row[] = [
  ['the audience', { audience: 'api' }, { aud: 'api' }, 200],
  ['the audience in a list', { audience: 'api' }, { aud: ['web', 'api'] }, 200],
  ['one of several audiences', { audience: ['https://api.test', 'api'] }, { aud: 'api' }, 200],
  ['another audience', { audience: 'api' }, { aud: 'web' }, 401],
  ['other audiences', { audience: 'api' }, { aud: ['web', 'apis'] }, 401],
  ['no audience', { audience: 'api' }, {}, 401],
  ['a null audience', { audience: 'api' }, { aud: null }, 401],
  ['an empty list of audiences', { audience: 'api' }, { aud: [] }, 401],
  ['an audience with a slash more', { audience: 'https://api.test' }, { aud: 'https://api.test/' }, 401],
  ['an audience with a longer name', { audience: 'https://api.test' }, { aud: 'https://api.test.evil.test' }, 401],
  ['no audience where none is named', { audience: false }, {}, 200],
  ['any audience where none is named', { audience: false }, { aud: 'web' }, 200],
  ['the issuer', { issuer: 'https://as.test' }, { iss: 'https://as.test' }, 200],
  ['another issuer', { issuer: 'https://as.test' }, { iss: 'https://as.test/' }, 401],
  ['no issuer', { issuer: 'https://as.test' }, {}, 401],
  ['any issuer where none is expected', {}, { iss: 'https://other.test' }, 200],
  ['exp to come', {}, { exp: SECONDS + 1 }, 200],
  ['exp now', { clockToleranceSeconds: 0 }, { exp: SECONDS }, 401],
  ['exp a fraction away', { clockToleranceSeconds: 0 }, { exp: SECONDS + 0.5 }, 200],
  ['exp just within the default tolerance', {}, { exp: SECONDS - 4.999 }, 200],
  ['exp at the end of the default tolerance', {}, { exp: SECONDS - 5 }, 401],
  ['exp within a tolerance of five minutes', { clockToleranceSeconds: 300 }, { exp: SECONDS - 299 }, 200],
  ['exp in 1970', {}, { exp: 0 }, 401],
  ['exp before 1970', {}, { exp: -1 }, 401],
  ['a null exp', {}, { exp: null }, 200],
  ['nbf now', { clockToleranceSeconds: 0 }, { nbf: SECONDS }, 200],
  ['nbf to come', { clockToleranceSeconds: 0 }, { nbf: SECONDS + 0.001 }, 401],
  ['nbf within the default tolerance', {}, { nbf: SECONDS + 5 }, 200],
  ['nbf beyond the default tolerance', {}, { nbf: SECONDS + 5.001 }, 401],
  ['iat to come', {}, { iat: SECONDS + 5000 }, 200],
  ['iat in milliseconds', {}, { iat: SECONDS * 1000 }, 200],
  ['a refresh token by its type', {}, { token_type: 'refresh_token' }, 401],
  ['a refresh token by its type, spelled otherwise', {}, { token_type: 'Refresh' }, 401],
  ['a refresh token by its use', {}, { token_use: 'refresh_token' }, 401],
  ['a refresh token where they are allowed', { allowRefreshTokens: true }, { token_type: 'refresh_token' }, 200],
  ['a sender-constrained token', {}, { cnf: { jkt: 'x' } }, 401],
  ['an empty binding', {}, { cnf: {} }, 401],
  ['a binding of an odd kind', {}, { cnf: false }, 401],
  ['a null binding', {}, { cnf: null }, 200],
];

describe('a policy for a token with', () => {
  it.each<Row>(ROWS)('%s is enforced', async (_title, options, claims, status) => {
    const clock = createClock(SECONDS);
    const endpoint = await createEndpoint({ active: true, ...claims });
    const api = createApi(endpoint, { clock, ...options });
    const response = await api.get('token').expect(status);
    expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : INVALID_TOKEN);
    expect(api.reached()).toBe(status === 200 ? 1 : 0);
  });

  it.each<Row>(ROWS)(
    '%s is enforced by a derived middleware on the response that the first one cached',
    async (_title, options, claims, status) => {
      const clock = createClock(SECONDS);
      const endpoint = await createEndpoint({ active: true, exp: SECONDS + 60, ...claims });
      const lenient = createAuthenticate(endpoint, { clock, clockToleranceSeconds: 300, allowRefreshTokens: true });
      await get(createApp(lenient), 'token');
      const asked = endpoint.asked.length;
      const derived = lenient.with({
        allowRefreshTokens: false,
        clockToleranceSeconds: 5,
        ...options,
      } as PolicyOptions);
      const response = await get(createApp(derived), 'token').expect(status);
      expect(response.headers['www-authenticate']).toBe(status === 200 ? undefined : INVALID_TOKEN);
      if (claims.exp === undefined) expect(endpoint.asked).toHaveLength(asked);
    },
  );
});

describe('with()', () => {
  it('lets two routes require two audiences of one token over one introspection request', async () => {
    const endpoint = await createEndpoint(active({ aud: ['https://api.test', 'https://admin.test'] }));
    const authenticate = createAuthenticate(endpoint, { audience: 'https://api.test' });
    const admin = authenticate.with({ audience: 'https://admin.test' });
    const other = authenticate.with({ audience: 'https://other.test' });
    await get(createApp(authenticate), 'token').expect(200);
    await get(createApp(admin), 'token').expect(200);
    expect((await get(createApp(other), 'token').expect(401)).headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(endpoint.asked).toHaveLength(1);
    expect(other.stats()).toEqual(authenticate.stats());
  });

  it('shares an introspection request that is on its way', async () => {
    const endpoint = await createEndpoint(active({ aud: 'api' }));
    const authenticate = createAuthenticate(endpoint, { audience: 'api' });
    const results = await Promise.allSettled([
      authenticate.introspect('token'),
      authenticate.with({ audience: 'web' }).introspect('token'),
      authenticate.with({ scopes: ['read'] }).introspect('token'),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(endpoint.asked).toHaveLength(1);
  });

  it('inherits options that are omitted or undefined and replaces the others', async () => {
    const endpoint = await createEndpoint(active({ scope: 'read' }));
    const authenticate = createAuthenticate(endpoint, {
      scopes: ['read'],
      realm: 'reports',
      resourceMetadata: 'https://api.test/.well-known/oauth-protected-resource',
    });
    const inherits = authenticate.with({ scopes: undefined, realm: undefined });
    const replaces = authenticate.with({ scopes: ['admin'], realm: 'admin' });
    const again = replaces.with({ scopes: [] });
    const challenge = async (middleware: typeof inherits) =>
      (await get(createApp(middleware))).headers['www-authenticate'];
    const metadata = 'resource_metadata="https://api.test/.well-known/oauth-protected-resource"';
    expect(await challenge(inherits)).toBe(`Bearer realm="reports", scope="read", ${metadata}`);
    expect(await challenge(replaces)).toBe(`Bearer realm="admin", scope="admin", ${metadata}`);
    expect(await challenge(again)).toBe(`Bearer realm="admin", ${metadata}`);
    await get(createApp(inherits), 'token').expect(200);
    await get(createApp(replaces), 'token').expect(403);
    await get(createApp(again), 'token').expect(200);
  });

  it('can make a route optional or read its token from elsewhere, and does not change the first middleware', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    await get(createApp(authenticate.with({ optional: true }))).expect(200);
    const fromHeader = authenticate.with({ getToken: ({ headers }) => headers['x-token'] as string | undefined });
    await get(createApp(fromHeader)).set('X-Token', 'token').expect(200);
    expect((await get(createApp(authenticate)).expect(401)).headers['www-authenticate']).toBe(BARE);
  });

  it('checks the token behind the first middleware, and guards use its options and scopes', async () => {
    const endpoint = await createEndpoint(active({ scope: 'read admin' }));
    const authenticate = createAuthenticate(endpoint, { scopes: ['read'] });
    const admin = authenticate.with({ scopes: ['admin'], realm: 'admin' });
    const app = createApp(
      authenticate,
      admin,
      (req, _res, next) => void next(getAuth(req, admin) && undefined),
      requireScope('root'),
    );
    const response = await get(app, 'token').expect(403);
    expect(response.headers['www-authenticate']).toBe(
      insufficientScope('admin read root').replace('realm="api"', 'realm="admin"'),
    );
    expect(endpoint.asked).toHaveLength(1);
  });

  it('gives the derived middleware no close()', async () => {
    const endpoint = await createEndpoint(active());
    const derived = createAuthenticate(endpoint).with({});
    expect(derived).not.toHaveProperty('close');
    expect(Object.keys(derived).sort()).toEqual(['authenticateRequest', 'introspect', 'invalidate', 'stats', 'with']);
  });

  it.each<[string, object]>([
    ['the endpoint', { endpoint: 'https://other.test' }],
    ['client authentication', { clientAuth: { identity: 'x', sign() {} } }],
    ['the cache', { cache: false }],
    ['a misspelling', { scope: ['read'] }],
    ['a wrong value', { scopes: 'read' }],
    ['a contradiction', { tokenFromBody: true, getToken: () => 'x' }],
  ])('throws for %s', async (_title, options) => {
    const endpoint = await createEndpoint(active());
    expect(() => createAuthenticate(endpoint).with(options)).toThrow(TypeError);
  });

  it('removes a token for all derived middlewares, whichever of them invalidates it', async () => {
    const endpoint = await createEndpoint(active());
    const authenticate = createAuthenticate(endpoint);
    const derived = authenticate.with({ scopes: ['read'] });
    await get(createApp(authenticate), 'token').expect(200);
    derived.invalidate({ token: 'token' });
    endpoint.script = { active: false };
    await get(createApp(authenticate), 'token').expect(401);
  });
});

describe('order of checks', () => {
  it.each<[string, Partial<TokenIntrospectionOptions>, Record<string, unknown>, string]>([
    ['a refresh token before its exp', {}, { token_type: 'refresh_token', exp: 1 }, 'refresh_token'],
    ['exp before the issuer', { issuer: 'x' }, { exp: 1 }, 'expired'],
    ['nbf before the issuer', { issuer: 'x' }, { nbf: 9e9 }, 'not_yet_valid'],
    ['the issuer before the audience', { issuer: 'x', audience: 'y' }, {}, 'issuer_mismatch'],
    ['the audience before the binding', { audience: 'y' }, { cnf: {} }, 'audience_mismatch'],
    ['the binding before the scope', { scopes: ['admin'] }, { cnf: {} }, 'sender_constrained'],
    ['the scope last', { scopes: ['admin'] }, {}, 'insufficient_scope'],
  ])('puts %s', async (_title, options, claims, reason) => {
    const endpoint = await createEndpoint({ active: true, ...claims });
    const authenticate = createAuthenticate(endpoint, options);
    await expect(authenticate.introspect('token')).rejects.toMatchObject({ name: 'AuthError', reason });
  });

  it('answers 403 for a missing scope only when the token is otherwise valid', async () => {
    const endpoint = await createEndpoint({ active: true, scope: '' });
    const api = createApi(endpoint, { audience: false, scopes: ['admin'] });
    expect((await api.get('token').expect(403)).headers['www-authenticate']).toBe(
      `${INSUFFICIENT_SCOPE}, scope="admin"`,
    );
  });
});
