import { targets } from '../targets/index.mjs';
import { startServer } from './over-http.mjs';

const VALID_TOKENS = 100;
const VALID_RATE = 200;
const TARGET = 'this library, cached';

/** Measures the latency of requests with valid tokens, without and during a flood of random tokens, each sent once. */
export async function measureFlood({ tokens, endpoint, load, otherLoad, plan, report }) {
  const target = targets.find(({ name }) => name === TARGET);
  const server = await startServer({ host: 'express', targets: [target], tokens, endpoint });
  try {
    const url = server.firstMessage.urls[target.name];
    const good = { url, tokens: tokens.opaque.slice(0, VALID_TOKENS), connections: 8, seconds: plan.flood.seconds };
    await load.send({ command: 'run', ...good, seconds: 1 });
    report('flood: only valid tokens');
    const withoutFlood = await load.send({
      command: 'run',
      ...good,
      seconds: Math.min(plan.flood.seconds, 30),
      rate: VALID_RATE,
    });
    report('flood: valid and random tokens');
    await endpoint.send({ set: { reset: true } });
    const [beside, flood] = await Promise.all([
      load.send({ command: 'run', ...good, rate: VALID_RATE }),
      otherLoad.send({
        command: 'run',
        url,
        connections: 8,
        seconds: plan.flood.seconds,
        rate: plan.flood.rate,
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
