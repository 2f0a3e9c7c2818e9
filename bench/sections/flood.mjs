import { targets } from '../targets/index.mjs';
import { startServer } from './throughput.mjs';

const VALID_TOKENS = 100;
const VALID_RATE = 200;
const INVALID_RATE = 1000;
const TARGET = 'this library, cached';

/** Measures the latency of requests with valid tokens, without and during a flood of five times as many random tokens. */
export async function measureFlood({ tokens, endpoint, load, otherLoad, plan, report }) {
  const target = targets.find(({ name }) => name === TARGET);
  const server = await startServer({ host: 'express', target, tokens, endpoint });
  try {
    const url = server.firstMessage.protectedUrl;
    const good = { url, tokens: tokens.opaque.slice(0, VALID_TOKENS), connections: 8, seconds: plan.floodSeconds };
    await load.send({ command: 'run', ...good, seconds: 1 });
    report('flood: only valid tokens');
    const withoutFlood = await load.send({ command: 'run', ...good, rate: VALID_RATE });
    report('flood: valid and random tokens');
    await endpoint.send({ set: { reset: true } });
    const [beside, flood] = await Promise.all([
      load.send({ command: 'run', ...good, rate: VALID_RATE }),
      otherLoad.send({
        command: 'run',
        url,
        connections: 8,
        seconds: plan.floodSeconds,
        rate: INVALID_RATE,
        expect: 401,
      }),
    ]);
    const { good: goodCalls } = await endpoint.send();
    return {
      target: TARGET,
      goodRequests: beside.total,
      badRequests: flood.total,
      goodHitRatio: 1 - goodCalls / beside.total,
      latencyMs: { withoutFlood: withoutFlood.latency, duringFlood: beside.latency },
    };
  } finally {
    server.stop();
  }
}
