// Compiled, never run. Checks the types of the shared cache.
import { Cluster, Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient, createCluster, createSentinel } from 'redis';
import {
  createClient as createClient5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from 'redis5';
import { type CacheStore, noClientAuth, tokenIntrospection } from '../../lib/index.js';
import { redisStore } from '../../lib/redis/index.js';
import { invalidationEndpoint } from '../../lib/signals/index.js';
import { storeTests } from '../../lib/store-tests/index.js';

const url = 'redis://localhost';

export function acceptsClientsClustersAndSentinels() {
  return [
    redisStore({ client: createClient({ url }) }),
    redisStore({ client: createClient({ url, RESP: 2 }), prefix: undefined }),
    redisStore({ client: createCluster({ rootNodes: [{ url }] }) }),
    redisStore({ client: createSentinel({ name: 'a', sentinelRootNodes: [{ host: 'a', port: 1 }] }) }),
    redisStore({ client: createClient5({ url }) }),
    redisStore({ client: createCluster5({ rootNodes: [{ url }] }) }),
    redisStore({ client: new Redis(url), prefix: 'a:' }),
    redisStore({ client: new Cluster([url]) }),
    redisStore({ client: new Redis5(url) }),
  ];
}

export function rejectsOthers(store: CacheStore) {
  // @ts-expect-error sentinels of version 5 cannot be duplicated
  redisStore({ client: createSentinel5({ name: 'a', sentinelRootNodes: [{ host: 'a', port: 1 }] }) });
  // @ts-expect-error a URL is not a client
  redisStore({ client: url });
  // @ts-expect-error the store needs a client
  redisStore(createClient({ url }));
  // @ts-expect-error a store keeps bytes
  store.keepAndRelease('key', 'lease', { value: 'text', expiresAt: 1 });
  // @ts-expect-error an entry needs an expiry
  store.keepAndRelease('key', 'lease', { value: Buffer.of(1) });
}

export function rejectsStoresThatReturnNoTime(store: CacheStore, value: Uint8Array): CacheStore[] {
  return [
    { ...store, getOrLease: async () => ({ now: 1, value, isLeased: false }) },
    // @ts-expect-error its time is required too
    { ...store, getOrLease: async () => ({ value, isLeased: false }) },
  ];
}

export async function acceptsTargetsOfInvalidation(store: CacheStore, secret: string | undefined) {
  const authenticate = tokenIntrospection({
    endpoint: 'https://as.example.com/introspect',
    clientAuth: noClientAuth(),
    audience: false,
    cache: { store, secrets: [secret], namespace: undefined },
  });
  await authenticate.invalidate({ token: 'token' });
  await authenticate.with({}).invalidate({ sub: 'alice', sid: undefined });
  // @ts-expect-error entries cannot be removed by name
  await authenticate.invalidate({ username: 'alice' });
  // @ts-expect-error a token is required
  await authenticate.invalidate('token');
  invalidationEndpoint({ authenticate, secret: () => 'secret' });
  return invalidationEndpoint({ authenticate: [authenticate, authenticate], secret });
}

export const acceptsAnyRunner = (store: CacheStore, test: (name: string, run: () => Promise<void>) => void) => {
  for (const { name, run } of storeTests(() => ({ store, close() {} }))) test(name, run);
};
