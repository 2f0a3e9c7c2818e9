import { randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { startLoad } from './load.mjs';
import { sleep } from './time.mjs';

const TOKENS = 50;
const TTL_SECONDS = 10;
const ENDPOINT_DELAY_MS = 10;

/** Requests a second for each token at each instance, with the store and without: all of them are in use everywhere. */
const PER_TOKEN_AND_INSTANCE = 1;

/** Renewed early or not, a life lasts for at least this share. */
const LEAST_SHARE = 3 / 4;

/** How often the endpoint is asked about tokens that are in use at all instances, with the store and without. */
export async function measureCalls(common) {
  const { plan } = common;
  const ttlSeconds = plan.callsTtlSeconds ?? TTL_SECONDS;
  const rows = [];
  for (const size of plan.sizes) rows.push(await measureSize({ ...common, size, ttlSeconds, pick: atRandom }));
  const inStep = plan.inStep
    ? await measureSize({ ...common, size: plan.sizes.at(-1), ttlSeconds, pick: oneByOne })
    : undefined;
  return { ttlSeconds, seconds: plan.callsSeconds, tokens: TOKENS, rows, inStep };
}

async function measureSize({ redis, endpoint, plan, report, size, ttlSeconds, pick }) {
  report(`calls: ${size} instances${pick === oneByOne ? ', in step' : ''}`);
  await redis.command('FLUSHALL');
  await endpoint.ask({ set: { delayMs: ENDPOINT_DELAY_MS }, take: true });
  const fleet = await startFleet({ size, redis, endpoint, ttlSeconds });
  try {
    const tokens = Array.from({ length: TOKENS }, () => randomToken(43));
    const perSecond = TOKENS * size * PER_TOKEN_AND_INSTANCE * 2;
    const stop = startLoad({ fleet, perSecond, next: pick(tokens, size) });
    await sleep(plan.callsSeconds * 1000);
    const requests = await stop();
    const { calls } = await endpoint.ask({ take: true });
    return {
      instances: size,
      requests: requests.length,
      refused: requests.filter(({ status }) => status !== 200).map(({ status }) => status),
      storeFailures: await fleet.storeFailures(),
      shared: perLife(calls, '/shared', ttlSeconds * 1000),
      alone: perLife(calls, '/alone', ttlSeconds * 1000),
    };
  } finally {
    fleet.stop();
  }
}

/** Any token, to the store's middleware or the other, as clients that know nothing of one another would. */
function atRandom(tokens) {
  return () => ({
    token: tokens[Math.floor(Math.random() * tokens.length)],
    path: Math.random() < 1 / 2 ? '/' : '/alone',
  });
}

/** Each token to all instances within milliseconds, once a second: as clients that ask several at once. */
function oneByOne(tokens, size) {
  return (index) => {
    const round = Math.floor(index / size);
    return { token: tokens[(round >> 1) % tokens.length], path: round % 2 === 0 ? '/' : '/alone' };
  };
}

/** A life begins with a call; whatever else is asked before an answer may be renewed is too much. */
function perLife(calls, path, ttlMs) {
  const byToken = new Map();
  for (const [asked, token, at] of calls) {
    if (asked === path) byToken.set(token, [...(byToken.get(token) ?? []), at]);
  }
  let lives = 0;
  let all = 0;
  for (const times of byToken.values()) {
    let begun = Number.NEGATIVE_INFINITY;
    for (const at of times) {
      all++;
      if (at - begun < ttlMs * LEAST_SHARE) continue;
      begun = at;
      lives++;
    }
  }
  return { calls: all, lives, perLife: all / lives };
}

/** One token that nobody knows, presented to all instances at the same moment, for endpoints of different speed. */
export async function measureStampede({ redis, endpoint, plan, report }) {
  report('stampede');
  const size = plan.sizes.at(-1);
  const fleet = await startFleet({ size, redis, endpoint });
  const rows = [];
  try {
    for (const delayMs of plan.delays) {
      await endpoint.ask({ set: { delayMs }, take: true });
      for (let index = 0; index < plan.stampedes; index++) await fleet.getAll(randomToken(43));
      const { calls } = await endpoint.ask({ take: true });
      rows.push({ delayMs, instances: size, callsPerToken: calls.length / plan.stampedes });
    }
  } finally {
    fleet.stop();
    await endpoint.ask({ set: { delayMs: 0 } });
  }
  return rows;
}
