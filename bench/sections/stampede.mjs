import { targets } from '../targets/index.mjs';
import { BAD, randomToken } from '../tokens.mjs';
import { startServer } from './throughput.mjs';

const PARALLEL = 500;
/** Long enough that all requests are there before the first answer is. */
const ANSWER_DELAY_MS = 250;

/** Many requests at once with one token that nobody has seen yet: how often is the endpoint asked, over how many sockets? */
export async function measureStampede({ tokens, endpoint, load, plan, report }) {
  const results = [];
  await endpoint.ask({ set: { delayMs: ANSWER_DELAY_MS } });
  for (const target of targets.filter(({ asks, name }) => asks && plan.wants(name))) {
    report(`stampede: ${target.name}`);
    const server = await startServer({ host: 'express', target, tokens, endpoint });
    try {
      const good = await storm(server, endpoint, load, { token: randomToken(43), expect: 200 });
      const bad = await storm(server, endpoint, load, { token: BAD + randomToken(42), expect: 401 });
      results.push({ target: target.name, requests: PARALLEL, good, bad });
    } finally {
      server.stop();
    }
  }
  await endpoint.ask({ set: { delayMs: 0 } });
  return results;
}

async function storm(server, endpoint, load, { token, expect }) {
  await endpoint.ask({ set: { reset: true } });
  await load.ask({ url: server.hello.own, tokens: [token], connections: PARALLEL, amount: PARALLEL, expect });
  const { calls, peakSockets } = await endpoint.ask();
  return { calls, peakSockets };
}
