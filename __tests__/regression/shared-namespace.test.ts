import { bearerToken, type CacheStore, selectServer, type TokenIntrospectionOptions } from '../../lib/index.js';
import { createApp, createAuthenticate, get } from '../support/api.js';
import { type Asked, active, createEndpoint } from '../support/endpoint.js';
import { createSharedMemory } from '../support/shared-memory.js';

const SECRETS = ['s'.repeat(32)];
const NAMED = { identity: 'api', sign() {} };

type Options = Partial<TokenIntrospectionOptions>;

const cacheOf = (store: CacheStore, namespace?: string) => ({ cache: { store, secrets: SECRETS, namespace } });

/** An endpoint at which every token is active for the client `acme`, and for no other. */
const createTenantEndpoint = () =>
  createEndpoint(({ headers }: Asked) => (headers.authorization === 'Bearer of-acme' ? active() : { active: false }));

/** Options of two tenants that only an object without an identity tells apart. */
const UNNAMED: readonly [string, (tenant: string) => Options][] = [
  ['clientAuth', (tenant) => ({ clientAuth: bearerToken(() => `of-${tenant}`) })],
  [
    'normalizeResponse',
    (tenant) => ({ clientAuth: NAMED, normalizeResponse: () => ({ active: tenant === 'acme', sub: 'alice' }) }),
  ],
];

describe('two middlewares over one store and one namespace', () => {
  it.each(UNNAMED)('cannot differ only by a "%s" without identity: creating the second throws', async (_, options) => {
    const endpoint = await createTenantEndpoint();
    const cache = cacheOf(createSharedMemory().connect(), 'prod');
    const acme = createAuthenticate(endpoint, { ...cache, ...options('acme') });
    const createBeta = () => createAuthenticate(endpoint, { ...cache, ...options('beta') });
    expect(createBeta).toThrow(TypeError);
    expect(createBeta).toThrow('Option "cache.namespace"');
    await get(createApp(acme), 'abc').expect(200);
  });

  it.each(UNNAMED)('can share one "%s" without identity, and then share responses', async (_, options) => {
    const endpoint = await createTenantEndpoint();
    const shared = { ...cacheOf(createSharedMemory().connect(), 'prod'), ...options('acme') };
    const [one, other] = [
      createAuthenticate(endpoint, shared),
      createAuthenticate(endpoint, { ...shared, scopes: [] }),
    ];
    await get(createApp(selectServer({ one, other }, () => 'other')), 'abc').expect(200);
  });

  it.each(UNNAMED)('may differ by a "%s" without identity once the first is closed', async (_, options) => {
    const endpoint = await createTenantEndpoint();
    const cache = cacheOf(createSharedMemory().connect(), 'prod');
    const shared = { ...cache, ...options('acme') };
    const [one, same] = [createAuthenticate(endpoint, shared), createAuthenticate(endpoint, shared)];
    await Promise.all([one.close(), one.close()]);
    expect(() => createAuthenticate(endpoint, { ...cache, ...options('beta') })).toThrow('Option "cache.namespace"');
    await same.close();
    await get(createApp(createAuthenticate(endpoint, { ...cache, ...options('beta') })), 'abc').expect(401);
  });
});

describe('two middlewares with namespaces or stores of their own', () => {
  it.each(UNNAMED)(
    'may differ only by a "%s" without identity, and use no response of each other',
    async (_, options) => {
      const endpoint = await createTenantEndpoint();
      const [store, otherStore] = [createSharedMemory().connect(), createSharedMemory().connect()];
      const acme = createAuthenticate(endpoint, { ...cacheOf(store, 'acme'), ...options('acme') });
      const beta = createAuthenticate(endpoint, { ...cacheOf(store, 'beta'), ...options('beta') });
      const gamma = createAuthenticate(endpoint, { ...cacheOf(otherStore, 'acme'), ...options('gamma') });
      for (const [middleware, status] of [
        [acme, 200],
        [beta, 401],
        [gamma, 401],
      ] as const) {
        await get(createApp(middleware), 'abc').expect(status);
      }
    },
  );
});
