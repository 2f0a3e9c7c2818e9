import { randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { startLoad } from './load.mjs';
import { sleep } from './time.mjs';

const TOKENS = 50;
const TTL_SECONDS = 10;
const ENDPOINT_DELAY_MS = 10;

/** Requests per second for each token at each instance, with the store and without it. So all tokens are in use everywhere. */
const PER_TOKEN_AND_INSTANCE = 1;

/** A response is refreshed after at least this share of its lifetime. */
const MIN_LIFETIME_SHARE = 3 / 4;

/** Counts introspection requests for tokens that are in use at all instances, with the store and without it. */
export async function measureCalls(common) {
  const { plan } = common;
  const ttlSeconds = plan.callsTtlSeconds ?? TTL_SECONDS;
  const rows = [];
  for (const size of plan.sizes) rows.push(await measureSize({ ...common, size, ttlSeconds, pick: pickRandomly }));
  const inStep = plan.inStep
    ? await measureSize({ ...common, size: plan.sizes.at(-1), ttlSeconds, pick: pickInStep })
    : undefined;
  return { ttlSeconds, seconds: plan.callsSeconds, tokens: TOKENS, rows, inStep };
}

async function measureSize({ redis, endpoint, plan, report, size, ttlSeconds, pick }) {
  report(`calls: ${size} instances${pick === pickInStep ? ', in step' : ''}`);
  await redis.command('FLUSHALL');
  await endpoint.send({ set: { delayMs: ENDPOINT_DELAY_MS }, take: true });
  const fleet = await startFleet({ size, redis, endpoint, ttlSeconds });
  try {
    const tokens = Array.from({ length: TOKENS }, () => randomToken(43));
    const perSecond = TOKENS * size * PER_TOKEN_AND_INSTANCE * 2;
    const stop = startLoad({ fleet, perSecond, next: pick(tokens, size) });
    await sleep(plan.callsSeconds * 1000);
    const requests = await stop();
    const { calls } = await endpoint.send({ take: true });
    return {
      instances: size,
      requests: requests.length,
      rejected: requests.filter(({ status }) => status !== 200).map(({ status }) => status),
      storeFailures: await fleet.storeFailures(),
      shared: perLifetime(calls, '/shared', ttlSeconds * 1000),
      unshared: perLifetime(calls, '/unshared', ttlSeconds * 1000),
    };
  } finally {
    fleet.stop();
  }
}

/** Sends a random token to either middleware, like independent clients. */
function pickRandomly(tokens) {
  return () => ({
    token: tokens[Math.floor(Math.random() * tokens.length)],
    path: Math.random() < 1 / 2 ? '/' : '/unshared',
  });
}

/** Sends each token to all instances within milliseconds once a second, like clients that call several instances at once. */
function pickInStep(tokens, size) {
  return (index) => {
    const round = Math.floor(index / size);
    return { token: tokens[(round >> 1) % tokens.length], path: round % 2 === 0 ? '/' : '/unshared' };
  };
}

/** Counts calls and lifetimes. A lifetime begins with a call. Calls before the response may be refreshed are unnecessary. */
function perLifetime(calls, path, ttlMs) {
  const byToken = new Map();
  for (const [calledPath, token, at] of calls) {
    if (calledPath === path) byToken.set(token, [...(byToken.get(token) ?? []), at]);
  }
  let lifetimes = 0;
  let count = 0;
  for (const times of byToken.values()) {
    let lifetimeStart = Number.NEGATIVE_INFINITY;
    for (const at of times) {
      count++;
      if (at - lifetimeStart < ttlMs * MIN_LIFETIME_SHARE) continue;
      lifetimeStart = at;
      lifetimes++;
    }
  }
  return { calls: count, lifetimes, perLifetime: count / lifetimes };
}

/** Sends a new token to all instances at the same time, for several response times of the endpoint. */
export async function measureStampede({ redis, endpoint, plan, report }) {
  report('stampede');
  const size = plan.sizes.at(-1);
  const fleet = await startFleet({ size, redis, endpoint });
  const rows = [];
  try {
    for (const delayMs of plan.delays) {
      await endpoint.send({ set: { delayMs }, take: true });
      for (let index = 0; index < plan.stampedes; index++) await fleet.getAll(randomToken(43));
      const { calls } = await endpoint.send({ take: true });
      rows.push({ delayMs, instances: size, callsPerToken: calls.length / plan.stampedes });
    }
  } finally {
    fleet.stop();
    await endpoint.send({ set: { delayMs: 0 } });
  }
  return rows;
}
