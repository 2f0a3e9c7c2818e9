import { randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { startLoad } from './load.mjs';
import { machineTime, sleep } from './time.mjs';

const SIZE = 4;
const TOKENS = 200;
const PER_SECOND = 600;
const ENDPOINT_DELAY_MS = 10;
const CONCURRENCY = 10;

/** One of this many requests has a new token. */
const NEW_EVERY = 60;

/**
 * Kills and restarts one instance under load. Cached responses outlast the measurement, so only tokens that are not cached cause
 * introspection requests.
 */
export async function measureRestart({ redis, endpoint, plan, report }) {
  report('cold restart');
  await redis.command('FLUSHALL');
  await endpoint.send({ set: { delayMs: ENDPOINT_DELAY_MS }, take: true });
  const fleet = await startFleet({ size: SIZE, redis, endpoint, ttlSeconds: 600 });
  try {
    const tokens = Array.from({ length: TOKENS }, () => randomToken(43));
    const knownTokens = new Set(tokens);
    for (const path of ['/', '/unshared']) {
      for (let from = 0; from < TOKENS; from += CONCURRENCY) {
        await Promise.all(tokens.slice(from, from + CONCURRENCY).map((token) => fleet.getAll(token, path)));
      }
    }
    await endpoint.send({ take: true });

    let down;
    const startedAt = machineTime();
    const stop = startLoad({
      fleet,
      perSecond: PER_SECOND,
      skips: (instance) => instance === down,
      next: (index) => ({
        token: index % NEW_EVERY === 0 ? randomToken(43) : tokens[Math.floor(Math.random() * TOKENS)],
        path: Math.floor(index / SIZE) % 2 === 0 ? '/' : '/unshared',
      }),
    });
    await sleep(plan.restartSeconds * 1000);
    const killedAt = machineTime();
    down = fleet.instances[0];
    await fleet.restart(0);
    const backAt = machineTime();
    await sleep(plan.restartSeconds * 2000);
    const endedAt = machineTime();
    const requests = await stop();
    const { calls } = await endpoint.send({ take: true });

    const phases = { before: [startedAt, killedAt], down: [killedAt, backAt], after: [backAt, endedAt] };
    const count = (path, [from, to], isKnown) =>
      calls.filter(
        ([calledPath, token, at]) => calledPath === path && at >= from && at < to && knownTokens.has(token) === isKnown,
      ).length;
    const rows = Object.entries(phases).map(([phase, times]) => ({
      phase,
      seconds: (times[1] - times[0]) / 1000,
      known: { shared: count('/shared', times, true), unshared: count('/unshared', times, true) },
      unknown: { shared: count('/shared', times, false), unshared: count('/unshared', times, false) },
    }));
    const series = Array.from({ length: Math.floor((endedAt - startedAt) / 1000) }, (_, second) => {
      const from = startedAt + second * 1000;
      const inSecond = (path) =>
        calls.filter(([calledPath, , at]) => calledPath === path && at >= from && at < from + 1000).length;
      return { second, shared: inSecond('/shared'), unshared: inSecond('/unshared') };
    });
    return {
      instances: SIZE,
      tokens: TOKENS,
      perSecond: PER_SECOND,
      killedAtSecond: (killedAt - startedAt) / 1000,
      backAtSecond: (backAt - startedAt) / 1000,
      rejected: requests.filter(({ status }) => status !== 200).map(({ status }) => status),
      rows,
      series,
    };
  } finally {
    fleet.stop();
  }
}
