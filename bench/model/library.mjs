// The caches of one process: the real code, put together as lib/introspector.ts puts it together.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

export const TTL_MS = 60_000;
export const STALE_MS = 600_000;
export const COMMAND_LIMIT_MS = 750;
const TIMEOUT_MS = 3000;
const MAX_ENTRIES = 10;
const SECRET = 's'.repeat(32);

/** Loads the compiled library from a folder. */
export function loadLibrary(folder) {
  const load = (path) => require(join(folder, path));
  return {
    ...load('cache/memory-cache.js'),
    ...load('cache/memory-store.js'),
    ...load('cache/invalidation-events.js'),
    ...load('cache/invalidate.js'),
    ...load('cache/shared/create-shared-cache.js'),
    ...load('core/token-digest.js'),
    ...load('core/lookup.js'),
    ...load('core/errors.js'),
    ...load('introspection/response.js'),
  };
}

/**
 * Creates the caches of one process.
 *
 * @param connection the store as this process sees it; `undefined` for a process without a store
 * @param askEndpoint lookup at the endpoint
 * @param isStaleAllowed whether stale responses are used while the endpoint fails
 */
export function createCaches(library, { connection, clock, askEndpoint, isStaleAllowed }) {
  const lifetimes = { ttlMs: TTL_MS, inactiveTtlMs: 5000, staleIfErrorMs: isStaleAllowed ? STALE_MS : 0 };
  const common = { ...lifetimes, clock, timeoutMs: TIMEOUT_MS };
  const shared = connection && createShared(library, askEndpoint, connection, common);
  const lookUpAfterMiss = shared?.lookup ?? askEndpoint;
  const cached = library.withMemoryCache((tokenKey, options) => events.note(() => lookUpAfterMiss(tokenKey, options)), {
    ...common,
    store: library.createMemoryStore(MAX_ENTRIES),
    refreshAhead: false,
    diagnose: async () => 'down',
    beginMiss: async (lookUp) => lookUp(),
    revocations: shared?.revocations,
  });
  const events = library.createInvalidationEvents(
    shared?.revocations,
    (digest, record) => cached.peek(digest) === record,
  );
  return { lookup: cached.lookup, invalidate: library.createInvalidator({ cached, events, shared }) };
}

function createShared(library, askEndpoint, connection, common) {
  return library.createSharedCache(askEndpoint, {
    ...common,
    shared: { store: connection, secrets: [SECRET], namespace: '' },
    introspectorId: 'model',
    assertCallAllowed: () => {},
    restore: library.toRecord,
  });
}

/** The lookup fails with the error `timeout` after this many milliseconds, as that of the introspection client does. */
export const ENDPOINT_LIMIT_MS = TIMEOUT_MS;
