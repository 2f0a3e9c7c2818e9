import { randomToken } from '../tokens.mjs';
import { startFleet } from './fleet.mjs';
import { startLoad } from './load.mjs';
import { machineTime, sleep } from './time.mjs';

const SIZE = 4;
const TOKENS = 200;
const PER_SECOND = 600;
const ENDPOINT_DELAY_MS = 10;
const AT_ONCE = 10;

/** One of so many requests presents a token that nobody has seen. */
const NEW_EVERY = 60;

/** One instance is killed and started again under load. Answers live longer than this lasts, so that nothing is asked but what is not known. */
export async function measureRestart({ redis, endpoint, plan, report }) {
  report('cold restart');
  await redis.command('FLUSHALL');
  await endpoint.ask({ set: { delayMs: ENDPOINT_DELAY_MS }, take: true });
  const fleet = await startFleet({ size: SIZE, redis, endpoint, ttlSeconds: 600 });
  try {
    const tokens = Array.from({ length: TOKENS }, () => randomToken(43));
    const hot = new Set(tokens);
    for (const path of ['/', '/alone']) {
      for (let from = 0; from < TOKENS; from += AT_ONCE) {
        await Promise.all(tokens.slice(from, from + AT_ONCE).map((token) => fleet.getAll(token, path)));
      }
    }
    await endpoint.ask({ take: true });

    let down;
    const startedAt = machineTime();
    const stop = startLoad({
      fleet,
      perSecond: PER_SECOND,
      skips: (instance) => instance === down,
      next: (index) => ({
        token: index % NEW_EVERY === 0 ? randomToken(43) : tokens[Math.floor(Math.random() * TOKENS)],
        path: Math.floor(index / SIZE) % 2 === 0 ? '/' : '/alone',
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
    const { calls } = await endpoint.ask({ take: true });

    const phases = { before: [startedAt, killedAt], down: [killedAt, backAt], after: [backAt, endedAt] };
    const count = (path, [from, to], isHot) =>
      calls.filter(([asked, token, at]) => asked === path && at >= from && at < to && hot.has(token) === isHot).length;
    const rows = Object.entries(phases).map(([phase, times]) => ({
      phase,
      seconds: (times[1] - times[0]) / 1000,
      known: { shared: count('/shared', times, true), alone: count('/alone', times, true) },
      unknown: { shared: count('/shared', times, false), alone: count('/alone', times, false) },
    }));
    const series = Array.from({ length: Math.floor((endedAt - startedAt) / 1000) }, (_, second) => {
      const from = startedAt + second * 1000;
      const inSecond = (path) =>
        calls.filter(([asked, , at]) => asked === path && at >= from && at < from + 1000).length;
      return { second, shared: inSecond('/shared'), alone: inSecond('/alone') };
    });
    return {
      instances: SIZE,
      tokens: TOKENS,
      perSecond: PER_SECOND,
      killedAtSecond: (killedAt - startedAt) / 1000,
      backAtSecond: (backAt - startedAt) / 1000,
      refused: requests.filter(({ status }) => status !== 200).map(({ status }) => status),
      rows,
      series,
    };
  } finally {
    fleet.stop();
  }
}
