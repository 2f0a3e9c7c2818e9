import { targets } from '../targets/index.mjs';
import { startServer } from './throughput.mjs';

const GOOD_TOKENS = 100;
const GOOD_RATE = 200;
const BAD_RATE = 1000;
const TARGET = 'this library, cached';

/** Good traffic alone, and beside five times as many requests with random tokens: what do the good ones notice? */
export async function measureFlood({ tokens, endpoint, load, otherLoad, plan, report }) {
  const target = targets.find(({ name }) => name === TARGET);
  const server = await startServer({ host: 'express', target, tokens, endpoint });
  try {
    const url = server.hello.own;
    const good = { url, tokens: tokens.opaque.slice(0, GOOD_TOKENS), connections: 8, seconds: plan.floodSeconds };
    await load.ask({ ...good, seconds: 1 });
    report('flood: good traffic alone');
    const alone = await load.ask({ ...good, rate: GOOD_RATE });
    report('flood: good and bad traffic');
    await endpoint.ask({ set: { reset: true } });
    const [beside, flood] = await Promise.all([
      load.ask({ ...good, rate: GOOD_RATE }),
      otherLoad.ask({ url, connections: 8, seconds: plan.floodSeconds, rate: BAD_RATE, expect: 401 }),
    ]);
    const { good: goodCalls } = await endpoint.ask();
    return {
      target: TARGET,
      goodRequests: beside.total,
      badRequests: flood.total,
      goodHitRatio: 1 - goodCalls / beside.total,
      latencyMs: { alone: alone.latency, besideTheFlood: beside.latency },
    };
  } finally {
    server.stop();
  }
}
