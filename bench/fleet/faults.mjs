import { BAD, introspectionResponse, randomToken } from '../tokens.mjs';
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
const TELL_AGAIN_MS = 250;
const RECOVERY_LIMIT_MS = 15_000;

/** From when Redis can be read again until all have: retries of the client (2 s and some) and of the library. */
const READERS_BACK_MS = 3000;

/** What is done to Redis; each returns what mends it. */
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
  'parted from one instance for 5 s': async ({ fleet }) => {
    fleet.instances[0].proxy.cut();
    return () => fleet.instances[0].proxy.mend();
  },
  'parted from all for 5 s': async ({ fleet }) => {
    for (const { proxy } of fleet.instances) proxy.cut();
    return () => {
      for (const { proxy } of fleet.instances) proxy.mend();
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
      ...(await measureFault({ redis, endpoint, fault, isOfOne: name.includes('one instance') })),
    });
  }
  report('fault: Redis replaced while one instance is away');
  rows.push(await measureReplacement({ redis, endpoint }));
  report('late joiners');
  rows.push(await measureLateJoiners({ redis, endpoint, plan }));
  return rows;
}

async function measureFault({ redis, endpoint, fault, isOfOne }) {
  await redis.command('FLUSHALL');
  await endpoint.ask({ set: { delayMs: 5 }, take: true });
  const settings = { ttlSeconds: TTL_SECONDS, timeoutMs: TIMEOUT_MS };
  const fleet = await startFleet({ size: SIZE, redis, endpoint, proxied: true, ...settings });
  const model = createModel({ ttlMs: TTL_SECONDS * 1000, timeoutMs: TIMEOUT_MS });
  try {
    const tokens = Array.from({ length: TOKENS }, () => randomToken(43));
    for (const token of tokens) model.good(token);
    const bad = Array.from({ length: 5 }, () => BAD + randomToken(30));
    for (const token of tokens) await fleet.getAll(token);
    const stop = startLoad({
      fleet,
      perSecond: PER_SECOND,
      next: (index) => ({ token: index % BAD_EVERY === 0 ? pick(bad) : pick(tokens) }),
    });

    const telling = [];
    let rounds = 0;
    const revokeNext = () => {
      const token = tokens[rounds];
      // Those that can be told by the parted instance itself, and those that cannot.
      const teller = fleet.instances[rounds % SIZE];
      telling.push(revoke({ token, teller, byToken: rounds % 2 === 0, endpoint, model }));
      rounds++;
    };
    const timer = setInterval(() => rounds < TOKENS / 2 && revokeNext(), REVOKE_EVERY_MS);

    await sleep(HEALTHY_MS);
    const from = machineTime();
    const mend = await fault({ redis, fleet });
    const trouble = { from, to: Number.POSITIVE_INFINITY, instance: isOfOne ? 0 : undefined };
    model.trouble(trouble);
    await sleep(FAULT_MS);
    await mend();
    const mendedAt = machineTime();
    trouble.to = mendedAt + READERS_BACK_MS;
    const recoveryMs = await recovery({ fleet, endpoint, mendedAt });
    clearInterval(timer);
    await sleep(HEALTHY_MS);
    await Promise.all(telling);
    const requests = await stop();
    const waited = requests.filter(({ startedAt }) => startedAt >= from && startedAt <= mendedAt);
    const took = waited.map(({ startedAt, endedAt }) => endedAt - startedAt);
    const violations = model.judge(requests);
    if (recoveryMs === undefined) violations.push(`no recovery within ${RECOVERY_LIMIT_MS} ms`);
    return {
      requests: requests.length,
      revocations: telling.length,
      p99Millis: quantile(took, 0.99),
      longestMillis: Math.max(...took),
      recoverySeconds: recoveryMs === undefined ? undefined : recoveryMs / 1000,
      violations,
    };
  } finally {
    fleet.stop();
  }
}

/** As an app has to: when it fails, again. */
async function revoke({ token, teller, byToken, endpoint, model }) {
  const { at } = await endpoint.ask({ revoke: token });
  const { told } = model.revoked(token, at);
  const of = byToken ? { token } : { sub: introspectionResponse(token).sub };
  for (;;) {
    try {
      told((await teller.ask({ order: 'invalidate', of })).toldAt);
      return;
    } catch {
      await sleep(TELL_AGAIN_MS);
    }
  }
}

/** Until all share again: a token that nobody knows is asked about once, and nobody calls the store failing. */
async function recovery({ fleet, endpoint, mendedAt }) {
  while (machineTime() - mendedAt < RECOVERY_LIMIT_MS) {
    const at = machineTime();
    const token = randomToken(43);
    for (const instance of fleet.instances) await instance.get(token);
    const { calls } = await endpoint.ask({ take: true });
    const states = await Promise.all(fleet.instances.map((instance) => instance.ask({ order: 'look' })));
    const isShared = calls.filter(([, asked]) => asked === token).length === 1;
    if (isShared && states.every(({ storeState }) => storeState === 'ok')) return at - mendedAt;
    await sleep(200);
  }
  return undefined;
}

/**
 * One instance is parted from Redis; a token is revoked, Redis is replaced by an empty one, something else is revoked, and the
 * instance comes back, to a log that is longer than nothing and lacks what it has missed.
 */
async function measureReplacement({ redis, endpoint }) {
  await redis.command('FLUSHALL');
  const settings = { ttlSeconds: TTL_SECONDS, timeoutMs: TIMEOUT_MS };
  const fleet = await startFleet({ size: 2, redis, endpoint, proxied: true, ...settings });
  const model = createModel({ ttlMs: TTL_SECONDS * 1000, timeoutMs: TIMEOUT_MS });
  const [away, other] = fleet.instances;
  try {
    const [token, another] = [randomToken(43), randomToken(43)];
    for (const each of [token, another]) {
      model.good(each);
      await fleet.getAll(each);
    }
    await revoke({ token: randomToken(43), teller: other, byToken: false, endpoint, model });
    await sleep(100);
    away.proxy.cut();
    const trouble = { from: machineTime(), to: Number.POSITIVE_INFINITY };
    model.trouble(trouble);
    await sleep(1400);
    await revoke({ token, teller: other, byToken: false, endpoint, model });
    await redis.restart();
    await revoke({ token: another, teller: other, byToken: false, endpoint, model });
    away.proxy.mend();
    trouble.to = machineTime() + READERS_BACK_MS;
    const requests = [];
    const until = machineTime() + 6000;
    while (machineTime() < until) {
      requests.push(await away.get(token), await other.get(token));
      await sleep(250);
    }
    const violations = model.judge(requests);
    return { fault: 'replaced by an empty one while one instance is away', requests: requests.length, violations };
  } finally {
    fleet.stop();
  }
}

/** Who comes after a revocation, while an answer from before it is on its way to another instance, must not be given that. */
async function measureLateJoiners({ redis, endpoint, plan }) {
  await redis.command('FLUSHALL');
  await endpoint.ask({ set: { delayMs: 800 } });
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
      await revoke({ token, teller: fleet.instances[0], byToken: index % 2 === 0, endpoint, model });
      await sleep(300);
      const late = await fleet.instances[1].get(token);
      await early;
      requests.push(late);
      if (late.status === 200) accepted++;
    }
    const violations = model.judge(requests);
    return { fault: 'well, but the endpoint takes 800 ms', requests: requests.length, accepted, violations };
  } finally {
    fleet.stop();
    await endpoint.ask({ set: { delayMs: 0 } });
  }
}

function pick(list) {
  return list[Math.floor(Math.random() * list.length)];
}
