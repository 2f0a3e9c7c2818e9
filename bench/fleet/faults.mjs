import { INVALID, introspectionResponse, randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { startLoad } from './load.mjs';
import { createModel } from './model.mjs';
import { machineTime, quantile, sleep } from './time.mjs';

const SIZE = 4;
const TOKENS = 40;
const PER_SECOND = 240;
const TTL_SECONDS = 20;
const TIMEOUT_MS = 1500;
const BAD_EVERY = 17;

const HEALTHY_MS = 1000;
const FAULT_MS = 5000;
const REVOKE_EVERY_MS = 500;
const INVALIDATE_RETRY_MS = 250;
const RECOVERY_LIMIT_MS = 15_000;

/** Time until all instances read Redis again after it is back: retries of the client (about 2 s) and of the library. */
const READERS_BACK_MS = 3000;

/** Faults of Redis. Each returns a function that repairs it. */
const FAULTS = {
  'killed for 5 s, back empty': async ({ redis }) => {
    await redis.kill();
    return () => redis.restart();
  },
  'frozen for 5 s (SIGSTOP)': async ({ redis }) => {
    redis.freeze();
    return () => redis.thaw();
  },
  'restarted empty at once': async ({ redis }) => {
    await redis.restart();
    return () => {};
  },
  'disconnected from one instance for 5 s': async ({ fleet }) => {
    fleet.instances[0].proxy.cut();
    return () => fleet.instances[0].proxy.repair();
  },
  'disconnected from all instances for 5 s': async ({ fleet }) => {
    for (const { proxy } of fleet.instances) proxy.cut();
    return () => {
      for (const { proxy } of fleet.instances) proxy.repair();
    };
  },
};

export async function measureFaults({ redis, endpoint, plan, report }) {
  const rows = [];
  for (const [name, fault] of Object.entries(FAULTS)) {
    if (!plan.faults.test(name)) continue;
    report(`fault: Redis ${name}`);
    rows.push({
      fault: name,
      ...(await measureFault({ redis, endpoint, fault, affectsOneInstance: name.includes('one instance') })),
    });
  }
  report('fault: Redis replaced while one instance is disconnected');
  rows.push(await measureReplacement({ redis, endpoint }));
  report('late joiners');
  rows.push(await measureLateJoiners({ redis, endpoint, plan }));
  return rows;
}

async function measureFault({ redis, endpoint, fault, affectsOneInstance }) {
  await redis.command('FLUSHALL');
  await endpoint.send({ set: { delayMs: 5 }, take: true });
  const settings = { ttlSeconds: TTL_SECONDS, timeoutMs: TIMEOUT_MS };
  const fleet = await startFleet({ size: SIZE, redis, endpoint, proxied: true, ...settings });
  const model = createModel({ ttlMs: TTL_SECONDS * 1000, timeoutMs: TIMEOUT_MS });
  try {
    const tokens = Array.from({ length: TOKENS }, () => randomToken(43));
    for (const token of tokens) model.good(token);
    const bad = Array.from({ length: 5 }, () => INVALID + randomToken(30));
    for (const token of tokens) await fleet.getAll(token);
    const stop = startLoad({
      fleet,
      perSecond: PER_SECOND,
      next: (index) => ({ token: index % BAD_EVERY === 0 ? pick(bad) : pick(tokens) }),
    });

    const invalidations = [];
    let rounds = 0;
    const revokeNext = () => {
      const token = tokens[rounds];
      // The instances take turns, so the disconnected one invalidates some tokens too.
      const invalidator = fleet.instances[rounds % SIZE];
      invalidations.push(revoke({ token, invalidator, byToken: rounds % 2 === 0, endpoint, model }));
      rounds++;
    };
    const timer = setInterval(() => rounds < TOKENS / 2 && revokeNext(), REVOKE_EVERY_MS);

    await sleep(HEALTHY_MS);
    const from = machineTime();
    const repair = await fault({ redis, fleet });
    const outage = { from, to: Number.POSITIVE_INFINITY, instance: affectsOneInstance ? 0 : undefined };
    model.addOutage(outage);
    await sleep(FAULT_MS);
    await repair();
    const repairedAt = machineTime();
    outage.to = repairedAt + READERS_BACK_MS;
    const recoveryMs = await recovery({ fleet, endpoint, repairedAt });
    clearInterval(timer);
    await sleep(HEALTHY_MS);
    await Promise.all(invalidations);
    const requests = await stop();
    const during = requests.filter(({ startedAt }) => startedAt >= from && startedAt <= repairedAt);
    const durations = during.map(({ startedAt, endedAt }) => endedAt - startedAt);
    const violations = model.check(requests);
    if (recoveryMs === undefined) violations.push(`no recovery within ${RECOVERY_LIMIT_MS} ms`);
    return {
      requests: requests.length,
      revocations: invalidations.length,
      p99Millis: quantile(durations, 0.99),
      longestMillis: Math.max(...durations),
      recoverySeconds: recoveryMs === undefined ? undefined : recoveryMs / 1000,
      violations,
    };
  } finally {
    fleet.stop();
  }
}

/** Revokes a token, and calls invalidate() again when it fails, as an app must. */
async function revoke({ token, invalidator, byToken, endpoint, model }) {
  const { at } = await endpoint.send({ revoke: token });
  const setStoredAt = model.revoked(token, at);
  const criteria = byToken ? { token } : { sub: introspectionResponse(token).sub };
  for (;;) {
    try {
      setStoredAt((await invalidator.send({ command: 'invalidate', criteria })).storedAt);
      return;
    } catch {
      await sleep(INVALIDATE_RETRY_MS);
    }
  }
}

/** Waits until all instances share responses again: a new token causes one introspection request, and every store state is ok. */
async function recovery({ fleet, endpoint, repairedAt }) {
  while (machineTime() - repairedAt < RECOVERY_LIMIT_MS) {
    const at = machineTime();
    const token = randomToken(43);
    for (const instance of fleet.instances) await instance.get(token);
    const { calls } = await endpoint.send({ take: true });
    const states = await Promise.all(fleet.instances.map((instance) => instance.send({ command: 'readState' })));
    const isShared = calls.filter(([, calledToken]) => calledToken === token).length === 1;
    if (isShared && states.every(({ storeState }) => storeState === 'ok')) return at - repairedAt;
    await sleep(200);
  }
  return undefined;
}

/**
 * One instance is disconnected from Redis. A token is revoked, Redis is replaced by an empty one, and another token is revoked. Then
 * the instance reconnects to a revocation log that is not empty, but lacks the revocation that it missed.
 */
async function measureReplacement({ redis, endpoint }) {
  await redis.command('FLUSHALL');
  const settings = { ttlSeconds: TTL_SECONDS, timeoutMs: TIMEOUT_MS };
  const fleet = await startFleet({ size: 2, redis, endpoint, proxied: true, ...settings });
  const model = createModel({ ttlMs: TTL_SECONDS * 1000, timeoutMs: TIMEOUT_MS });
  const [disconnected, other] = fleet.instances;
  try {
    const [token, another] = [randomToken(43), randomToken(43)];
    for (const value of [token, another]) {
      model.good(value);
      await fleet.getAll(value);
    }
    await revoke({ token: randomToken(43), invalidator: other, byToken: false, endpoint, model });
    await sleep(100);
    disconnected.proxy.cut();
    const outage = { from: machineTime(), to: Number.POSITIVE_INFINITY };
    model.addOutage(outage);
    await sleep(1400);
    await revoke({ token, invalidator: other, byToken: false, endpoint, model });
    await redis.restart();
    await revoke({ token: another, invalidator: other, byToken: false, endpoint, model });
    disconnected.proxy.repair();
    outage.to = machineTime() + READERS_BACK_MS;
    const requests = [];
    const until = machineTime() + 6000;
    while (machineTime() < until) {
      requests.push(await disconnected.get(token), await other.get(token));
      await sleep(250);
    }
    const violations = model.check(requests);
    return {
      fault: 'replaced by an empty one while one instance is disconnected',
      requests: requests.length,
      violations,
    };
  } finally {
    fleet.stop();
  }
}

/** A request that arrives after a revocation must not get a response that was requested before it and is still on its way. */
async function measureLateJoiners({ redis, endpoint, plan }) {
  await redis.command('FLUSHALL');
  await endpoint.send({ set: { delayMs: 800 } });
  const fleet = await startFleet({ size: 2, redis, endpoint, timeoutMs: TIMEOUT_MS * 2 });
  const model = createModel({ ttlMs: 60_000, timeoutMs: TIMEOUT_MS * 2 });
  const requests = [];
  let accepted = 0;
  try {
    for (let index = 0; index < plan.joiners; index++) {
      const token = randomToken(43);
      model.good(token);
      const early = fleet.instances[1].get(token);
      await sleep(100);
      await revoke({ token, invalidator: fleet.instances[0], byToken: index % 2 === 0, endpoint, model });
      await sleep(300);
      const late = await fleet.instances[1].get(token);
      await early;
      requests.push(late);
      if (late.status === 200) accepted++;
    }
    const violations = model.check(requests);
    return { fault: 'normal, but the endpoint takes 800 ms', requests: requests.length, accepted, violations };
  } finally {
    fleet.stop();
    await endpoint.send({ set: { delayMs: 0 } });
  }
}

function pick(list) {
  return list[Math.floor(Math.random() * list.length)];
}
