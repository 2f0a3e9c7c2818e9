import { createEntryCipher } from '../../lib/cache/shared/entry-cipher.js';
import { openRevocationLog } from '../../lib/cache/shared/revocation-log.js';
import { createRevocations } from '../../lib/cache/shared/revocations.js';
import { type SharedCacheSettings, withSharedCache } from '../../lib/cache/shared/shared-cache.js';
import { createSharedEntries } from '../../lib/cache/shared/shared-entries.js';
import { withTimeLimit } from '../../lib/cache/shared/time-limit.js';
import { readClock } from '../../lib/core/clock.js';
import type { Lookup, TokenKey, TokenRecord } from '../../lib/core/lookup.js';
import { tokenDigest } from '../../lib/core/token-digest.js';
import { toRecord } from '../../lib/introspection/response.js';
import { createClock, type FakeClock, since } from './clock.js';
import type { Connection, SharedMemory } from './shared-memory.js';
import { until } from './until.js';

export interface Instance {
  readonly clock: FakeClock;
  readonly connection: Connection;
  readonly lookup: Lookup;
  readonly revocations: ReturnType<typeof createRevocations>;
  /** Looks up a token, with a response of any age. */
  lookUp(token?: string): Promise<TokenRecord>;
  /** Looks up a token, with a response that is requested from now on. */
  lookUpFresh(token?: string): Promise<TokenRecord>;
  /** Looks up a token as an early refresh does. */
  refresh(token?: string): Promise<TokenRecord>;
  /** Revokes a token in all instances. */
  revoke(token?: string): Promise<void>;
  /** Number of introspection requests that it has sent. */
  requests(): number;
}

export interface InstanceOptions extends Partial<Pick<SharedCacheSettings, 'ttlMs' | 'inactiveTtlMs' | 'timeoutMs'>> {
  readonly clock?: FakeClock;
  readonly secrets?: readonly string[];
  readonly scope?: string;
  /** Never reads the log. */
  readonly isDeaf?: boolean;
  /** Returns the introspection response. Default: active, with `sub` `alice`. */
  readonly respond?: () => unknown;
  /** Throws while the circuit breaker is open. */
  readonly assertCallAllowed?: () => void;
}

const SECRET = 's'.repeat(32);

const instances: Instance[] = [];

afterEach(async () => {
  await Promise.all(instances.splice(0).map(({ revocations }) => revocations.close()));
});

export function bearerCredentials(token = 'token'): TokenKey {
  return { token, digest: tokenDigest(token) };
}

/** Creates the shared cache of one process, without a memory cache, and waits until it has read the log. */
export async function createInstance(memory: SharedMemory, options: InstanceOptions = {}): Promise<Instance> {
  const {
    clock = createClock(),
    secrets = [SECRET],
    scope = 'scope',
    respond = () => ({ active: true, sub: 'alice' }),
    assertCallAllowed = () => {},
  } = options;
  const connection = memory.connect();
  connection.isDeaf = options.isDeaf === true;
  const cipher = createEntryCipher(secrets, scope);
  const { ttlMs = 60_000, inactiveTtlMs = 5000, timeoutMs = 3000 } = options;
  const store = withTimeLimit(connection, timeoutMs / 4);
  const keepMs = 120_000;
  const log = openRevocationLog(connection, clock, keepMs);
  const revocations = createRevocations({ store, log, cipher, keepMs, timeoutMs });
  let requests = 0;
  const lookup = withSharedCache(
    async () => {
      requests++;
      const now = readClock(clock);
      return toRecord(await respond(), now);
    },
    {
      ...{ ttlMs, inactiveTtlMs, timeoutMs, revocations, clock, assertCallAllowed },
      entries: createSharedEntries({
        ...{ ttlMs, inactiveTtlMs, store, cipher, clock },
        health: log.health,
        restore: toRecord,
      }),
    },
  );
  const instance: Instance = {
    clock,
    connection,
    lookup,
    revocations,
    lookUp: async (token) => lookup(bearerCredentials(token), since(clock)),
    lookUpFresh: async (token) => lookup(bearerCredentials(token), since(clock, clock.monotonic())),
    refresh: async (token) =>
      lookup(bearerCredentials(token), { ...since(clock, clock.monotonic()), background: true }),
    revoke: (token) => revocations.revoke('token', bearerCredentials(token).digest),
    requests: () => requests,
  };
  instances.push(instance);
  if (!connection.isDeaf) await until(() => revocations.isCurrent());
  return instance;
}
