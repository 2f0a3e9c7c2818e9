import { targets } from '../targets/index.mjs';
import { INVALID, randomToken } from '../tokens.mjs';
import { startServer } from './throughput.mjs';

const CONCURRENCY = 500;
/** Long enough that all requests arrive before the first response is sent. */
const RESPONSE_DELAY_MS = 250;

/** Counts the introspection requests and sockets for 500 concurrent requests with one new token. */
export async function measureStampede({ tokens, endpoint, load, plan, report }) {
  const results = [];
  await endpoint.send({ set: { delayMs: RESPONSE_DELAY_MS } });
  for (const target of targets.filter(({ introspects, name }) => introspects && plan.wants(name))) {
    report(`stampede: ${target.name}`);
    const server = await startServer({ host: 'express', target, tokens, endpoint });
    try {
      const good = await sendConcurrently(server, endpoint, load, { token: randomToken(43), expect: 200 });
      const bad = await sendConcurrently(server, endpoint, load, { token: INVALID + randomToken(42), expect: 401 });
      results.push({ target: target.name, requests: CONCURRENCY, good, bad });
    } finally {
      server.stop();
    }
  }
  await endpoint.send({ set: { delayMs: 0 } });
  return results;
}

async function sendConcurrently(server, endpoint, load, { token, expect }) {
  await endpoint.send({ set: { reset: true } });
  await load.send({
    command: 'run',
    url: server.firstMessage.protectedUrl,
    tokens: [token],
    connections: CONCURRENCY,
    amount: CONCURRENCY,
    expect,
  });
  const { calls, peakSockets } = await endpoint.send();
  return { calls, peakSockets };
}
