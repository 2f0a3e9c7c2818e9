import { withMemoryCache } from '../../lib/cache/memory-cache.js';
import { createMemoryStore } from '../../lib/cache/memory-store.js';
import { createEntryCipher } from '../../lib/cache/shared/entry-cipher.js';
import { openRevocationLog } from '../../lib/cache/shared/revocation-log.js';
import { createRevocations } from '../../lib/cache/shared/revocations.js';
import type { CacheStore, LogReader } from '../../lib/cache/shared/store.js';
import type { TokenRecord } from '../../lib/core/lookup.js';
import { clientSecretBasic } from '../../lib/index.js';
import { createDpopVerifier } from '../../lib/verification/sender/dpop.js';
import { createReplayGuard, createReplayMemory, type ReplayGuard } from '../../lib/verification/sender/replay.js';
import { createApi } from '../support/api.js';
import { createClock, since } from '../support/clock.js';
import { createDeferred } from '../support/deferred.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { createInstance } from '../support/fleet.js';
import { diagnose } from '../support/outages.js';
import { activeRecord, bearerCredentials, beginMiss } from '../support/records.js';
import { createSharedMemory } from '../support/shared-memory.js';
import { until } from '../support/until.js';

const TOKEN = bearerCredentials();

it('a lookup that requires a fresh response sends another request when the lookup that it joined brings an old response', async () => {
  const clock = createClock();
  const answers = [createDeferred<TokenRecord>(), createDeferred<TokenRecord>()];
  let asked = 0;
  const cache = withMemoryCache(() => answers[asked++]?.promise ?? activeRecord(), {
    ttlMs: 60_000,
    inactiveTtlMs: 5000,
    diagnose,
    timeoutMs: 3000,
    staleIfErrorMs: 0,
    refreshAhead: false,
    beginMiss,
    revocations: undefined,
    clock,
    store: createMemoryStore(10),
  });
  const anyAge = cache.lookup(TOKEN, since(clock));
  const fresh = cache.lookup(TOKEN, since(clock, clock.monotonic()));
  // The response that another process requested 30 seconds ago.
  answers[0]?.resolve({ ...activeRecord({ sub: 'old' }), askedMonotonic: clock.monotonic() - 30_000 });
  expect(await anyAge).toMatchObject({ claims: { sub: 'old' } });
  answers[1]?.resolve({ ...activeRecord({ sub: 'new' }), askedMonotonic: clock.monotonic() });
  expect(await fresh).toMatchObject({ claims: { sub: 'new' } });
  expect(asked).toBe(2);
});

it('the circuit breaker probes again after a probe whose client credentials never arrived', async () => {
  const clock = createClock();
  let answer = 503;
  const endpoint = await createEndpoint((_asked, res) => {
    if (answer === 200) return active({ exp: undefined });
    res.writeHead(429).end();
    return undefined;
  });
  let hangs = false;
  const clientAuth = clientSecretBasic('api', () => (hangs ? new Promise<string>(() => {}) : 'secret'));
  const api = createApi(endpoint, { clientAuth, clock, timeoutMs: 1000 });
  await api.get('a').expect(503);
  answer = 200;
  hangs = true;
  clock.advance(60);
  await api.get('b').expect(503);
  hangs = false;
  clock.advance(60);
  await api.get('c').expect(200);
});

it('a revocation that is read from the log counts, even when an earlier one of the same claim is appended later', async () => {
  const reader: { current?: LogReader } = {};
  const appended = createDeferred<string>();
  const store: CacheStore = {
    ...createSharedMemory().connect(),
    append: () => appended.promise,
    follow(logReader) {
      reader.current = logReader;
      return async () => {};
    },
  };
  const clock = createClock();
  const cipher = createEntryCipher(['s'.repeat(32)], 'scope');
  const log = openRevocationLog(store, clock, 60_000);
  const revocations = createRevocations({ store, log, cipher, keepMs: 60_000, timeoutMs: 0 });
  const [entry = ''] = cipher.digestsOf('sub', 'alice');
  const revoking = revocations.revoke('sub', 'alice');
  reader.current?.onEntries([{ position: '2', entry }]);
  appended.resolve('1');
  await revoking;
  const between = { ...activeRecord({ sub: 'alice' }), logPosition: '1' };
  expect(revocations.revokes('key', between)).toBe(true);
});

it('a stored response keeps its age in a process whose clock is 30 seconds behind', async () => {
  const [time, clock] = [createClock(), createClock(1_800_000_000 - 30)];
  const memory = createSharedMemory(time.monotonic);
  const [one, behind] = [await createInstance(memory), await createInstance(memory, { clock })];
  await one.lookUp();
  await until(() => memory.entries.size > 0);
  for (const { advance } of [time, clock]) advance(35);
  await until(() => behind.revocations.isCurrent());
  const { askedMonotonic } = await behind.lookUp();
  expect(clock.monotonic() - askedMonotonic).toBe(35_000);
  expect(behind.requests()).toBe(0);
});

it('a DPoP proof that was used stays used when the wall clock is set back', async () => {
  const clock = createClock();
  const use = createReplayMemory(clock);
  expect(await use('id', 60_000)).toBe(true);
  clock.advance(61);
  clock.step(-30);
  expect(await use('id', 60_000)).toBe(false);
  clock.advance(30);
  expect(await use('id', 60_000)).toBe(true);
});

it('a DPoP proof that one middleware accepted is stored once by a second middleware with another store', async () => {
  const clock = createClock();
  const kept: string[] = [];
  const store = { setIfAbsent: async (key: string) => kept.push(key) > 0 };
  const verifier = (replay: ReplayGuard) =>
    createDpopVerifier({ algorithms: ['ES256'], maxAgeMs: 60_000, nonces: undefined, replay, clock });
  const proof = { jkt: 'key', id: 'proof', isNonceOld: false };
  const [one, other] = [{}, {}];
  await verifier(createReplayGuard(clock, undefined)).use(proof, one);
  for (let i = 0; i < 2; i++) await verifier(createReplayGuard(clock, store)).use(proof, one);
  expect(kept).toEqual(['dpop.proof']);
  await verifier(createReplayGuard(clock, store)).use(proof, other);
  expect(kept).toHaveLength(2);
});
